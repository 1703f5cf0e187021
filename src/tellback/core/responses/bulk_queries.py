"""SQL of responses that come by the thousand."""

from __future__ import annotations

from collections.abc import Sequence

from tellback.storage import copying
from tellback.storage.database import Transaction


async def record(tx: Transaction, workspace_id: int, columns: Sequence[str], rows: Sequence[str]) -> range:
    """Store responses from rows for COPY, which have cells for `columns`; their ids.

    As after `queries.record_many`, the workspace's counters are locked from here to the commit.
    """
    last: int = await tx.fetchval(
        "update workspace_counters set responses = responses + $2 where workspace_id = $1 returning responses",
        workspace_id, len(rows),
    )  # fmt: skip
    ids = range(last - len(rows) + 1, last + 1)
    numbered = map(copying.TAB.join, zip(map(str, ids), rows, strict=True))
    await copying.copy(tx, "responses", ("id", *columns), numbered)
    return ids
