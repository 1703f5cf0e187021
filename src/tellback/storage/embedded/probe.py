"""Is a PostgreSQL answering? Asked the only way that can be trusted: by connecting."""

from __future__ import annotations

import enum
import socket
import struct
from pathlib import Path

PORT = 5432
_PROTOCOL_3 = 196608
_CANNOT_CONNECT_NOW = b"C57P03\0"
_TIMEOUT_S = 2.0


class Answer(enum.Enum):
    READY = "takes connections"
    STARTING = "is there, and does not take connections yet (starting, recovering, or stopping)"
    NOBODY = "does not answer"


def socket_path(run: Path) -> Path:
    return run / f".s.PGSQL.{PORT}"


def ask(run: Path, user: str, database: str) -> Answer:
    """Open the protocol as a client would, up to the server asking for the password.

    PostgreSQL's manual, "Message Flow": the server answers the startup message with an authentication request
    ('R'), or with an error ('E'), whose code is 57P03 while it starts or stops.
    """
    body = struct.pack("!i", _PROTOCOL_3) + b"user\0%b\0database\0%b\0\0" % (user.encode(), database.encode())
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(_TIMEOUT_S)
            client.connect(str(socket_path(run)))
            client.sendall(struct.pack("!i", len(body) + 4) + body)
            answer = client.recv(1024)
    except OSError:
        return Answer.NOBODY
    if answer[:1] == b"R":
        return Answer.READY
    if answer[:1] == b"E":
        # Any other error (too many connections) also comes from a server that is up.
        return Answer.STARTING if _CANNOT_CONNECT_NOW in answer else Answer.READY
    return Answer.NOBODY
