"""Sending: this process leases destinations whose queues are due, and works each by itself.

A destination that hangs holds a slot of its own and nothing else, so there are many slots: waiting costs nothing.
What is written for all of them shares transactions (`delivery_settling`).
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp
import structlog

from tellback.core.deliveries import queries
from tellback.core.deliveries.model import Leased
from tellback.storage.database import Database, open_pool
from tellback.storage.errors import StorageError
from tellback.worker import delivery_call
from tellback.worker.delivery_settling import Settling
from tellback.worker.delivery_turn import Turn

#: Destinations in work at once.
SLOTS = 1_000
#: Destinations claimed by one look.
CLAIMED = 100
RENEW_EVERY_S = 8.0
#: How often calls under way are looked at whether they take too long.
TIMED_EVERY_S = 0.25
SHORTEST_POLL_S, LONGEST_POLL_S = 0.05, 0.5

log = structlog.get_logger(__name__)


class Deliveries:
    """The sender of one process."""

    def __init__(
        self,
        db: Database,
        settling: Settling,
        client: aiohttp.ClientSession,
    ) -> None:
        self._db = db
        self._settling = settling
        self._client = client
        self._owner = secrets.token_hex(8)
        self._turns: dict[queries.Key, tuple[Turn, asyncio.Task[None]]] = {}
        self._woken = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Something was put into a queue: look now."""
        self._woken.set()

    @property
    def in_flight(self) -> int:
        """Calls under way."""
        return sum(turn.in_flight for turn, _ in self._turns.values())

    async def run(self) -> None:
        """Work until cancelled; a database that is away is waited for."""
        beside = [asyncio.create_task(work()) for work in (self._keep_leases, self._keep_time)]
        pause = SHORTEST_POLL_S
        try:
            while not self._stopping:
                found = await self._guarded(self._claim)
                pause = SHORTEST_POLL_S if found else min(pause * 1.5, LONGEST_POLL_S)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), pause)
                self._woken.clear()
        finally:
            for task in beside:
                task.cancel()

    async def stop(self, within: float) -> None:
        """Begin nothing more, let calls under way end for `within` seconds, and give everything back."""
        self._stopping = True
        self.wake()
        for turn, _ in self._turns.values():
            turn.finish()
        tasks = [task for _, task in self._turns.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=within)
        for turn, _ in list(self._turns.values()):
            turn.interrupt()
        if tasks:
            await asyncio.wait(tasks, timeout=2.0)
        for task in tasks:
            task.cancel()
        with suppress(StorageError):
            await self._db.write(lambda tx: queries.let_go(tx, self._owner))

    async def _guarded(self, work: Callable[[], object]) -> int:
        try:
            return await work()  # type: ignore[misc, no-any-return]
        except StorageError as error:
            log.warning("deliveries.put_off", reason=str(error))
        except Exception:
            log.exception("deliveries.failed")
        return 0

    async def _claim(self) -> int:
        free = min(SLOTS - len(self._turns), CLAIMED)
        if free <= 0:
            return 0
        leased = await self._db.write(lambda tx: queries.claim(tx, self._owner, free))
        for lease in leased:
            key = lease.workspace_id, lease.id
            # Ours already, where a lease ran out while the database was away: its work goes on.
            if key not in self._turns:
                self._begin(key, lease)
        return len(leased)

    def _begin(self, key: queries.Key, lease: Leased) -> None:
        turn = Turn(lease, self._client, self._settling.settle)
        task = asyncio.create_task(turn.run())
        self._turns[key] = (turn, task)
        task.add_done_callback(lambda ended: self._ended(key, ended))

    def _ended(self, key: queries.Key, task: asyncio.Task[None]) -> None:
        turn, _ = self._turns.pop(key)
        if turn.timed_out:
            self.wake()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("deliveries.turn_failed", destination=key[1], exc_info=error)

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            if self._turns:
                await self._guarded(self._renew)

    async def _keep_time(self) -> None:
        while True:
            await asyncio.sleep(TIMED_EVERY_S)
            for turn, _ in self._turns.values():
                turn.check_time()

    async def _renew(self) -> int:
        held = list(self._turns)
        await self._db.write(lambda tx: queries.renew(tx, self._owner, held))
        return len(held)


@asynccontextmanager
async def sending(
    db: Database,
    url: str,
    schedule: tuple[float, ...],
    connector: aiohttp.BaseConnector,
    *,
    stop_s: float = 4.0,
) -> AsyncIterator[Deliveries]:
    """A sender at work; at the end calls under way have `stop_s` seconds to end."""
    outcomes = await _outcomes(url)
    async with delivery_call.session(connector) as client:
        deliveries = Deliveries(db, Settling(outcomes, schedule), client)
        working = asyncio.create_task(deliveries.run())
        began = time.monotonic()
        try:
            yield deliveries
        finally:
            await deliveries.stop(stop_s)
            working.cancel()
            await outcomes.close()
            log.debug("deliveries.stopped", worked_s=round(time.monotonic() - began))


async def _outcomes(url: str) -> Database:
    """Where outcomes are written: one connection, and no waiting for the disk.

    An outcome that is lost with the machine is an attempt that is made again, with the same id. Where a
    transaction has news for the feed, it does wait (`settling`).
    """
    pool = await open_pool(
        url, "tellback deliveries", 1,
        plan_cache_mode="force_generic_plan", enable_seqscan="off", synchronous_commit="off",
    )  # fmt: skip
    return Database(pool)
