"""Records on their way in: mappings, what they make of a record, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tellback.core import errors
from tellback.core.intake import Unmatched
from tellback.core.people import Given, GivenAccount
from tellback.core.workspaces import Credential

Object = Literal["account", "contact", "survey_record"]
Verdict = Literal["created", "updated", "unchanged"]


@dataclass(frozen=True, slots=True)
class Configuration:
    """An import configuration as it is stored, with what reading a record by it takes."""

    workspace_id: int
    id: int
    reference: str
    name: str
    object: Object
    active: bool
    reject_unmapped: bool
    fields: tuple[tuple[str, str], ...]  # heading, property
    timezone: str
    touchpoints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One mapped heading. `read` makes a value (None: empty) of what was sent, or raises `mapping.Refused`."""

    heading: str
    bucket: str
    name: str
    read: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Mapped:
    """A configuration, compiled."""

    configuration: Configuration
    fields: tuple[Field, ...]
    headings: frozenset[str]
    required: tuple[tuple[tuple[str, str], str], ...]  # ((bucket, name), heading)
    identity: str | None  # the heading that is told when neither e-mail nor phone is there
    alias: str | None  # the heading of the account's alias


@dataclass(frozen=True, slots=True)
class Record:
    """What a record says, read by a mapping; `response` has members of a response."""

    account: GivenAccount | None = None
    contact: Given | None = None
    #: The account a contact is said to belong to, where that is not `account`.
    belongs_to: GivenAccount | None = None
    response: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """What became of one record: the record, or its faults; and what the log says of its headings."""

    record: Record | None
    faults: tuple[errors.Fault, ...] = ()
    unmapped: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unmatched: tuple[Unmatched, ...] = ()
    submitter_decision: str | None = None


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record to store, with where it came from."""

    mapping: Mapped
    record: Record
    channel: Literal["record", "incoming_webhook", "import"]
    source_key: str
    actor: str
    hops: int = 0  # how many calls from hub to hub led to it


@dataclass(frozen=True, slots=True)
class Stored:
    """What a record became: its object's id, and whether that was new."""

    type: Literal["account", "contact", "response"]
    id: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Webhook:
    """An incoming webhook; the password itself is not known to the hub."""

    credential: Credential
    username: str
    password_hash: bytes
    reference: str


@dataclass(frozen=True, slots=True)
class Run:
    """A bulk run as it stands. `place` and `line` are bytes and lines of the file that are done."""

    id: int
    configuration: str
    file: str
    size: int
    place: int
    line: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    started_at: datetime
    finished_at: datetime | None

    @property
    def rows(self) -> int:
        return self.created + self.updated + self.unchanged + self.rejected


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that did not go in: its line in the file, its cells as they were, and why."""

    line: int
    cells: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """What is to be known of a row that went in: the identity it left open."""

    line: int
    text: str


@dataclass(slots=True)
class Tally:
    """Verdicts, counted."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejects: list[Reject] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
