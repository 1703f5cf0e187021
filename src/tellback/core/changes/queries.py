"""SQL of the change feed.

Numbers come from the workspace's counter row. Its lock is held from here to the commit, so numbers are given
in commit order and without gaps: a reader that asks for what is above its cursor can skip nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tellback.core.changes.model import NewChange
from tellback.storage.database import Transaction

#: From so many on, COPY is quicker than arrays.
COPIED = 200

_RECORD = """
with counted as (
  update workspace_counters set changes = changes + cardinality($2::text[])
  where workspace_id = $1 returning changes - cardinality($2::text[]) as base
)
insert into changes (workspace_id, seq, kind, subject_type, subject_id, actor, data)
select $1, counted.base + new.n, new.kind, new.subject_type, new.subject_id, new.actor, new.data::jsonb
from counted, unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
  with ordinality as new (kind, subject_type, subject_id, actor, data, n)
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
    )


async def _copy(tx: Transaction, workspace_id: int, new: Sequence[NewChange]) -> None:
    last: int = await tx.fetchval(
        "update workspace_counters set changes = changes + $2 where workspace_id = $1 returning changes",
        workspace_id, len(new),
    )  # fmt: skip
    first = last - len(new) + 1
    encode = msgspec.json.encode
    await tx.copy_records_to_table(
        "changes",
        columns=["workspace_id", "seq", "kind", "subject_type", "subject_id", "actor", "data"],
        records=[
            (
                workspace_id,
                seq,
                one.kind,
                one.subject_type,
                one.subject_id,
                one.actor,
                encode(one.data).decode(),
            )
            for seq, one in enumerate(new, first)
        ],
    )
