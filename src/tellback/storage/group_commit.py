"""Group commit: small writes of one process share transactions.

While one transaction commits, the next batch collects; every caller is answered after *its* commit. A lone
caller finds a free connection and is written at once, on its own task. Measured against a transaction a
request: 2.3 times at 64 clients, 4 times at 256 (bench/results.md has today's figures).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import asyncpg

from tellback.storage.database import RETRIED, Transaction, connection_of, in_transaction, open_pool
from tellback.storage.errors import DatabaseAway, QueueFull

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Batch(Generic[Item, Result]):
    """A set-based action: many items in, as many results out, in order.

    A result that is an exception is raised for its item's caller, and the others stand.

    `single_statement` promises that `apply` has its whole effect in one statement, which PostgreSQL makes a
    transaction by itself, so that no BEGIN and COMMIT travel; or that it opens a transaction where it needs one.
    """

    name: str
    apply: Callable[[Transaction, Sequence[Item]], Awaitable[Sequence[Result | BaseException]]]
    single_statement: bool = False


#: Seconds a write waits before another lane is opened for it. One lane makes larger batches, which cost less
#: an item; the others are there so that one slow transaction does not hold everybody up.
PATIENCE_S = 0.1


@dataclass
class _Waiting:
    batch: Batch[Any, Any]
    item: Any
    answered: asyncio.Future[Any]
    since: float


class GroupCommit:
    """`lanes` connections that write; at most `largest` items a transaction and `waiting` in the queue."""

    def __init__(
        self, pool: asyncpg.Pool, *, lanes: int = 2, largest: int = 256, waiting: int = 10_000
    ) -> None:
        self._pool = pool
        self._all = self._free = lanes
        self._largest = largest
        self._limit = waiting
        self._queue: deque[_Waiting] = deque()
        self._lanes: set[asyncio.Task[None]] = set()
        self._at_rest = asyncio.Event()
        self._relief: asyncio.TimerHandle | None = None

    @classmethod
    async def open(cls, url: str, *, lanes: int = 2, waiting: int = 10_000) -> GroupCommit:
        """With `lanes` connections of its own, so that reads never wait for writes."""
        # The same few statements with arrays of any length: planning them anew each time gains nothing. All find
        # rows by key; a plan made on small tables would scan them, and be kept while they grow.
        pool = await open_pool(
            url, "tellback intake", lanes, plan_cache_mode="force_generic_plan", enable_seqscan="off"
        )
        return cls(pool, lanes=lanes, waiting=waiting)

    @property
    def waiting(self) -> int:
        """How many writes wait for a connection."""
        return len(self._queue)

    async def close(self) -> None:
        """Wait for what was taken, then disconnect."""
        while self._free < self._all:
            self._at_rest.clear()
            await self._at_rest.wait()
        try:
            await asyncio.wait_for(self._pool.close(), 5)
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._pool.terminate()

    async def write(self, batch: Batch[Item, Result], item: Item) -> Result:
        """Store `item` by `batch`; returns when it is committed to disk.

        Raises `QueueFull` at once when too many wait, `DatabaseAway` when the database is, and what
        `batch.apply` raises for this item alone.
        """
        if self._free == self._all and not self._queue:
            self._free -= 1
            try:
                outcome = (await self._commit(batch, [item]))[0]
            finally:
                self._release()
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome  # type: ignore[no-any-return]
        if len(self._queue) >= self._limit:
            raise QueueFull("too many writes are waiting")
        loop = asyncio.get_running_loop()
        entry = _Waiting(batch, item, loop.create_future(), loop.time())
        self._queue.append(entry)
        if self._free and self._relief is None:
            self._relief = loop.call_later(PATIENCE_S, self._relieve)
        return await entry.answered  # type: ignore[no-any-return]

    def _release(self) -> None:
        """Give the connection back, or hand it to those who wait."""
        if not self._queue:
            self._rest()
            return
        self._open_lane()

    def _relieve(self) -> None:
        """Open another lane if the oldest write has waited too long; look again while there may be need."""
        self._relief = None
        if not (self._queue and self._free):
            return
        loop = asyncio.get_running_loop()
        left = self._queue[0].since + PATIENCE_S - loop.time()
        if left <= 0:
            self._free -= 1
            self._open_lane()
        if self._free:
            self._relief = loop.call_later(max(left, PATIENCE_S / 10), self._relieve)

    def _open_lane(self) -> None:
        lane = asyncio.get_running_loop().create_task(self._drain())
        self._lanes.add(lane)
        lane.add_done_callback(self._lanes.discard)

    async def _drain(self) -> None:
        while self._queue:
            # Once round the loop: requests that are ready by now join this batch, and larger batches cost
            # less an item. It delays nobody, for whoever is ready would run before the commit anyway.
            await asyncio.sleep(0)
            if not self._queue:  # the other lane took it all
                break
            entries = self._take()
            outcomes = await self._commit(entries[0].batch, [entry.item for entry in entries])
            for entry, outcome in zip(entries, outcomes, strict=True):
                if entry.answered.done():  # its caller went away; the write stands
                    continue
                if isinstance(outcome, BaseException):
                    entry.answered.set_exception(outcome)
                else:
                    entry.answered.set_result(outcome)
        self._rest()

    def _rest(self) -> None:
        self._free += 1
        self._at_rest.set()

    def _take(self) -> list[_Waiting]:
        """The oldest waiting entry and all others of its kind, in order, up to the largest batch."""
        batch = self._queue[0].batch
        taken: list[_Waiting] = []
        left: deque[_Waiting] = deque()
        while self._queue and len(taken) < self._largest:
            entry = self._queue.popleft()
            (taken if entry.batch is batch else left).append(entry)
        left.extend(self._queue)
        self._queue = left
        return taken

    async def _commit(self, batch: Batch[Any, Any], items: list[Any]) -> list[Any]:
        """One outcome an item: its result, or the exception that is its alone."""
        try:
            return list(await self._run(batch, items))
        except DatabaseAway as away:
            return [away] * len(items)
        except Exception as error:
            if len(items) == 1:
                return [error]
        return [(await self._commit(batch, [item]))[0] for item in items]

    async def _run(self, batch: Batch[Any, Any], items: list[Any]) -> Sequence[Any]:
        async with connection_of(self._pool) as connection:
            if batch.single_statement:
                try:
                    return await batch.apply(Transaction(connection), items)
                except RETRIED:
                    pass  # once more, with the retries of a whole transaction
            return await in_transaction(connection, lambda tx: batch.apply(tx, items))
