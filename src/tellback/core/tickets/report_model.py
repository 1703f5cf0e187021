"""What a report tells of one ticket: everything about it, as of one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tellback.core import errors

#: What a column can hold.
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Action:
    """A line of the timeline; `at` in seconds since 1970."""

    id: int
    note: str
    actor: str
    at: int


@dataclass(frozen=True, slots=True)
class Reply:
    """The latest answer to a ticket that was not taken back, and what was thought of it.

    `page_token` leads to its satisfaction page; `question` is what that asks; both None where there is none.
    """

    subject: str
    body: str
    page_token: str | None
    question: str | None
    opinion: str | None
    opinion_value: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """A ticket with all that belongs to it. `revision` and `reported` are its change counter and that of the last report.

    `other_of_thread` is None where the ticket is alone in its thread; `promised_at` is when it is to be done;
    `sla` has the members of `sla.Sla`, as upkeep stored them (`promises`), and is None while it has not been
    computed since the latest change.
    """

    workspace_id: int
    id: int
    display_id: str
    revision: int
    reported: int
    project_id: int
    project: str
    project_name: str
    channel: str
    source: str | None
    status: str
    status_kind: str
    subject: str
    body: str
    priority: str | None
    submitter_email: str | None
    submitter_name: str | None
    assignee_id: int | None
    assignee_name: str | None
    created_at: datetime
    answered_at: datetime | None
    promised_at: datetime | None
    acquired: bool
    closed: bool
    deleted: bool
    answered: bool
    forwarded: bool
    thread_id: int
    other_of_thread: int | None
    replied_to: bool
    files: int
    actions: Sequence[Action]
    tags: Sequence[tuple[int, str]]
    reply: Reply | None
    reply_withdrawn: bool
    sla: Mapping[str, Any] | None

    @property
    def dirty(self) -> bool:
        """Whether it has changed since it was last reported."""
        return self.revision > self.reported


@dataclass(frozen=True, slots=True)
class Seen:
    """A report was read at this revision."""

    workspace_id: int
    ticket_id: int
    revision: int


@dataclass(frozen=True, slots=True)
class Marking:
    """Tickets to be reported anew."""

    workspace_id: int
    ticket_ids: tuple[int, ...]


class UnknownTickets(errors.Invalid):
    """Some of the tickets are not there; `places` are theirs in the list, from 0."""

    def __init__(self, places: Sequence[int]) -> None:
        super().__init__([errors.Fault(str(place), "There is no such ticket.") for place in places])
        self.places = tuple(places)
