"""SQL of the change feed for thousands of changes at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tellback.core.changes.model import Kind, SubjectType
from tellback.storage import copying
from tellback.storage.database import Reader, Transaction

_COLUMNS = ("seq", "subject_id", "workspace_id", "kind", "subject_type", "actor", "data")


def told(
    workspace_id: int,
    kind: Kind,
    subject_type: SubjectType,
    actor: str,
    data: Mapping[str, Any] | None = None,
) -> str:
    """What `record` wants beside the subject's id; many subjects may share one."""
    text = msgspec.json.encode(data or {}).decode()
    return copying.TAB.join(
        (str(workspace_id), kind, subject_type, copying.escaped(actor), copying.escaped(text))
    )


async def record(tx: Transaction, workspace_id: int, subjects: Sequence[str], told: Sequence[str]) -> range:
    """Append to the feed: subjects by their ids, each with what is `told` of it; the numbers they got.

    As `changes.record`, to be the last write of a transaction.
    """
    last: int = await tx.fetchval(
        "update workspace_counters set changes = changes + $2 where workspace_id = $1 returning changes",
        workspace_id, len(subjects),
    )  # fmt: skip
    numbers = range(last - len(subjects) + 1, last + 1)
    rows = zip(map(str, numbers), subjects, told, strict=True)
    await copying.copy(tx, "changes", _COLUMNS, map(copying.TAB.join, rows))
    return numbers


async def people_changed(
    reader: Reader, workspace_id: int, after: int, last: int, but: range, limit: int
) -> list[tuple[str, int]]:
    """(Subject type, id) of contacts and accounts in the changes above `after` up to `last`, `but` for those."""
    rows = await reader.fetch(
        """
        select distinct subject_type, subject_id::bigint as id from changes
        where workspace_id = $1 and seq > $2 and seq <= $3 and (seq < $4 or seq >= $5)
          and subject_type in ('contact', 'account')
        limit $6
        """,
        workspace_id, after, last, but.start, but.stop, limit,
    )  # fmt: skip
    return [(row["subject_type"], row["id"]) for row in rows]
