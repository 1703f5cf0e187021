"""Processes the bench starts: waited for, looked at, stopped by their id, nothing left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STOP_S = 15.0


class BenchFault(Exception):
    """A part could not be measured; `str()` says why."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    """Does somebody take connections on the port?"""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    log: Path,
    ready: Callable[[], bool],
    within: float = 30.0,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """The command's process, from `ready` on until the block ends.

    Raises `BenchFault` with the end of its log when it ends or is not ready `within` seconds.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - commands of the bench
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=cwd or ROOT,
            start_new_session=True,
        )
    try:
        _wait(process, ready, within, log)
        yield process
    finally:
        stop(process)


def _wait(process: subprocess.Popen[bytes], ready: Callable[[], bool], within: float, log: Path) -> None:
    deadline = time.monotonic() + within
    while not ready():
        if process.poll() is not None:
            raise BenchFault(f"{log.stem} ended with {process.returncode}: {tail(log)}")
        if time.monotonic() > deadline:
            raise BenchFault(f"{log.stem} was not ready within {within:.0f} s: {tail(log)}")
        time.sleep(0.005)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, insist after `STOP_S`; its children went into its session and are ended with it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def call(
    command: Sequence[str | Path],
    *,
    within: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    given: str | None = None,
) -> str:
    """Run to the end; gives its standard output. Raises `BenchFault` with the end of what it said."""
    try:
        done = subprocess.run(  # noqa: S603 - commands of the bench
            [str(word) for word in command],
            input=given,
            capture_output=True,
            text=True,
            timeout=within,
            env={**os.environ, **(env or {})},
            cwd=cwd or ROOT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchFault(f"{Path(command[0]).name} took longer than {within:.0f} s") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-400:]
        raise BenchFault(f"{Path(command[0]).name} ended with {done.returncode}: {said}")
    return done.stdout


def tail(log: Path) -> str:
    return log.read_text(errors="replace").strip()[-400:] or "(it said nothing)"


def family(pid: int) -> list[int]:
    """The process and all its descendants that live."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found.extend(parents.get(one, []))
    return found


def memory(pids: Sequence[int], field: str) -> int:
    """Bytes summed over the processes: `Rss` or `Pss` (shared pages shared out), `VmHWM` (peak resident)."""
    source = "status" if field.startswith("Vm") else "smaps_rollup"
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/{source}").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))
    return total


def reset_peak(pids: Sequence[int]) -> None:
    """Make VmHWM start anew from what is resident now (proc(5), clear_refs)."""
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def is_postgres(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("postgres")
    except OSError:
        return False
