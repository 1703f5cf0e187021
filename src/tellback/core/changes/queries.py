"""SQL of the change feed.

Numbers come from the workspace's counter row. Its lock is held from here to the commit, so numbers are given
in commit order and without gaps: a reader that asks for what is above its cursor can skip nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from tellback.core.changes.model import Change, NewChange
from tellback.storage.database import Reader, Row, Transaction

#: From so many on, COPY is quicker than arrays.
COPIED = 200

_RECORD = """
with counted as (
  update workspace_counters set changes = changes + cardinality($2::text[])
  where workspace_id = $1 returning changes - cardinality($2::text[]) as base
)
insert into changes (workspace_id, seq, kind, subject_type, subject_id, actor, data, snapshot, origin)
select $1, counted.base + new.n, new.kind, new.subject_type, new.subject_id, new.actor, new.data::jsonb,
       new.snapshot::jsonb, new.origin::jsonb
from counted, unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
  with ordinality as new (kind, subject_type, subject_id, actor, data, snapshot, origin, n)
"""


async def record(tx: Transaction, workspace_id: int, new: Sequence[NewChange]) -> None:
    """Append to the feed. To be the last write of a transaction: it holds the workspace's lock."""
    if len(new) >= COPIED:
        await _copy(tx, workspace_id, new)
        return
    await tx.execute(
        _RECORD,
        workspace_id,
        [change.kind for change in new],
        [change.subject_type for change in new],
        [change.subject_id for change in new],
        [change.actor for change in new],
        [msgspec.json.encode(change.data).decode() for change in new],
        [_json(change.snapshot) for change in new],
        [_json(change.origin) for change in new],
    )


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


async def _copy(tx: Transaction, workspace_id: int, new: Sequence[NewChange]) -> None:
    last: int = await tx.fetchval(
        "update workspace_counters set changes = changes + $2 where workspace_id = $1 returning changes",
        workspace_id, len(new),
    )  # fmt: skip
    first = last - len(new) + 1
    encode = msgspec.json.encode
    await tx.copy_records_to_table(
        "changes",
        columns=[
            "workspace_id",
            "seq",
            "kind",
            "subject_type",
            "subject_id",
            "actor",
            "data",
            "snapshot",
            "origin",
        ],
        records=[
            (
                workspace_id,
                seq,
                one.kind,
                one.subject_type,
                one.subject_id,
                one.actor,
                encode(one.data).decode(),
                _json(one.snapshot),
                _json(one.origin),
            )
            for seq, one in enumerate(new, first)
        ],
    )


async def after(reader: Reader, workspace_id: int, seq: int, limit: int) -> list[Change]:
    """The changes above `seq`, in commit order."""
    rows = await reader.fetch(
        """
        select seq, kind, subject_type, subject_id, at, actor, data, snapshot, origin from changes
        where workspace_id = $1 and seq > $2 order by seq limit $3
        """,
        workspace_id, seq, limit,
    )  # fmt: skip
    decode = msgspec.json.decode
    return [
        _change(
            row,
            decode(row["snapshot"]) if row["snapshot"] else None,
            decode(row["origin"]) if row["origin"] else None,
        )
        for row in rows
    ]


def _change(
    row: Row, snapshot: Mapping[str, Any] | None = None, origin: Mapping[str, Any] | None = None
) -> Change:
    data = msgspec.json.decode(row["data"])
    return Change(
        row["seq"],
        row["kind"],
        row["subject_type"],
        row["subject_id"],
        row["at"],
        row["actor"],
        data,
        snapshot,
        origin,
    )


async def told(reader: Reader, workspace_id: int, seq: int, limit: int) -> list[Change]:
    """As `after`, without what only automation is told: snapshot and origin."""
    rows = await reader.fetch(
        """
        select seq, kind, subject_type, subject_id, at, actor, data from changes
        where workspace_id = $1 and seq > $2 order by seq limit $3
        """,
        workspace_id, seq, limit,
    )  # fmt: skip
    return [_change(row) for row in rows]


async def touched(
    reader: Reader, workspace_id: int, seq: int, subject_type: str, limit: int
) -> tuple[int, int, list[int]]:
    """Of the first `limit` changes above `seq`: how many there are, the number of the last, and the numbered
    subjects of one type that they name, in order.
    """
    row = await reader.fetchrow(
        """
        select count(*) as read, coalesce(max(seq), $2) as last,
               array_agg(distinct subject_id::bigint) filter (where subject_type = $3) as ids
        from (
          select seq, subject_type, subject_id from changes
          where workspace_id = $1 and seq > $2 order by seq limit $4
        ) c
        """,
        workspace_id, seq, subject_type, limit,
    )  # fmt: skip
    return row["read"], row["last"], row["ids"] or []


async def last(reader: Reader, workspace_id: int) -> int:
    """The number of the workspace's newest change; 0 where there is none."""
    number: int = await reader.fetchval(
        "select changes from workspace_counters where workspace_id = $1", workspace_id
    )
    return number


async def counted(reader: Reader, workspace_ids: Collection[int]) -> dict[int, int]:
    """The number of the last change of each workspace."""
    rows = await reader.fetch(
        "select workspace_id, changes from workspace_counters where workspace_id = any($1::bigint[])",
        list(workspace_ids),
    )
    return dict(rows)


async def behind(reader: Reader, name: str, *, automated: bool = False) -> list[int]:
    """The workspaces of which the reader `name` has not read every change; the `automated` ones alone if so asked."""
    rows = await reader.fetch(
        """
        select c.workspace_id from workspace_counters c
        join workspaces w on w.id = c.workspace_id and (w.automated or not $2)
        left join feed_readers r on r.workspace_id = c.workspace_id and r.name = $1
        where c.changes > coalesce(r.seq, 0) order by c.workspace_id
        """,
        name, automated,
    )  # fmt: skip
    return [row["workspace_id"] for row in rows]


async def hold_place(tx: Transaction, workspace_id: int, name: str) -> int | None:
    """Lock a reader's place until the transaction ends; None while another holds it."""
    take = "select seq from feed_readers where workspace_id = $1 and name = $2 for update skip locked"
    place: int | None = await tx.fetchval(take, workspace_id, name)
    if place is not None:
        return place
    # Taken by another, or not there yet: then this is its first time.
    await tx.execute(
        "insert into feed_readers (workspace_id, name) values ($1, $2) on conflict do nothing",
        workspace_id, name,
    )  # fmt: skip
    first: int | None = await tx.fetchval(take, workspace_id, name)
    return first


async def move_place(tx: Transaction, workspace_id: int, name: str, seq: int) -> None:
    """The reader has read up to `seq`."""
    await tx.execute(
        "update feed_readers set seq = $3 where workspace_id = $1 and name = $2", workspace_id, name, seq
    )
