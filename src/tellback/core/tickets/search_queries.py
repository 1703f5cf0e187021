"""SQL of the words of tickets: what they say, the index of it, and what the index has not come to yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tellback.core.projects import display_id
from tellback.storage.database import Reader, Transaction

#: The feed's reader that keeps the index.
READER = "search"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as a tsquery's text, and what the index cannot say: of `unread` tickets only `matching` match."""

    question: str
    unread: Sequence[int] = ()
    matching: Sequence[int] = ()


# What tickets got after they were filed, in one order.
_LATER = """
select k.id as ticket_id, said.text from unnest($2::bigint[]) as k (id) cross join lateral (
  select 1 as part, f.id, f.name as text from files f where f.workspace_id = $1 and f.ticket_id = k.id
  union all
  select 2, n.id, n.note from timeline n
  where n.workspace_id = $1 and n.ticket_id = k.id and n.kind = 'note'
  union all
  select 3, a.id, a.subject || E'\n' || a.body from answers a
  where a.workspace_id = $1 and a.ticket_id = k.id and a.deleted_at is null
) said order by k.id, said.part, said.id
"""


async def texts(reader: Reader, workspace_id: int, ids: Sequence[int]) -> dict[int, list[str]]:
    """All that tickets say, by id: what they are called, fields, answers, notes, captured values, names of files.

    Not whose they are: people change their names, and there is a filter for it. Deleted tickets are left out.
    """
    rows = await reader.fetch(
        """
        select t.*, ft.prefix, ft.digits
        from unnest($2::bigint[]) as k (id)
        -- each by its key: without statistics all of a workspace is thought to be a few rows, and read whole
        cross join lateral (
          select id, type_id, number, revision, subject, body, "values", external, submitter_given from tickets
          where workspace_id = $1 and id = k.id and deleted_at is null offset 0
        ) t
        left join feedback_types ft on ft.workspace_id = $1 and ft.id = t.type_id
        """,
        workspace_id, list(ids),
    )  # fmt: skip
    said = {
        row["id"]: [
            display_id(row["prefix"], row["digits"], row["number"]),
            row["subject"],
            row["body"] or "",
            *_leaves(msgspec.json.decode(row["values"])),
            row["submitter_given"] or "",
            *_leaves(msgspec.json.decode(row["external"])),
        ]
        for row in rows
    }
    # Most tickets that are indexed have just been filed, and got nothing since.
    if later := [row["id"] for row in rows if row["revision"] > 1]:
        for row in await reader.fetch(_LATER, workspace_id, later):
            said[row["ticket_id"]].append(row["text"])
    return said


def _leaves(value: object) -> list[str]:
    if isinstance(value, dict):
        return [leaf for below in value.values() for leaf in _leaves(below)]
    if isinstance(value, list):
        return [leaf for below in value for leaf in _leaves(below)]
    return [] if value is None or isinstance(value, bool) else [str(value)]


async def need_not_last(tx: Transaction) -> None:
    """Do not wait for the disk: should the end of the index be lost with the reader's place, it is made again."""
    await tx.execute("set local synchronous_commit = off")


async def keep(tx: Transaction, workspace_id: int, documents: Sequence[tuple[int, str]]) -> None:
    """Store (ticket id, tsvector's text)."""
    await tx.execute(
        """
        insert into ticket_search as known (workspace_id, ticket_id, document)
        select $1, new.id, new.document::tsvector from unnest($2::bigint[], $3::text[]) as new (id, document)
        order by new.id
        on conflict (workspace_id, ticket_id) do update set document = excluded.document
          where known.document <> excluded.document
        """,
        workspace_id, [id for id, _ in documents], [document for _, document in documents],
    )  # fmt: skip


async def forget(tx: Transaction, workspace_id: int, ids: Sequence[int]) -> None:
    """Take tickets out of the index."""
    await tx.execute(
        "delete from ticket_search where workspace_id = $1 and ticket_id = any($2::bigint[])",
        workspace_id, list(ids),
    )  # fmt: skip


async def unread(reader: Reader, workspace_id: int, limit: int) -> list[int]:
    """The tickets of the first `limit` changes that the index has not come to, in their order, some repeatedly."""
    rows = await reader.fetch(
        """
        select c.subject_id from changes c
        where c.workspace_id = $1 and c.subject_type = 'ticket' and c.seq > coalesce(
          (select r.seq from feed_readers r where r.workspace_id = $1 and r.name = $2), 0)
        order by c.seq limit $3
        """,
        workspace_id, READER, limit,
    )  # fmt: skip
    return [int(row["subject_id"]) for row in rows]


async def matching(reader: Reader, documents: Sequence[tuple[int, str]], question: str) -> list[int]:
    """The ids whose tsvector's text matches the tsquery's text `question`."""
    rows = await reader.fetch(
        """
        select new.id from unnest($1::bigint[], $2::text[]) as new (id, document)
        where new.document::tsvector @@ $3::text::tsquery
        """,
        [id for id, _ in documents], [document for _, document in documents], question,
    )  # fmt: skip
    return [row["id"] for row in rows]
