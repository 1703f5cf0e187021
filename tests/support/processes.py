"""Processes that hold a database, and a look at which are left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

_HOLDER = Path(__file__).with_name("holder.py")
_SOURCES = Path(__file__).parents[2] / "src"

only_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


class Holder:
    """`holder.py` running on `data`; used with `with`, which makes it leave, and kills it if it does not."""

    def __init__(
        self, mode: str, data: Path, *, binaries: Path | None = None, uid: int | None = None
    ) -> None:
        command = [_python_for(uid), str(_HOLDER), mode, str(data), *([str(binaries)] if binaries else [])]
        become: dict[str, Any] = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join([str(_SOURCES), *_packages()])},
            **become,
        )

    def answer(self) -> dict[str, Any]:
        """What it printed; waits for it."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the holder ended with {self.process.wait()}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def leave(self) -> None:
        """Ask it to leave; returns at once."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def kill(self) -> None:
        """kill -9"""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Holder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
        try:
            self.process.wait(45)
        finally:
            self.kill()
            assert self.process.stdout is not None
            self.process.stdout.close()


def _packages() -> Sequence[str]:
    return [entry for entry in sys.path if entry.endswith("site-packages")]


def _python_for(uid: int | None) -> str:
    """A Python that `uid` may run: ours, or the system's where ours lies in a closed folder."""
    for python in (sys.executable, "/usr/bin/python3"):
        if uid is None:
            return python
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        probe = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        try:
            done = subprocess.run(
                probe, user=uid, group=uid, capture_output=True, text=True, cwd="/", check=False
            )
        except PermissionError:
            continue
        if done.stdout.strip() == version:
            return python
    pytest.skip("no Python of this version that a plain user may run")


def servers(data: Path) -> dict[int, str]:
    """pid -> command line of every process that works in the data folder's cluster, or names it."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if (entry / "cwd").readlink().is_relative_to(data):
                found[int(entry.name)] = command
        except OSError:
            continue
    return found


def main_process(data: Path) -> int:
    """The pid of the server's main process."""
    return int((data / "postgresql" / "postmaster.pid").read_text().split()[0])


def eventually(what: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait until `what()` holds; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)
