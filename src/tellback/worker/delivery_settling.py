"""Settling together: steps that come while a transaction is under way share the next.

A transaction costs the same few round trips for one step as for a hundred. Calls go on meanwhile, with what was
begun ahead (`delivery_turn`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from tellback.core.deliveries import settling
from tellback.core.deliveries.model import Answered, Step
from tellback.storage.database import Database
from tellback.storage.errors import StorageError

#: Steps in one transaction.
LARGEST = 256

_Waiting = tuple[Step, asyncio.Future[Answered]]
_Write = Callable[[Sequence[Step]], Awaitable[Sequence[Answered | None]]]


class Settling:
    """The steps of a process, one transaction after the other."""

    def __init__(self, db: Database, schedule: tuple[float, ...]) -> None:
        self._db = db
        self._schedule = schedule
        self._waiting: list[_Waiting] = []
        self._working: asyncio.Task[None] | None = None

    async def settle(self, step: Step) -> Answered:
        """What the step came to, once it is committed. Raises `DatabaseAway`, and faults of its own."""
        answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting.append((step, answer))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(0)  # what is answered by now joins in
                taken, self._waiting = self._waiting[:LARGEST], self._waiting[LARGEST:]
                await self._commit(taken)
        finally:
            self._working = None

    async def _commit(self, taken: Sequence[_Waiting]) -> None:
        """Plain steps by one statement, and what that leaves by a transaction."""
        plain = [one for one in taken if settling.is_plain(one[0])]
        others = [one for one in taken if not settling.is_plain(one[0])]
        if plain:
            others += await self._tried(plain, self._write_plain)
        if others:
            await self._tried(others, self._write)

    async def _tried(self, taken: Sequence[_Waiting], write: _Write) -> list[_Waiting]:
        """Those that `write` leaves unanswered; everybody else is told what came of it."""
        try:
            answers = await write([step for step, _ in taken])
        except Exception as fault:
            if len(taken) > 1 and not isinstance(fault, StorageError):
                # whose fault it is will show
                return [left for one in taken for left in await self._tried([one], write)]
            for _, waiting in taken:
                if not waiting.done():
                    waiting.set_exception(fault)
            return []
        left = []
        for one, answer in zip(taken, answers, strict=True):
            if answer is None:
                left.append(one)
            elif not one[1].done():  # its lane may have been cancelled; what was settled stands
                one[1].set_result(answer)
        return left

    async def _write_plain(self, steps: Sequence[Step]) -> Sequence[Answered | None]:
        return await self._db.write_at_once(lambda tx: settling.settle_plain(tx, steps))

    async def _write(self, steps: Sequence[Step]) -> Sequence[Answered | None]:
        return await self._db.write(lambda tx: settling.settle(tx, steps, self._schedule))
