"""Whether the hub can be called ready: asked over a socket, as anyone would."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

#: The answer itself may take a second (`kit.health.ANSWER_WITHIN_S`).
PATIENCE_S = 2.0

#: Linux, proc(5): local address and port in hexadecimal, then the remote ones, then the state.
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTEN = "0A"

_QUESTION = b"GET /healthz/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def ready(where: tuple[str, int], *, tls: bool) -> bool:
    """Whether the hub at `where` answers 200. Never raises."""
    try:
        with socket.create_connection(where, PATIENCE_S) as plain:
            if not tls:
                return _asked(plain)
            with _context().wrap_socket(plain) as secured:
                return _asked(secured)
    except OSError:
        return False


def listeners(port: int) -> int | None:
    """How many sockets listen on `port`, one a worker; None where the system does not tell."""
    try:
        lines = [line for table in _TABLES for line in table.read_text().splitlines()]
    except OSError:
        return None
    columns = [line.split()[:4] for line in lines]
    return sum(local.endswith(f":{port:04X}") and state == _LISTEN for _, local, _, state in columns)


def _asked(connection: socket.socket) -> bool:
    connection.sendall(_QUESTION)
    return connection.recv(64).startswith(b"HTTP/1.1 200")


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    # We ask ourselves, on our own machine, whether we answer; whose name is on the certificate is no matter.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
