"""What the hub's API shows, as typed documents; the OpenAPI description is made from these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec
from litestar.openapi import ResponseSpec

from tellback.core import files, intake, tickets
from tellback.kit import answers

Document = TypeVar("Document")


class Page(msgspec.Struct, Generic[Document]):
    """A piece of a list; `next` is the cursor to go on with, null at the end."""

    data: list[Document]
    next: str | None


class Problem(msgspec.Struct):
    """A refusal (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


def _refusals(*described: tuple[int, str]) -> dict[int, ResponseSpec]:
    return {
        status: ResponseSpec(
            Problem, description=words, media_type=answers.PROBLEM.decode(), generate_examples=False
        )
        for status, words in described
    }


#: What a call may be refused with, for the OpenAPI description.
REFUSALS = _refusals(
    (400, "A parameter, cursor or limit, or the body, is not valid."),
    (401, "The access token is missing or not valid."),
    (403, "The access token does not have the claim this call needs."),
    (404, "There is no such thing here."),
    (429, "Too many requests; Retry-After says when to come back."),
    (503, "The database is away; Retry-After says when to come back."),
)
#: And what a call may be that changes something.
REFUSALS_OF_WRITES = _refusals(
    (409, "The first request with this idempotency key is still running."),
    (413, "The body is too large."),
    (415, "The body is not JSON."),
    (
        422,
        "The body was read, and cannot be taken; `errors` says why. Or the idempotency key had another one.",
    ),
)


class SourceOf(msgspec.Struct):
    channel: str
    key: str | None


class Submitter(msgspec.Struct):
    """`given` is the address as sent, where it is not this person's."""

    contact_id: int
    email: str | None
    name: str | None
    given: str | None


class AttachedFile(msgspec.Struct):
    id: int
    element: str
    parameter: str
    name: str
    media_type: str
    size: int
    sha256: str
    created_at: datetime


class TimelineItem(msgspec.Struct):
    id: int
    at: datetime
    actor: str
    kind: str
    note: str


class TicketDocument(msgspec.Struct, kw_only=True, omit_defaults=False):
    """A ticket; `timeline` only where one ticket was asked for."""

    id: int
    display_id: str
    project: str
    type: str
    source: SourceOf
    status: str
    status_kind: str
    subject: str
    body: str | None
    values: dict[str, Any]
    submitter: Submitter | None
    assignee: str | None
    priority: str | None
    tags: list[str]
    files: list[AttachedFile]
    timeline: list[TimelineItem] | msgspec.UnsetType = msgspec.UNSET
    external: dict[str, dict[str, Any]]
    sla: dict[str, Any] | None
    created_at: datetime
    changed_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None
    deleted: bool


class Created(msgspec.Struct):
    type: str
    id: str


class UnmatchedValue(msgspec.Struct):
    parameter: str
    value: str
    options: list[str]


class IntakeEntry(msgspec.Struct, kw_only=True):
    """One request to a vendor surface, as the intake log keeps it."""

    id: int
    at: datetime
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
    unmatched: list[UnmatchedValue]
    submitter: str | None
    created: Created | None
    body: str | None


def ticket(
    found: tickets.Ticket,
    attached: Sequence[files.File],
    timeline: Sequence[tickets.TimelineItem] | None = None,
) -> TicketDocument:
    """A ticket with its files and, where it was asked for alone, its timeline."""
    return TicketDocument(
        id=found.id,
        display_id=found.display_id,
        project=found.project,
        type=found.type,
        source=SourceOf(found.channel, found.source),
        status=found.status,
        status_kind=found.status_kind,
        subject=found.subject,
        body=found.body,
        values=dict(found.values),
        submitter=msgspec.convert(found.submitter, Submitter | None, from_attributes=True),
        assignee=found.assignee,
        priority=found.priority,
        tags=found.tags,
        files=msgspec.convert(list(attached), list[AttachedFile], from_attributes=True),
        timeline=msgspec.UNSET
        if timeline is None
        else msgspec.convert(list(timeline), list[TimelineItem], from_attributes=True),
        external={group: dict(values) for group, values in found.external.items()},
        sla=dict(found.sla) if found.sla is not None else None,
        created_at=found.created_at,
        changed_at=found.changed_at,
        answered_at=found.answered_at,
        closed_at=found.closed_at,
        deleted=found.deleted,
    )


def intake_entry(entry: intake.Entry) -> IntakeEntry:
    made = replace(entry, created=intake.rules.created(entry))
    return msgspec.convert(made, IntakeEntry, from_attributes=True)
