"""Attachments: what is known of a file; its bytes lie in the file store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file whose bytes are stored as `blob`. `element` and `parameter` say where it came in."""

    element: str
    parameter: str
    name: str
    media_type: str
    size: int
    sha256: str
    blob: str


@dataclass(frozen=True, slots=True)
class File:
    """A file of a ticket. `size` is in bytes, `sha256` in hex; `name` is the sender's, cleaned."""

    id: int
    element: str
    parameter: str
    name: str
    media_type: str
    size: int
    sha256: str
    created_at: datetime
