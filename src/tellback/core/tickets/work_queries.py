"""SQL of work on tickets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from tellback.core import projects
from tellback.core.projects import FeedbackType, display_id
from tellback.core.tickets.work_model import Assignee, NewAnswer, Note, ToOpen, Work
from tellback.storage.database import Reader, Row, Transaction


async def lock(tx: Transaction, workspace_id: int, ticket_id: int) -> datetime | None:
    """Hold a ticket until the transaction ends; the time from which on it is held. None: there is none.

    Two statements: what is read after the lock sees all that its last holder did, and is later than it.
    """
    held = await tx.fetchval(
        "select id from tickets where workspace_id = $1 and id = $2 for update", workspace_id, ticket_id
    )
    if held is None:
        return None
    now: datetime = await tx.fetchval("select clock_timestamp()")
    return now


async def work(reader: Reader, workspace_id: int, ticket_id: int) -> tuple[Work, bool]:
    """A ticket that is there, and whether its workspace is automated."""
    row = await reader.fetchrow(
        """
        select t.*, p.key as project_key, w.automated, ft.key, ft.name, ft.prefix, ft.digits, ft.statuses,
               ft.elements, ft.sla as promise, ft.satisfaction
        from tickets t
        join feedback_types ft on ft.workspace_id = t.workspace_id and ft.id = t.type_id
        join projects p on p.workspace_id = t.workspace_id and p.id = t.project_id
        join workspaces w on w.id = t.workspace_id
        where t.workspace_id = $1 and t.id = $2
        """,
        workspace_id, ticket_id,
    )  # fmt: skip
    return _work(row), row["automated"]


async def members(reader: Reader, workspace_id: int, emails: Sequence[str]) -> dict[str, Assignee]:
    """The members with these lower-case e-mail addresses, by them."""
    rows = await reader.fetch(
        """
        select id, email, name from members
        where workspace_id = $1 and lower(email) = any($2::text[]) and archived_at is null
        """,
        workspace_id, emails,
    )  # fmt: skip
    return {row["email"].lower(): Assignee(**row) for row in rows}


async def store(tx: Transaction, workspace_id: int, after: Work, now: datetime) -> None:
    """A ticket as work has left it; raises its revision."""
    await tx.execute(
        """
        update tickets set
          status = $3, status_kind = $4, subject = $5, "values" = $6::jsonb, assignee_id = $7, priority = $8,
          tags = $9, acquired_by = $10, acquired_at = $11, handling_since = $12, handled_s = $13,
          first_answered_at = $14, answered_at = $15, closed_at = $16, deleted_at = $17,
          revision = revision + 1, changed_at = $18
        where workspace_id = $1 and id = $2
        """,
        workspace_id, after.id, after.status, after.status_kind, after.subject, _json(after.values),
        after.assignee_id, after.priority, list(after.tags), after.acquired_by, after.acquired_at,
        after.handling_since, after.handled_s, after.first_answered_at, after.answered_at, after.closed_at,
        after.deleted_at, now,
    )  # fmt: skip


async def number_tags(tx: Transaction, workspace_id: int, names: Sequence[str]) -> None:
    """Give every tag a number that has none yet."""
    await tx.execute(
        """
        insert into tags (workspace_id, name)
        select $1, new.name from unnest($2::text[]) as new (name)
        where not exists (select from tags k where k.workspace_id = $1 and k.name = new.name)
        order by new.name
        on conflict do nothing
        """,
        workspace_id, list(names),
    )  # fmt: skip


async def add_notes(
    tx: Transaction,
    workspace_id: int,
    ticket_id: int,
    actor: str,
    notes: Sequence[Note],
    now: datetime | None,
) -> None:
    """Append to the timeline, in order; without a time, at that of the transaction."""
    await tx.execute(
        """
        insert into timeline (workspace_id, ticket_id, at, actor, kind, note)
        select $1, $2, coalesce($3, now()), $4, new.kind, new.note
        from unnest($5::text[], $6::text[]) with ordinality as new (kind, note, n) order by new.n
        """,
        workspace_id, ticket_id, now, actor, [note.kind for note in notes], [note.text for note in notes],
    )  # fmt: skip


async def add_answer(
    tx: Transaction,
    workspace_id: int,
    ticket_id: int,
    actor: str,
    answer: NewAnswer,
    token: str | None,
    now: datetime,
) -> None:
    """Store an answer; `token` opens its page, where it has one."""
    await tx.execute(
        """
        insert into answers (workspace_id, ticket_id, at, actor, subject, body, page_token, page_definition)
        values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb)
        """,
        workspace_id, ticket_id, now, actor, answer.subject, answer.body, token,
        _json(answer.page) if answer.page else None,
    )  # fmt: skip


async def thread_of(reader: Reader, workspace_id: int, ticket_id: int) -> int:
    """The first ticket of a ticket's thread."""
    first: int = await reader.fetchval(
        "select coalesce(thread_id, id) from tickets where workspace_id = $1 and id = $2",
        workspace_id, ticket_id,
    )  # fmt: skip
    return first


async def open_one(
    tx: Transaction,
    workspace_id: int,
    project_id: int,
    type: FeedbackType,
    new: ToOpen,
    body: str | None,
    values: dict[str, Any],
    thread_id: int | None,
) -> tuple[int, str]:
    """Store a ticket in its type's first status, without timeline and feed; its id and display id.

    Takes the workspace's counter, which others wait for until the transaction ends.
    """
    row = await tx.fetchrow(
        """
        with counted as (
          update workspace_counters set tickets = tickets + 1 where workspace_id = $1 returning tickets
        ), numbered as (
          update feedback_counters c set tickets = c.tickets + 1
          from counted where c.workspace_id = $1 and c.type_id = $3 returning c.tickets
        )
        insert into tickets (workspace_id, id, project_id, type_id, number, channel, status, status_kind,
                             subject, body, "values", submitter_id, thread_id, reply_to)
        select $1, counted.tickets, $2, $3, numbered.tickets, $4, $5, $6, $7, $8, $9::jsonb, $10, $11, $12
        from counted, numbered
        returning id, number
        """,
        workspace_id, project_id, type.id, new.channel, type.statuses[0].name, type.statuses[0].kind,
        new.subject, body, _json(values), new.submitter_id, thread_id, new.reply_to,
    )  # fmt: skip
    return row["id"], display_id(type.prefix, type.digits, row["number"])


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _work(row: Row) -> Work:
    # The type's columns stand beside the ticket's; where both have one of a name, the type's is renamed.
    type_row = {
        name: row[name]
        for name in ("key", "name", "prefix", "digits", "statuses", "elements", "satisfaction")
    }
    type_row |= {"id": row["type_id"], "sla": row["promise"]}
    return Work(
        id=row["id"],
        display_id=display_id(row["prefix"], row["digits"], row["number"]),
        project=row["project_key"],
        type=projects.queries.feedback_type_of(type_row),
        status=row["status"],
        status_kind=row["status_kind"],
        subject=row["subject"],
        values=msgspec.json.decode(row["values"]),
        assignee_id=row["assignee_id"],
        priority=row["priority"],
        tags=tuple(row["tags"]),
        acquired_by=row["acquired_by"],
        acquired_at=row["acquired_at"],
        handling_since=row["handling_since"],
        handled_s=row["handled_s"],
        first_answered_at=row["first_answered_at"],
        answered_at=row["answered_at"],
        closed_at=row["closed_at"],
        deleted_at=row["deleted_at"],
    )
