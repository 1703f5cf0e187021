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
#: The same of a reader that asks only what changed: ids in their order, each once.
EffectOnSubjects = Callable[[Transaction, int, Sequence[int]], Awaitable[None]]

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

    async def read(tx: Transaction, workspace_id: int, place: int) -> tuple[int, int]:
        found = await queries.after(tx, workspace_id, place, at_most)
        if not found:
            return 0, place
        await effect(tx, workspace_id, found)
        return len(found), found[-1].seq

    return await _catch_up(db, name, read, automated)


async def catch_up_on(
    db: Database, name: str, subject_type: str, effect: EffectOnSubjects, *, at_most: int = PIECE
) -> int:
    """As `catch_up`, for a reader to whom it is enough to know which subjects of one type something happened to.

    What the changes hold is not read at all, which is most of what reading them costs. The pieces and the result
    count changes of every type.
    """

    async def read(tx: Transaction, workspace_id: int, place: int) -> tuple[int, int]:
        read, last, ids = await queries.touched(tx, workspace_id, place, subject_type, at_most)
        if ids:
            await effect(tx, workspace_id, ids)
        return read, last

    return await _catch_up(db, name, read, False)


#: Does what is to be done above a place; how many changes it read, and the number of the last.
_Read = Callable[[Transaction, int, int], Awaitable[tuple[int, int]]]


async def _catch_up(db: Database, name: str, read: _Read, automated: bool) -> int:
    async with db.reading() as reader:
        behind = await queries.behind(reader, name, automated=automated)
    total = 0
    for workspace_id in behind:
        total += await db.write(lambda tx, of=workspace_id: _piece(tx, of, name, read))  # type: ignore[misc]
    return total


async def _piece(tx: Transaction, workspace_id: int, name: str, read: _Read) -> int:
    place = await queries.hold_place(tx, workspace_id, name)
    if place is None:  # another process reads for this workspace
        return 0
    count, last = await read(tx, workspace_id, place)
    if count:
        await queries.move_place(tx, workspace_id, name, last)
    return count
