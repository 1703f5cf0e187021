"""A turn: one leased destination, worked until nothing of it is due or it is time to look at it anew.

Lanes are calls under way: one where the order counts, several where it does not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import aiohttp
import structlog

from tellback.core.automation import capturing, paths
from tellback.core.automation.delivery_model import (
    Answered,
    Begun,
    Captured,
    Finished,
    Leased,
    Outcome,
    Step,
)
from tellback.core.automation.delivery_queries import LEASE_S
from tellback.kit import metrics
from tellback.storage.errors import StorageError
from tellback.worker import delivery_call

#: Calls at once to a destination that is free of order.
LANES = 32
#: A turn ends after so long and its destination is leased anew: with changed headers, secrets and switches.
LONGEST_S = 5.0
#: How often more work is looked for while lanes are free.
LOOK_EVERY_S = 0.25
#: A database that is away is waited for while the lease lasts; the attempt's end is not known after that.
_RETRY_EVERY_S = 0.5

ATTEMPTS = metrics.REGISTRY.counter(
    "tellback_delivery_attempts_total", "Attempts to deliver, by what came of them.", "outcome"
)
DURATIONS = metrics.REGISTRY.histogram("tellback_delivery_attempt_seconds", "How long an attempt took.")

Settle = Callable[[Step], Awaitable[Answered]]

log = structlog.get_logger(__name__)


class Turn:
    """One destination's turn in this process."""

    def __init__(self, lease: Leased, client: aiohttp.ClientSession, settle: Settle) -> None:
        self._lease = lease
        self._client = client
        self._settle = settle
        self._most = 1 if lease.ordered else LANES
        self._ends = time.monotonic() + LONGEST_S
        self._lanes: set[asyncio.Task[None]] = set()
        self._calling: set[asyncio.Task[None]] = set()
        self._interrupted = False
        self._held = True

    @property
    def in_flight(self) -> int:
        return len(self._calling)

    @property
    def timed_out(self) -> bool:
        """Whether it ended for the sake of looking at the destination anew: there may well be more."""
        return time.monotonic() >= self._ends

    def finish(self) -> None:
        """Begin nothing more."""
        self._ends = 0.0

    def interrupt(self) -> None:
        """Give up the calls under way; each is settled as stopped."""
        self._interrupted = True
        for lane in self._calling:
            lane.cancel()

    async def run(self) -> None:
        """Work to the end of the turn, and give the destination back."""
        await self._look()
        look_every = None if self._lease.ordered else LOOK_EVERY_S
        while self._lanes:
            await asyncio.wait(self._lanes, timeout=look_every, return_when=asyncio.FIRST_COMPLETED)
            if not self._lease.ordered and self._goes_on():
                await self._look()
        if self._held:
            await self._told(Step(self._lease, release=True))

    def _goes_on(self) -> bool:
        return self._held and time.monotonic() < self._ends

    async def _look(self) -> None:
        """Fill the lanes that are free."""
        free = self._most - len(self._lanes)
        if free > 0 and self._goes_on():
            answered = await self._told(Step(self._lease, begin=free, release=not self._lanes))
            self._open(answered.begun)

    def _open(self, begun: tuple[Begun, ...]) -> None:
        for one in begun:
            lane = asyncio.create_task(self._lane(one))
            self._lanes.add(lane)
            lane.add_done_callback(self._lanes.discard)

    async def _lane(self, begun: Begun) -> None:
        """One call after the other, each settled together with the begin of the next."""
        following: tuple[Begun, ...] = (begun,)
        while following:
            finished = await self._called(following[0])
            step = Step(
                self._lease, finished, begin=1 if self._goes_on() else 0, release=len(self._lanes) == 1
            )
            following = (await self._told(step)).begun

    async def _called(self, begun: Begun) -> Finished:
        since = time.monotonic()
        lane = asyncio.current_task()
        assert lane is not None
        self._calling.add(lane)
        try:
            outcome = await delivery_call.call(self._client, self._lease, begun)
        except asyncio.CancelledError:
            if not self._interrupted:
                raise
            lane.uncancel()  # the call alone was given up; what it came to is still to be settled
            outcome = delivery_call.stopped(self._lease, begun, since)
        finally:
            self._calling.discard(lane)
        ATTEMPTS.add(delivery_call.label(outcome))
        DURATIONS.observe(outcome.duration_ms / 1000)
        return self._picked(begun, outcome)

    def _picked(self, begun: Begun, outcome: Outcome) -> Finished:
        """With what the answer gives, where the call succeeded and has somewhere to store it."""
        wanted = self._lease.return_values
        if outcome.error is not None or not wanted:
            return Finished(begun, outcome)
        picked = paths.pick(wanted, (outcome.body or "").encode())
        if not capturing.storable(begun.subject_type, begun.subject_id):
            warning = f"values cannot be stored on a {begun.subject_type}"
            return Finished(begun, outcome, (), (*picked.warnings, warning))
        captured = tuple(Captured(one.group, one.label, one.value) for one in picked.values)
        return Finished(begun, outcome, captured, picked.warnings)

    async def _told(self, step: Step) -> Answered:
        """Settle a step, for as long as the lease may last; without it nothing is held any more."""
        until = time.monotonic() + LEASE_S
        while True:
            try:
                answered = await self._settle(step)
                break
            except StorageError as error:
                if time.monotonic() > until:
                    log.warning("deliveries.unsettled", destination=self._lease.key, reason=str(error))
                    answered = Answered(held=False)
                    break
            await asyncio.sleep(_RETRY_EVERY_S)
        self._held = self._held and answered.held
        return answered
