"""The `tellback` command as anyone runs it: a process of its own, in an environment without surprises."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CONFIGURATION = Path(__file__).parents[1] / "cli" / "hub.yaml"
READY_S = 60.0
COMMAND = f"{sys.executable} -m tellback"


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)

    def rows(self) -> list[Any]:
        """One JSON document a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Running:
    """A command that goes on; its lines are collected as they come."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _readers: list[threading.Thread] = field(default_factory=list)

    def read(self) -> None:
        for stream, into in ((self.process.stdout, self.lines), (self.process.stderr, self.errors)):
            reader = threading.Thread(target=_collect, args=(stream, into), daemon=True)
            reader.start()
            self._readers.append(reader)

    def wait_for(self, what: Callable[[str], bool], seconds: float = READY_S) -> str:
        """The first line of standard output that fits; fails when none comes."""
        deadline = time.monotonic() + seconds
        while True:
            for line in list(self.lines):
                if what(line):
                    return line
            assert time.monotonic() < deadline, f"no such line; there is {self.lines} and {self.errors}"
            assert self.process.poll() is None, f"it ended: {self.lines} {self.errors}"
            time.sleep(0.02)

    def address(self) -> str:
        """Of a hub, once it is ready."""
        return self.wait_for(lambda line: line.startswith("tellback is ready at ")).split()[-1]

    def end(self, how: signal.Signals = signal.SIGTERM, within: float = 12.0) -> int:
        """Send a signal and wait; its exit code."""
        self.process.send_signal(how)
        return self._ended(within)

    def press_ctrl_c(self, within: float = 12.0) -> int:
        """As a terminal does: every process of the command gets the signal; its exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self._ended(within)

    def _ended(self, within: float) -> int:
        code = self.process.wait(within)
        for reader in self._readers:
            reader.join(5)
        return code


def tellback(
    *arguments: str | Path,
    given: str | None = None,
    environment: Mapping[str, str] | None = None,
    within: float = 60.0,
) -> Done:
    """Run a command to its end. `given` is its standard input."""
    done = subprocess.run(
        [sys.executable, "-m", "tellback", *map(str, arguments)],
        input=given if given is not None else "",
        capture_output=True,
        text=True,
        timeout=within,
        env=_environment(environment),
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def shell(line: str, within: float = 60.0) -> Done:
    """Run a line as one pastes it."""
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        capture_output=True,
        text=True,
        timeout=within,
        env=_environment(None),
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@contextmanager
def started(*arguments: str | Path, environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """A command that goes on; killed at the end where it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tellback", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(environment),
        start_new_session=True,
    )
    running = Running(process)
    running.read()
    try:
        yield running
    finally:
        if process.poll() is None:
            running.end(signal.SIGKILL)
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


@contextmanager
def serving(data: Path, *options: str | Path) -> Iterator[tuple[Running, str]]:
    """`tellback serve` on `data` and a free port, ready, and its address; stopped in order at the end."""
    with started("serve", "--data", data, "--port", "0", *options) as running:
        yield running, running.address()
        if running.process.poll() is None:
            running.end()


def ask(
    address: str,
    *,
    method: str = "GET",
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Any]:
    """One request; the status and the JSON that came back."""
    sent = urllib.request.Request(  # noqa: S310 - our own server
        address,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **(headers or {})},
        method=method,
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(sent, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def naming(data: Path) -> dict[int, str]:
    """pid -> command line of every process that has `data` in its command line, or works below it."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(data) in command or (entry / "cwd").readlink().is_relative_to(data):
                found[int(entry.name)] = command
        except OSError:
            continue
    return found


def eventually(what: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until `what()` holds; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


def family(pid: int) -> list[int]:
    """A process and all that descend from it, whichever of their threads began them."""
    try:
        threads = [thread / "children" for thread in Path(f"/proc/{pid}/task").iterdir()]
        children = [int(child) for listed in threads for child in listed.read_text().split()]
    except OSError:
        return []
    return [pid, *(one for child in children for one in family(child))]


def _collect(stream: Any, into: list[str]) -> None:
    for line in stream:
        into.append(line.rstrip("\n"))


def _environment(added: Mapping[str, str] | None) -> dict[str, str]:
    """Ours, without what would steer the command."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TELLBACK_")}
    kept.setdefault("HOME", "/nonexistent")
    return {**kept, "PYTHONUNBUFFERED": "", **(added or {})}
