"""SQL of what is shown of a person beside the documents that other capabilities read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from tellback.core.text_queries import SCAN_S
from tellback.storage.database import Reader

Subjects = Sequence[tuple[str, str]]

_SUBJECTS = "(select * from unnest($2::text[], $3::text[]))"


@dataclass(frozen=True, slots=True)
class Participation:
    """Whether and under what name somebody may submit in a project."""

    project: str
    name: str
    archived: bool


@dataclass(frozen=True, slots=True)
class Written:
    """An answer to a ticket, and what was chosen on its page."""

    ticket_id: int
    at: datetime
    actor: str
    subject: str
    body: str
    opinion: str | None


@dataclass(frozen=True, slots=True)
class Capture:
    """A captured value, and where it came from."""

    subject_type: str
    subject_id: str
    group: str
    label: str
    value: Any
    listener: str | None
    delivery_id: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """A rule's run on something of theirs."""

    rule: str
    subject_type: str
    subject_id: str
    at: datetime
    outcome: str
    detail: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the feed about something of theirs."""

    kind: str
    subject_type: str
    subject_id: str
    at: datetime
    actor: str
    data: dict[str, Any]


def _split(subjects: Subjects) -> tuple[list[str], list[str]]:
    return [type for type, _ in subjects], [id for _, id in subjects]


async def participations(reader: Reader, workspace_id: int, contact_id: int) -> list[Participation]:
    rows = await reader.fetch(
        """
        select p.key as project, m.name, m.archived_at is not null as archived
        from participants m join projects p on p.workspace_id = m.workspace_id and p.id = m.project_id
        where m.workspace_id = $1 and m.contact_id = $2 order by m.project_id
        """,
        workspace_id, contact_id,
    )  # fmt: skip
    return [Participation(**row) for row in rows]


async def written(reader: Reader, workspace_id: int, ticket_ids: Sequence[int]) -> list[Written]:
    rows = await reader.fetch(
        """
        select ticket_id, at, actor, subject, body, opinion_text as opinion from answers
        where workspace_id = $1 and ticket_id = any($2::bigint[]) order by ticket_id, id
        """,
        workspace_id, list(ticket_ids),
    )  # fmt: skip
    return [Written(**row) for row in rows]


async def captures(reader: Reader, workspace_id: int, subjects: Subjects) -> list[Capture]:
    rows = await reader.fetch(
        f"""
        select subject_type, subject_id::text as subject_id, data_group, label, value, listener, delivery_id, at
        from captured_values where workspace_id = $1 and (subject_type, subject_id::text) in {_SUBJECTS}
        order by subject_type, captured_values.subject_id, data_group, label
        """,
        workspace_id, *_split(subjects), timeout=SCAN_S,
    )  # fmt: skip
    return [
        Capture(
            row["subject_type"], row["subject_id"], row["data_group"], row["label"],
            msgspec.json.decode(row["value"]), row["listener"], row["delivery_id"], row["at"],
        )
        for row in rows
    ]  # fmt: skip


async def runs(reader: Reader, workspace_id: int, subjects: Subjects) -> list[Run]:
    rows = await reader.fetch(
        f"""
        select r.key as rule, n.subject_type, n.subject_id, n.at, n.outcome, n.detail
        from rule_runs n join rules r on r.workspace_id = n.workspace_id and r.id = n.rule_id
        where n.workspace_id = $1 and (n.subject_type, n.subject_id) in {_SUBJECTS} order by n.id
        """,
        workspace_id, *_split(subjects), timeout=SCAN_S,
    )  # fmt: skip
    return [Run(**row) for row in rows]


async def events(reader: Reader, workspace_id: int, subjects: Subjects) -> list[Event]:
    rows = await reader.fetch(
        f"""
        select kind, subject_type, subject_id, at, actor, data from changes
        where workspace_id = $1 and (subject_type, subject_id) in {_SUBJECTS} order by seq
        """,
        workspace_id, *_split(subjects), timeout=SCAN_S,
    )  # fmt: skip
    return [
        Event(
            row["kind"], row["subject_type"], row["subject_id"], row["at"], row["actor"],
            msgspec.json.decode(row["data"]),
        )
        for row in rows
    ]  # fmt: skip
