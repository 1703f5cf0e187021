"""The systems of the demo's team, on loopback: an issue tracker and a chat, called like real ones."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

#: Where they are when nobody else is, so that what one demo left waiting goes through in the next.
PORT = 8090
_LONGEST_BODY = 1024 * 1024


@dataclass(frozen=True)
class Call:
    """A call of the hub's, and how it was answered."""

    at: datetime
    system: str  # "the issue tracker"
    request: str  # "POST /issues"
    body: Any
    status: int
    answer: Any


@dataclass
class Team:
    """The two systems at `address`, and what they were sent since they began."""

    address: str = ""
    _calls: list[Call] = field(default_factory=list)

    def calls(self, after: int = 0) -> Sequence[Call]:
        """All but the first `after`, in the order in which they came."""
        return self._calls[after:]

    def take(self, method: str, path: str, body: Any) -> Call:
        """What one call is answered; it is remembered before the caller hears of it."""
        system, status, answer = _answered(method, path, body)
        call = Call(datetime.now(UTC), system, f"{method} {path}", body, status, answer)
        self._calls.append(call)
        return call


@contextmanager
def running() -> Iterator[Team]:
    """Both, until the end of the block. Raises `OSError` where no port is free."""
    team = Team()
    with _listening(team) as server:
        team.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="team", daemon=True)
        thread.start()
        try:
            yield team
        finally:
            server.shutdown()
            thread.join()


class _Server(http.server.ThreadingHTTPServer):
    block_on_close = False  # the hub keeps its connections open

    def __init__(self, port: int, team: Team) -> None:
        self.team = team
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        length = min(int(self.headers.get("Content-Length") or 0), _LONGEST_BODY)
        call = self.server.team.take("POST", self.path, _read(self.rfile.read(length)))
        content = b"" if call.answer is None else json.dumps(call.answer).encode()
        self.send_response(call.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """The demo shows calls its own way."""


def _listening(team: Team) -> _Server:
    try:
        return _Server(PORT, team)
    except OSError:
        return _Server(0, team)


def _read(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")


def _answered(method: str, path: str, body: Any) -> tuple[str, int, Any]:
    """The issue of a ticket has the ticket's number, so that the same one sent again is the same issue."""
    if (method, path) == ("POST", "/issues") and isinstance(body, dict):
        number = str(body.get("reference")).rpartition("-")[2].lstrip("0")
        return "the issue tracker", 201, {"key": f"DEMO-{number}"}
    if (method, path) == ("POST", "/chat"):
        return "the team's chat", 200, {"ok": True}
    return "nobody", 404, {"error": "There is nothing here."}
