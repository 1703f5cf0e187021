"""Attempts begun ahead: a receiver that answers at once is not kept waiting, and nothing else is different."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from tests.support import receiver as receivers
from tests.support.outbox import Outbox
from tests.support.receiver import Behaviour, Call, Receiver

from tellback.core.deliveries import queries as delivery_queries
from tellback.core.deliveries.model import Finished, Leased, Outcome, Step
from tellback.worker import delivery_turn
from tellback.worker.delivery_settling import Settling

pytestmark = pytest.mark.anyio

SCHEDULE = (0.0, 0.05, 0.05)
DONE = Outcome(1, (), 200)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receivers.running() as running:
        yield running


def odd_once(number: int, instead: Behaviour) -> Behaviour:
    """200 to everything, but `instead` to the first call with this number."""
    met: list[Call] = []

    async def behave(call: Call, writer: asyncio.StreamWriter) -> None:
        odd = call.json()["n"] == number and not met
        met.extend([call] if odd else [])
        await (instead if odd else receivers.answer())(call, writer)

    return behave


async def queued(outbox: Outbox, receiver: Receiver, count: int, *, ordered: bool = True) -> list[int]:
    destination = await outbox.destination(receiver.url("/a"), ordered=ordered)
    return await outbox.queue(destination, receiver.url("/a"), count)


def numbers(receiver: Receiver) -> list[int]:
    return [call.json()["n"] for call in receiver.at("/a")]


async def attempts_are_whole(outbox: Outbox, many: int) -> None:
    """So many attempts there are, numbered without gaps, and each with its end."""
    assert await outbox.value("select count(*) from attempts where duration_ms is not null") == many
    assert await outbox.value("select count(*) from attempts where duration_ms is null") == 0
    assert (
        await outbox.value(
            """
            select count(*) from deliveries d where d.attempts <>
              (select count(*) from attempts a where a.workspace_id = d.workspace_id and a.delivery_id = d.id)
            """
        )
        == 0
    )


async def test_keeps_the_order_when_one_fails_in_the_middle(outbox: Outbox, receiver: Receiver) -> None:
    receiver.behave("/a", odd_once(60, receivers.answer(500)))
    await queued(outbox, receiver, 120)
    async with outbox.sending(SCHEDULE):
        await outbox.until_settled()
    assert numbers(receiver) == [*range(61), *range(60, 120)]
    await attempts_are_whole(outbox, 121)


async def test_sends_nothing_more_to_a_receiver_that_asks_for_a_rest(
    outbox: Outbox, receiver: Receiver
) -> None:
    receiver.behave("/a", odd_once(60, receivers.answer(429, b"", ("Retry-After", "1"))))
    await queued(outbox, receiver, 120)
    async with outbox.sending(SCHEDULE):
        await outbox.until("select count(*) from attempts where status = 429", 1)
        assert numbers(receiver) == list(range(61))
        await outbox.until_settled()
    before, after = receiver.at("/a")[60:62]
    assert after.at - before.at >= 1.0
    assert numbers(receiver) == [*range(61), *range(60, 120)]
    await attempts_are_whole(outbox, 121)


async def test_gives_back_what_it_will_not_send_when_it_stops(outbox: Outbox, receiver: Receiver) -> None:
    receiver.behave("/a", odd_once(60, receivers.hang))
    await queued(outbox, receiver, 120)
    async with outbox.sending(SCHEDULE, stop_s=0.1):
        await asyncio.to_thread(receiver.wait_for, 61)
    assert await outbox.value("select count(*) from attempts where error is null") == 60
    assert await outbox.value("select count(*) from attempts where error is not null") == 1
    await attempts_are_whole(outbox, 61)
    assert await outbox.value("select count(*) from deliveries where next_attempt_at > now()") == 0
    async with outbox.sending(SCHEDULE):
        await outbox.until_settled()
    assert numbers(receiver) == [*range(61), *range(60, 120)]


@pytest.mark.parametrize("ordered", [True, False])
async def test_gives_back_what_had_to_wait_too_long(
    outbox: Outbox, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, ordered: bool
) -> None:
    """While one call lasts, what was begun ahead behind it may have been cancelled, or its destination disabled."""
    monkeypatch.setattr(delivery_turn, "LONGEST_AHEAD_S", 0.1)
    monkeypatch.setattr(delivery_turn, "LANES", 1)
    receiver.behave("/a", odd_once(60, receivers.answer(after=0.5)))
    ids = await queued(outbox, receiver, 120, ordered=ordered)
    async with outbox.sending(SCHEDULE):
        await asyncio.to_thread(receiver.wait_for, 61)
        await outbox.rows(
            "update deliveries set state = 'cancelled', next_attempt_at = null where id = $1", ids[61]
        )
        await outbox.until_settled()
    assert sorted(numbers(receiver)) == [n for n in range(120) if n != 61]
    await attempts_are_whole(outbox, 119)


async def test_sends_each_once_free_of_order(outbox: Outbox, receiver: Receiver) -> None:
    receiver.behave("/a", odd_once(100, receivers.answer(500)))
    await queued(outbox, receiver, 500, ordered=False)
    async with outbox.sending(SCHEDULE):
        await outbox.until_settled()
    assert sorted(numbers(receiver)) == sorted([*range(500), 100])
    await attempts_are_whole(outbox, 501)


@pytest.mark.alone
async def test_tells_when_each_was_sent_and_not_when_it_was_begun(
    outbox: Outbox, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_turn, "AHEAD", 100.0)
    receiver.behave("/a", receivers.answer(after=0.02))
    await queued(outbox, receiver, 40)
    async with outbox.sending(SCHEDULE):
        await outbox.until_settled()
    told = await outbox.rows("select extract(epoch from at)::float8 as at from attempts order by delivery_id")
    for attempt, call in zip(told, receiver.at("/a"), strict=True):
        assert abs(attempt["at"] - call.at) < 0.25


async def test_tells_what_has_ended_while_the_next_call_lasts(outbox: Outbox, receiver: Receiver) -> None:
    receiver.behave("/a", odd_once(60, receivers.answer(after=3.0)))
    await queued(outbox, receiver, 61)
    async with outbox.sending(SCHEDULE):
        await asyncio.to_thread(receiver.wait_for, 61)
        await outbox.until("select count(*) from deliveries where state = 'delivered'", 60, 2.0)
        await outbox.until_settled()


class Ahead:
    """One worker's lease of the only destination, step by step."""

    def __init__(self, outbox: Outbox, lease: Leased) -> None:
        self.lease = lease
        self._settling = Settling(outbox.db, SCHEDULE)

    @classmethod
    async def of(cls, outbox: Outbox) -> Ahead:
        (lease,) = await outbox.db.write(lambda tx: delivery_queries.claim(tx, "w", 10))
        return cls(outbox, lease)

    async def step(self, step: Step) -> list[tuple[int, int]]:
        """What was begun: (delivery, number)."""
        self.begun = (await self._settling.settle(step)).begun
        return [(one.id, one.number) for one in self.begun]


async def test_begins_the_first_of_a_queue_in_their_order(outbox: Outbox, receiver: Receiver) -> None:
    ids = await queued(outbox, receiver, 5)
    ahead = await Ahead.of(outbox)
    assert await ahead.step(Step(ahead.lease, begin=3)) == [(id, 1) for id in ids[:3]]
    sent, *others = ahead.begun
    finished = (Finished(sent, DONE),)
    busy = tuple(one.id for one in others)
    # Both ways of settling: the plain one, and the one for everything.
    assert await ahead.step(Step(ahead.lease, finished, busy=busy, begin=1)) == [(ids[3], 1)]
    assert await ahead.step(Step(ahead.lease, busy=(*busy, ids[3]), begin=5)) == [(ids[4], 1)]


async def test_begins_nothing_behind_one_that_is_not_due(outbox: Outbox, receiver: Receiver) -> None:
    ids = await queued(outbox, receiver, 4)
    await outbox.rows(
        "update deliveries set next_attempt_at = now() + interval '1 hour' where id = $1", ids[2]
    )
    ahead = await Ahead.of(outbox)
    assert await ahead.step(Step(ahead.lease, begin=4)) == [(id, 1) for id in ids[:2]]


@pytest.mark.parametrize("ordered", [True, False])
async def test_leaves_no_trace_of_what_is_given_back(
    outbox: Outbox, receiver: Receiver, ordered: bool
) -> None:
    ids = await queued(outbox, receiver, 3, ordered=ordered)
    ahead = await Ahead.of(outbox)
    await ahead.step(Step(ahead.lease, begin=3))
    unsent = ahead.begun[1:]
    for _ in range(2):  # it may not know whether it did
        await ahead.step(Step(ahead.lease, unsent=unsent))
    assert await outbox.value("select array_agg(attempts order by id) from deliveries") == [1, 0, 0]
    assert await outbox.value("select array_agg(delivery_id) from attempts") == ids[:1]
    assert await ahead.step(Step(ahead.lease, busy=(ids[0],), begin=3)) == [(ids[1], 1), (ids[2], 1)]


async def test_leaves_a_cancelled_one_cancelled_when_it_is_given_back(
    outbox: Outbox, receiver: Receiver
) -> None:
    await queued(outbox, receiver, 1, ordered=False)
    ahead = await Ahead.of(outbox)
    await ahead.step(Step(ahead.lease, begin=1))
    await outbox.rows("update deliveries set state = 'cancelled', next_attempt_at = null")
    await ahead.step(Step(ahead.lease, unsent=ahead.begun))
    assert (
        await outbox.value("select (state, next_attempt_at, attempts)::text from deliveries")
        == "(cancelled,,0)"
    )
