"""SQL that keeps automation from a person who is erased, and takes them out of the records of runs."""

from __future__ import annotations

from collections.abc import Sequence

from tellback.core.erased import ERASED
from tellback.core.text_queries import SCAN_S
from tellback.storage.database import Transaction


async def hold_readers(tx: Transaction, workspace_id: int) -> None:
    """Wait until no event and no schedule is being acted on, and have none be until the transaction ends.

    What acts on them has read the subject by then, and would write it down again once it is erased.
    """
    await tx.execute(
        "select from feed_readers where workspace_id = $1 order by name for update",
        workspace_id,
        timeout=SCAN_S,
    )
    await tx.execute(
        "select from rules where workspace_id = $1 and next_at is not null order by id for update",
        workspace_id, timeout=SCAN_S,
    )  # fmt: skip


async def erase_runs(tx: Transaction, workspace_id: int, subjects: Sequence[tuple[str, str]]) -> None:
    """What rules said of their runs about these (type, id)."""
    await tx.execute(
        f"""
        update rule_runs set detail = '{ERASED}'
        where workspace_id = $1 and detail is not null
          and (subject_type, subject_id) in (select * from unnest($2::text[], $3::text[]))
        """,
        workspace_id, [type for type, _ in subjects], [id for _, id in subjects], timeout=SCAN_S,
    )  # fmt: skip
