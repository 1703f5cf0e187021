"""A turn: one leased destination, worked until nothing of it is due or it is time to look at it anew.

Lanes are calls under way: one where the order counts, several where it does not. A receiver that answers at once is
not kept waiting for what is written of its answers: the next few attempts are begun ahead, in the order they are sent.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

import aiohttp
import structlog

from tellback.core.deliveries import capturing, paths
from tellback.core.deliveries.model import Answered, Begun, Captured, Finished, Leased, Outcome, Step
from tellback.core.deliveries.queries import LEASE_S
from tellback.storage.errors import StorageError
from tellback.worker import delivery_call, delivery_figures

#: Calls at once to a destination that is free of order.
LANES = 32
#: Begun ahead is what goes out while steps are settled, so many times over: so much goes out before an answer is
#: there, and before the one to the next step. At most what goes out in so long, so many, and of so many characters.
AHEAD, AHEAD_S, MOST_AHEAD, HEAVIEST_AHEAD = 3.0, 0.25, 256, 4 * 1024 * 1024
#: What was begun ahead and not sent by then is given back: the destination may be paused or disabled by now.
LONGEST_AHEAD_S = 1.0
#: A turn ends after so long and its destination is leased anew: with changed headers, secrets and switches.
LONGEST_S = 5.0
#: How often more work is looked for while lanes are free.
LOOK_EVERY_S = 0.25
#: A database that is away is waited for while the lease lasts; the attempt's end is not known after that.
_RETRY_EVERY_S = 0.5

Settle = Callable[[Step], Awaitable[Answered]]

log = structlog.get_logger(__name__)


_Reason = Literal["late", "stopped"]


@dataclass(slots=True)
class _Calling:
    """A call under way: of which delivery, since when (monotonic seconds), and why it was given up."""

    delivery: int
    since: float
    given_up: _Reason | None = None


class Turn:
    """One destination's turn in this process.

    Lanes send what was begun; what they ended is told, and more is begun, while they go on with what was begun
    ahead. After a call that failed, what was begun ahead is given back unsent: what comes next is decided anew.
    """

    def __init__(self, lease: Leased, client: aiohttp.ClientSession, settle: Settle) -> None:
        self._lease = lease
        self._client = client
        self._settle = settle
        self._most = 1 if lease.ordered else LANES
        self._ends = time.monotonic() + LONGEST_S
        self._lanes: dict[asyncio.Task[None], _Calling | None] = {}
        self._ahead: deque[Begun] = deque()
        self._ahead_until = 0.0
        self._ended: list[Finished] = []
        self._news = asyncio.Event()
        self._pace_s: float | None = None
        self._settled_s = 0.0
        self._weight = 1
        self._halted = False
        self._overdue = False
        self._held = True

    @property
    def in_flight(self) -> int:
        return len(self._busy())

    @property
    def timed_out(self) -> bool:
        """Whether it ended for the sake of looking at the destination anew: there may well be more."""
        return time.monotonic() >= self._ends

    def finish(self) -> None:
        """Begin nothing more."""
        self._ends = 0.0

    def interrupt(self) -> None:
        """Give up the calls under way; each is settled as stopped."""
        self._give_up(lambda _: True, "stopped")

    def check_time(self) -> None:
        """Give up the calls that take too long, and tell what waits to be told; to be called a few times a second."""
        if self._ended:
            self._overdue = True
            self._news.set()
        since = time.monotonic() - delivery_call.TOTAL_S
        self._give_up(lambda calling: calling.since < since, "late")

    def _give_up(self, which: Callable[[_Calling], bool], why: _Reason) -> None:
        for lane, calling in self._lanes.items():
            if calling is not None and calling.given_up is None and which(calling):
                calling.given_up = why
                lane.cancel()

    async def run(self) -> None:
        """Work to the end of the turn, and give the destination back."""
        try:
            await self._tell()
            while self._held:
                await self._more_to_tell()
                await self._tell()
            if self._lanes:
                await asyncio.wait(self._lanes)  # whatever they end cannot be told any more
        except BaseException:
            self._held = False
            for lane in self._lanes:
                lane.cancel()
            raise

    async def _more_to_tell(self) -> None:
        """Until a call has ended, or it is time to look whether there is more for lanes that are free."""
        looks = not self._lease.ordered and len(self._busy()) < self._most and self._goes_on()
        while self._lanes and not self._worth_telling():
            try:
                await asyncio.wait_for(self._news.wait(), LOOK_EVERY_S if looks else None)
            except TimeoutError:
                return
            self._news.clear()

    async def _tell(self) -> None:
        """Tell what has ended, and take what is begun next."""
        ended, self._ended, self._overdue = self._ended, [], False
        unsent = tuple(self._ahead) if self._halted or not self._goes_on() else ()
        if unsent:
            self._ahead.clear()
        self._halted = False
        calling = self._busy()
        busy = (*calling, *(one.id for one in self._ahead))
        begin = self._wanted(self._most - len(calling))
        began = time.monotonic()
        answered = await self._told(Step(self._lease, tuple(ended), unsent, busy, begin, release=not busy))
        self._settled_s = time.monotonic() - began
        self._ahead.extend(answered.begun)
        self._weight = max((len(one.request.body or "") for one in answered.begun), default=self._weight) or 1
        self._ahead_until = time.monotonic() + LONGEST_AHEAD_S
        self._open_lanes()

    def _worth_telling(self) -> bool:
        """With enough ahead, several are told together: half of it has gone out."""
        return bool(self._ended) and (self._overdue or self._halted or len(self._ended) >= len(self._ahead))

    def _busy(self) -> list[int]:
        return [calling.delivery for calling in self._lanes.values() if calling is not None]

    def _goes_on(self) -> bool:
        return self._held and time.monotonic() < self._ends

    def _wanted(self, free: int) -> int:
        """How many to begin: one for each lane that is free, and what goes out until there is an answer."""
        if not self._goes_on():
            return 0
        ahead = 0
        if self._pace_s is not None:
            goes_out = int(min(AHEAD * self._settled_s, AHEAD_S) / self._pace_s)
            ahead = min(goes_out, MOST_AHEAD, HEAVIEST_AHEAD // self._weight)
        return max(free + ahead - len(self._ahead), 0)

    def _open_lanes(self) -> None:
        for _ in range(min(len(self._ahead), self._most - len(self._lanes))):
            lane = asyncio.create_task(self._lane())
            self._lanes[lane] = None
            lane.add_done_callback(self._closed)

    def _closed(self, lane: asyncio.Task[None]) -> None:
        del self._lanes[lane]
        self._news.set()
        if not lane.cancelled() and (error := lane.exception()) is not None:
            log.error("deliveries.lane_failed", destination=self._lease.key, exc_info=error)
            self.finish()

    async def _lane(self) -> None:
        """One call after the other."""
        lane = asyncio.current_task()
        assert lane is not None
        while (begun := self._next()) is not None:
            calling = self._lanes[lane] = _Calling(begun.id, time.monotonic())
            finished = await self._called(lane, begun, calling)
            self._lanes[lane] = None
            self._ended.append(finished)
            if self._worth_telling():
                self._news.set()

    def _next(self) -> Begun | None:
        """What was begun first, unless it is to be given back."""
        now = time.monotonic()
        if now > self._ahead_until or now >= self._ends or not self._held:
            self._halted = True
        return self._ahead.popleft() if self._ahead and not self._halted else None

    async def _called(self, lane: asyncio.Task[None], begun: Begun, calling: _Calling) -> Finished:
        since = calling.since
        try:
            outcome = await delivery_call.call(self._client, self._lease, begun)
        except asyncio.CancelledError:
            if calling.given_up is None:
                raise
            lane.uncancel()  # the call alone was given up; what it came to is still to be settled
            instead = delivery_call.late if calling.given_up == "late" else delivery_call.stopped
            outcome = instead(self._lease, begun, since)
        self._measure(outcome, time.monotonic() - since)
        delivery_figures.ATTEMPTS.add(delivery_call.label(outcome))
        delivery_figures.DURATIONS.observe(outcome.duration_ms / 1000)
        return self._picked(begun, outcome, since)

    def _measure(self, outcome: Outcome, took_s: float) -> None:
        """After a failure nothing goes out ahead until a call succeeds."""
        if outcome.error is not None or outcome.interrupted:
            self._halted, self._pace_s = True, None
        else:
            pace = took_s / self._most
            self._pace_s = pace if self._pace_s is None else 0.7 * self._pace_s + 0.3 * pace

    def _picked(self, begun: Begun, outcome: Outcome, since: float) -> Finished:
        """With what the answer gives, where the call succeeded and has somewhere to store it."""
        wanted = self._lease.return_values
        if outcome.error is not None or not wanted:
            return Finished(begun, outcome, since=since)
        picked = paths.pick(wanted, (outcome.body or "").encode())
        if not capturing.storable(begun.subject_type, begun.subject_id):
            warning = f"values cannot be stored on a {begun.subject_type}"
            return Finished(begun, outcome, (), (*picked.warnings, warning), since)
        captured = tuple(Captured(one.group, one.label, one.value) for one in picked.values)
        return Finished(begun, outcome, captured, picked.warnings, since)

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
