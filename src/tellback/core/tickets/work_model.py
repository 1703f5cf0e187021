"""Work on tickets: what may be done to one, by whom, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tellback.core.changes import Kind, NewChange
from tellback.core.projects import FeedbackType, Satisfaction


@dataclass(frozen=True, slots=True)
class SetStatus:
    """To a status of the ticket's feedback type, by name."""

    status: str


@dataclass(frozen=True, slots=True)
class SetField:
    """An element's value, as a mapping would take it from outside; an empty one clears it."""

    field: str
    value: Any


@dataclass(frozen=True, slots=True)
class Assign:
    """To a member, by e-mail; None to nobody."""

    assignee: str | None


@dataclass(frozen=True, slots=True)
class AddTag:
    tag: str


@dataclass(frozen=True, slots=True)
class RemoveTag:
    tag: str


@dataclass(frozen=True, slots=True)
class AddNote:
    """A line in the timeline, for the people who work on the ticket."""

    note: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the submitter is told."""

    subject: str
    body: str
    close: bool = False


@dataclass(frozen=True, slots=True)
class SetPriority:
    priority: str | None


@dataclass(frozen=True, slots=True)
class Acquire:
    """Someone has it open and works on it."""


@dataclass(frozen=True, slots=True)
class Release:
    pass


@dataclass(frozen=True, slots=True)
class Close:
    """To the first status of kind closed."""


@dataclass(frozen=True, slots=True)
class Reopen:
    """To the first status of kind open."""


@dataclass(frozen=True, slots=True)
class Delete:
    """It stays readable, and is on no list."""


Action = (
    SetStatus
    | SetField
    | Assign
    | AddTag
    | RemoveTag
    | AddNote
    | Answer
    | SetPriority
    | Acquire
    | Release
    | Close
    | Reopen
    | Delete
)


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, in the words of timeline and feed, and where that came from (see `changes.NewChange.origin`)."""

    actor: str
    origin: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """Actions for one ticket, all of them or none, as a caller from outside sends them."""

    workspace_id: int
    ticket_id: int
    actions: tuple[Action, ...]
    by: By


@dataclass(frozen=True, slots=True)
class Acted:
    """What came of some actions. `news` is for the caller to record, last in its transaction."""

    changed: bool
    news: list[NewChange]


@dataclass(frozen=True, slots=True)
class ToOpen:
    """A ticket that the hub opens by itself, in the type's first status.

    `project` and `type` are keys. `reply_to` is the ticket whose thread it joins.
    """

    project: str
    type: str
    subject: str
    body: str
    submitter_id: int | None = None
    reply_to: int | None = None
    channel: str = "rule"


@dataclass(frozen=True, slots=True)
class Opened:
    """The new ticket; `news` is for the caller to record, last in its transaction."""

    id: int
    display_id: str
    news: list[NewChange]


@dataclass(frozen=True, slots=True)
class Assignee:
    """A member as tickets know one."""

    id: int
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class Work:
    """A ticket as far as work changes it, with the feedback type that says what is possible."""

    id: int
    display_id: str
    project: str
    type: FeedbackType
    status: str
    status_kind: str
    subject: str
    values: Mapping[str, Any]
    assignee_id: int | None
    priority: str | None
    tags: tuple[str, ...]
    acquired_by: str | None = None
    acquired_at: datetime | None = None
    handling_since: datetime | None = None
    handled_s: float = 0.0
    first_answered_at: datetime | None = None
    answered_at: datetime | None = None
    closed_at: datetime | None = None
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A line for the timeline: a sentence without its full stop, so that a report can add the time."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class NewAnswer:
    """An answer as it is stored. `page` is the question asked about it, where the type has one."""

    subject: str
    body: str
    page: Satisfaction | None


#: A kind of change and what the feed says about it.
Event = tuple[Kind, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """What actions come to: the ticket after them, and everything that is to be told of them."""

    after: Work
    notes: tuple[Note, ...] = ()
    events: tuple[Event, ...] = ()
    answers: tuple[NewAnswer, ...] = ()
