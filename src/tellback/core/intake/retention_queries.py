"""SQL that forgets: old log entries and kept answers, of all workspaces, a bounded batch at a time."""

from __future__ import annotations

from tellback.storage.database import Transaction


async def forget_entries(tx: Transaction, older_than_days: int, at_most: int) -> int:
    """Delete the oldest log entries over an age; gives how many, less than `at_most` when none are left."""
    return _count(
        await tx.execute(
            """
            delete from intake using (
              select workspace_id, id from intake where at < now() - make_interval(days => $1)
              order by at limit $2
            ) old
            where intake.workspace_id = old.workspace_id and intake.id = old.id
            """,
            older_than_days,
            at_most,
        )
    )


async def forget_answers(tx: Transaction, at_most: int) -> int:
    """Delete answers kept for more than 24 hours; gives how many, less than `at_most` when none are left."""
    return _count(
        await tx.execute(
            """
            delete from kept_answers using (
              select workspace_id, scope from kept_answers where at < now() - interval '24 hours'
              order by at limit $1
            ) old
            where kept_answers.workspace_id = old.workspace_id and kept_answers.scope = old.scope
              and kept_answers.at < now() - interval '24 hours' -- its key may be in use anew
            """,
            at_most,
        )
    )


def _count(status: str) -> int:
    """The number in a command's status, such as `DELETE 12`."""
    return int(status.rpartition(" ")[2])
