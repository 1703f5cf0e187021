"""What came in: a log of requests, and the answers kept for those that may come again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A value that is none of its element's options."""

    parameter: str
    value: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewEntry:
    """One request as the log will show it. Nothing in it may hold a secret."""

    workspace_id: int
    request_id: str
    surface: str
    method: str
    endpoint: str
    credential: str | None
    target: str | None
    status: int
    error: str | None = None
    hint: str | None = None
    unmapped: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unmatched: tuple[Unmatched, ...] = ()
    submitter: str | None = None
    created_type: str | None = None
    created_id: str | None = None
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored entry; `created` is {"type", "id"} or None, `unmatched` a list of {"parameter", "value", "options"}."""

    id: int
    at: datetime
    request_id: str
    surface: str
    method: str
    endpoint: str
    credential: str | None
    target: str | None
    status: int
    error: str | None
    hint: str | None
    unmapped: list[str]
    missing: list[str]
    unmatched: list[dict[str, Any]]
    submitter: str | None
    created: dict[str, str] | None
    body: str | None


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key in its scope, and the fingerprint of the body that came with it (SHA-256 each)."""

    scope: bytes
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it was first given."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Claim(Enum):
    """Why a write that carried a key was not done."""

    TAKEN = "another request with this key was first"


TAKEN = Claim.TAKEN
