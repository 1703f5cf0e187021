"""What the parent tells a worker, as one line of JSON through the worker's standard input.

Not an environment variable: the settings may hold the database's password, and a process's environment is
easier to read than its pipe. The pipe stays open, and its end means that the parent is gone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tellback import settings


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """Who the worker is and where it listens. `folder` is the server's own, private and short-lived."""

    number: int
    settings: settings.Settings
    ip: str
    port: int
    folder: Path
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def to_line(self) -> bytes:
        return msgspec.json.encode(self, enc_hook=str) + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Assignment:
        return msgspec.json.decode(line, type=cls, dec_hook=_decoded)


def _decoded(kind: type, value: Any) -> Any:
    return kind(value)


def numbered(given: Assignment, number: int) -> Assignment:
    """`given` for worker `number`."""
    return msgspec.structs.replace(given, number=number)
