"""Tickets: what someone told the hub, where it stands, and everything that happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tellback.core.files import File, NewFile


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A ticket on its way in. The names beside the ids go into the change feed, which people read.

    `source_id` is what the channel says: the external source, or the survey. `automated` may be False where
    it is known that nothing acts on what happens in the workspace, which spares looking.
    """

    workspace_id: int
    project_id: int
    project_key: str
    type_id: int
    type_key: str
    prefix: str
    digits: int
    channel: str
    source_id: int | None
    source_key: str | None
    status: str
    status_kind: str
    subject: str
    body: str | None
    values: Mapping[str, Any]
    submitter_id: int | None
    submitter_given: str | None
    actor: str
    origin: Mapping[str, Any] | None = None  # as in `changes.NewChange`
    automated: bool = True


@dataclass(frozen=True, slots=True)
class Filed:
    """What a stored ticket is called."""

    id: int
    display_id: str


@dataclass(frozen=True, slots=True)
class Submitter:
    """Who submitted; `given` is the address as sent, where it was not this person's."""

    contact_id: int
    email: str | None
    name: str | None
    given: str | None


@dataclass(frozen=True, slots=True)
class TimelineItem:
    id: int
    at: datetime
    actor: str
    kind: str
    note: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as it is read."""

    id: int
    display_id: str
    project: str
    type: str
    type_id: int
    project_id: int
    channel: str
    source: str | None
    status: str
    status_kind: str
    subject: str
    body: str | None
    values: Mapping[str, Any]
    submitter: Submitter | None
    given: str | None
    assignee: str | None
    priority: str | None
    tags: list[str]
    external: Mapping[str, Mapping[str, Any]]  # captured values by group and label
    sla: Mapping[str, Any] | None  # None until it is computed for this revision
    created_at: datetime
    changed_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None
    deleted: bool


@dataclass(frozen=True, slots=True)
class Whole:
    """A ticket with what is read beside it."""

    ticket: Ticket
    files: list[File]
    timeline: list[TimelineItem]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which tickets; None leaves a question open."""

    project: str | None = None
    type: str | None = None
    status: str | None = None
    submitter: str | None = None
    tag: str | None = None
    assignee: str | None = None
    changed_since: datetime | None = None
    q: str | None = None  # words, as core/tickets/words.py takes them


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """Files for one ticket, stored as blobs already."""

    workspace_id: int
    ticket_id: int
    actor: str
    files: tuple[NewFile, ...]
    origin: Mapping[str, Any] | None = None  # as in `changes.NewChange`
