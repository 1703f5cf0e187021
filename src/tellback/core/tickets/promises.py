"""Keeping `sla` up to date: of tickets that changed, which the feed tells, of those that time changes, and of those
that something else is promised of."""

from __future__ import annotations

from collections.abc import Sequence

from tellback.core import changes, workspaces
from tellback.core.tickets import sla, sla_queries, snapshots
from tellback.core.tickets.sla_queries import Assessed
from tellback.storage.database import Database, Transaction
from tellback.storage.database import now as now_of

READER = "sla"
#: Who the feed names.
ACTOR = "upkeep"
AT_MOST = 500
#: Tickets that another promise has looked at again at once.
RENEWED = 5_000


async def keep_up(db: Database) -> int:
    """One piece of what is to be done; how much it was, 0 when all is done. Raises `DatabaseAway`.

    Any number of processes may call it: what one has computed, the next finds computed.
    """
    read = await changes.readers.catch_up_on(db, READER, "ticket", _assess, at_most=AT_MOST)
    read += await db.write(lambda tx: sla_queries.renew(tx, RENEWED))
    async with db.reading() as reader:
        due = await sla_queries.due(reader, AT_MOST)
    for workspace_id, ids in due.items():
        await db.write(lambda tx, of=workspace_id, those=ids: _assess(tx, of, those))  # type: ignore[misc]
    return read + sum(len(ids) for ids in due.values())


async def _assess(tx: Transaction, workspace_id: int, ids: Sequence[int]) -> None:
    held = await sla_queries.hold(tx, workspace_id, ids)
    if not held:
        return
    now = await now_of(tx)
    assessed, moved = [], []
    for one in held:
        figures, look_again = sla.assess(one.course, one.promise, now)
        told = figures.standing != one.shown.standing
        assessed.append(Assessed(one.id, figures, look_again, told))
        if told:
            moved.append(one)
    await sla_queries.store(tx, workspace_id, assessed, now)
    if not moved:
        return
    shown = {}
    if await workspaces.queries.is_automated(tx, workspace_id):
        shown = await snapshots.documents(tx, workspace_id, [one.id for one in moved])
    news = [
        changes.NewChange(
            "ticket.changed", "ticket", str(one.id), ACTOR,
            {"display_id": one.display_id, "changed": ["sla"]}, shown.get(one.id),
        )
        for one in moved
    ]  # fmt: skip
    await changes.record(tx, workspace_id, news)
