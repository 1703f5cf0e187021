"""`tellback.server.serve` in a process of its own, and a client that says exactly what it is told to."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tellback import settings

ROOT = Path(__file__).parents[2]
_SERVE = """
import sys
from tellback import headstart
if sys.argv[3] == "early":
    headstart.begin(sys.argv[2])
from tellback import logs, server, settings
config = settings.Settings.from_json(sys.argv[1])
logs.configure(config.log_level)
try:
    server.serve(config, target=sys.argv[2], announce=lambda line: print(line, flush=True))
except server.CannotServe as error:
    sys.exit(f"error: {error}")
"""


@dataclass
class Server:
    """A running server: `process` is the parent, `data` its data folder."""

    process: subprocess.Popen[str]
    data: Path
    log: Path
    port: int = 0

    def effects(self) -> list[str]:
        file = self.data / "effects"
        return file.read_text().splitlines() if file.exists() else []

    def logged(self) -> str:
        return self.log.read_text()

    def workers(self) -> list[int]:
        return children(self.process.pid)

    def connect(self, seconds: float = 10) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), seconds)

    def ask(self, path: str = "/v/x", body: bytes = b"", headers: str = "") -> Reply:
        """One request on a connection of its own."""
        with self.connect() as connection:
            connection.sendall(request(path, body, headers))
            return read_reply(connection)

    def stop(self, how: signal.Signals = signal.SIGTERM, within: float = 15) -> int:
        self.process.send_signal(how)
        return self.process.wait(within)


@dataclass(frozen=True)
class Reply:
    """One answer off the wire. `status` is 0 where the connection ended without one."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


def request(path: str = "/v/x", body: bytes = b"", headers: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: hub.example\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode("latin-1") + body


def read_reply(connection: socket.socket) -> Reply:
    """The next answer on `connection`; works for answers with a Content-Length, which all of ours have."""
    text = b""
    try:
        while b"\r\n\r\n" not in text:
            more = connection.recv(65536)
            if not more:
                return Reply(0, {}, text)
            text += more
        head, _, body = text.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            more = connection.recv(65536)
            if not more:
                break
            body += more
    except ConnectionError:
        return Reply(0, {}, text)
    return Reply(int(status_line.split()[1]), headers, body)


@contextmanager
def serving(
    data: Path, *, target: str = "tests.support.wire_app:create", early: bool = False, **options: Any
) -> Iterator[Server]:
    """A server that is ready; whatever is left of it at the end is killed."""
    with starting(data, target=target, early=early, **options) as server:
        server.port = announced_port(server)
        yield server


@contextmanager
def starting(
    data: Path, *, target: str = "tests.support.wire_app:create", early: bool = False, **options: Any
) -> Iterator[Server]:
    """A server just started, ready or not."""
    config = settings.Settings(data=data, **({"port": 0} | options))
    log = data / "log"
    with log.open("a") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, config.to_json(), target, "early" if early else ""],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    server = Server(process, data, log)
    try:
        yield server
    finally:
        left = [*children(process.pid), process.pid]
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def announced_port(server: Server) -> int:
    """Wait for the line that says where the server is."""
    assert server.process.stdout is not None
    line = server.process.stdout.readline()
    assert line.startswith("tellback is ready at "), (line, server.logged())
    return int(line.rsplit(":", 1)[1])


def children(pid: int) -> list[int]:
    """The live children of a process."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def until(what: Any, seconds: float = 5.0) -> None:
    """Wait until `what()` holds; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


def tls_context() -> ssl.SSLContext:
    """A client's view that takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
