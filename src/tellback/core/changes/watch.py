"""Waiting for a change: one look at the counters every tenth of a second serves everybody who waits."""

from __future__ import annotations

import asyncio

from tellback.core.changes import queries
from tellback.storage.database import Database
from tellback.storage.errors import StorageError

EVERY_S = 0.1


class Watch:
    """Who waits for what, in one process. It looks while somebody waits, and holds no connection in between."""

    def __init__(self, db: Database, *, every_s: float = EVERY_S) -> None:
        self._db = db
        self._every_s = every_s
        self._waiting: dict[asyncio.Future[None], tuple[int, int]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._ended = False

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    async def until_after(self, workspace_id: int, seq: int, seconds: float) -> None:
        """Return once the workspace has a change above `seq`, after `seconds`, or at the end of all waits.

        Raises `DatabaseAway` when the counters cannot be read.
        """
        if self._ended:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = (workspace_id, seq)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            async with asyncio.timeout(seconds):
                await waiter
        except TimeoutError:
            return
        finally:
            del self._waiting[waiter]

    def end(self) -> None:
        """Let everybody go, and hold nobody any more: the process is about to stop."""
        self._ended = True
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def _look(self) -> None:
        while self._waiting:
            try:
                async with self._db.reading() as reader:
                    counted = await queries.counted(reader, {place[0] for place in self._waiting.values()})
            except StorageError as away:
                self._fail(away)
                return
            for waiter, (workspace_id, seq) in self._waiting.items():
                if counted.get(workspace_id, 0) > seq and not waiter.done():
                    waiter.set_result(None)
            await asyncio.sleep(self._every_s)

    def _fail(self, fault: StorageError) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(fault)
