"""The hub's own readers of the feed: each makes something of every change, exactly once and in order.

A reader's place is a row, moved in the transaction that holds what the reader made. Whatever kills it, it
goes on where it was; two processes never read for one workspace at a time, and share the workspaces.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from tellback.core.changes import queries
from tellback.core.changes.model import Change
from tellback.storage.database import Database, Transaction

#: What a reader does with some changes of one workspace, oldest first, in one transaction.
Effect = Callable[[Transaction, int, Sequence[Change]], Awaitable[None]]


#: Changes of one workspace that are read in one transaction, unless a reader wants it otherwise.
PIECE = 500


async def catch_up(
    db: Database, name: str, effect: Effect, *, at_most: int = PIECE, automated: bool = False
) -> int:
    """Read on for every workspace that has changes `name` has not read; returns how many were read.

    With `automated`, only for workspaces where something acts on what happens.

    One piece a workspace, of at most `at_most` changes, so that none waits for another's backlog: call again
    while the result is above 0. Raises `DatabaseAway`, and what `effect` raises (its piece is read again).
    """
    async with db.reading() as reader:
        behind = await queries.behind(reader, name, automated=automated)
    read = 0
    for workspace_id in behind:
        read += await db.write(lambda tx, of=workspace_id: _piece(tx, of, name, effect, at_most))  # type: ignore[misc]
    return read


async def _piece(tx: Transaction, workspace_id: int, name: str, effect: Effect, at_most: int) -> int:
    place = await queries.hold_place(tx, workspace_id, name)
    if place is None:  # another process reads for this workspace
        return 0
    found = await queries.after(tx, workspace_id, place, at_most)
    if not found:
        return 0
    await queries.move_place(tx, workspace_id, name, found[-1].seq)
    await effect(tx, workspace_id, found)
    return len(found)
