"""Leases: what is left lying is taken up by others, and who comes late changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import aiohttp
import pytest
from tests.support import receiver as receivers
from tests.support.outbox import Outbox
from tests.support.receiver import Receiver

from tellback.core.deliveries import queries as delivery_queries
from tellback.core.deliveries.model import Answered, Begun, Finished, Leased, Outcome, Step
from tellback.worker import delivery_call
from tellback.worker.delivery_settling import Settling

pytestmark = pytest.mark.anyio

SCHEDULE = (0.0, 0.05)
DONE = Outcome(1, (), 200)
FAILED = Outcome(1, (), 500, error="The receiver answered 500.")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receivers.running() as running:
        yield running


class Worker:
    """A worker that does one step at a time, and may stop between any two."""

    def __init__(self, outbox: Outbox, owner: str) -> None:
        self._outbox = outbox
        self._owner = owner
        self._settling = Settling(outbox.db, SCHEDULE)

    async def lease(self) -> Leased | None:
        found = await self._outbox.db.write(lambda tx: delivery_queries.claim(tx, self._owner, 10))
        return found[0] if found else None

    async def step(self, step: Step) -> Answered:
        return await self._settling.settle(step)

    async def begin(self) -> tuple[Leased, Begun]:
        lease = await self.lease()
        assert lease is not None
        (begun,) = (await self.step(Step(lease, begin=1))).begun
        return lease, begun

    async def send(self, lease: Leased, begun: Begun) -> Outcome:
        async with delivery_call.session(aiohttp.TCPConnector()) as client:
            return await delivery_call.call(client, lease, begun)


async def lease_runs_out(outbox: Outbox) -> None:
    await outbox.rows("update destinations set lease_until = now() - interval '1 second'")


async def one(outbox: Outbox, receiver: Receiver, count: int = 1) -> list[int]:
    destination = await outbox.destination(receiver.url("/a"), secrets=["whsec_c2VjcmV0"])
    return await outbox.queue(destination, receiver.url("/a"), count)


async def test_takes_up_what_was_begun_and_not_sent(outbox: Outbox, receiver: Receiver) -> None:
    (delivery,) = await one(outbox, receiver)
    await Worker(outbox, "killed").begin()
    assert await Worker(outbox, "other").lease() is None
    await lease_runs_out(outbox)
    async with outbox.sending(SCHEDULE):
        await outbox.until_settled()
    assert len(receiver.calls) == 1
    assert [row["duration_ms"] is None for row in await outbox.attempts(delivery)] == [True, False]


async def test_repeats_what_was_sent_and_not_settled_with_the_same_id(
    outbox: Outbox, receiver: Receiver
) -> None:
    await one(outbox, receiver)
    killed = Worker(outbox, "killed")
    await killed.send(*await killed.begin())
    await lease_runs_out(outbox)
    async with outbox.sending(SCHEDULE):
        await outbox.until_settled()
    first, second = receiver.calls
    assert (first.id, first.body) == (second.id, second.body)


@pytest.mark.parametrize("late_outcome", [FAILED, DONE])
async def test_lets_no_late_worker_overwrite_a_newer_attempt(
    outbox: Outbox, receiver: Receiver, late_outcome: Outcome
) -> None:
    (delivery,) = await one(outbox, receiver)
    late = Worker(outbox, "late")
    lease, begun = await late.begin()
    await lease_runs_out(outbox)
    newer = Worker(outbox, "newer")
    its_lease, again = await newer.begin()
    answered = await late.step(Step(lease, (Finished(begun, late_outcome),), begin=1))
    assert answered == Answered(held=False)
    assert await outbox.value("select state from deliveries") == "waiting"
    await newer.step(Step(its_lease, (Finished(again, DONE),), release=True))
    assert await outbox.value("select state from deliveries") == "delivered"
    await late.step(Step(lease, (Finished(begun, late_outcome),), begin=1))
    assert await outbox.value("select state from deliveries") == "delivered"
    assert [row["status"] for row in await outbox.attempts(delivery)] == [None, 200]
    assert await outbox.value("select failures from destinations") == 0


async def test_writes_no_result_of_an_older_attempt_of_its_own(outbox: Outbox, receiver: Receiver) -> None:
    (delivery,) = await one(outbox, receiver)
    worker = Worker(outbox, "same")
    lease, begun = await worker.begin()
    await lease_runs_out(outbox)
    its_lease, again = await worker.begin()
    await worker.step(Step(lease, (Finished(begun, DONE),)))
    assert await outbox.value("select state from deliveries") == "waiting"
    await worker.step(Step(its_lease, (Finished(again, DONE),), release=True))
    assert [row["status"] for row in await outbox.attempts(delivery)] == [None, 200]


async def test_forgets_earlier_failures_at_the_first_success(outbox: Outbox, receiver: Receiver) -> None:
    await one(outbox, receiver)
    worker = Worker(outbox, "w")
    lease, begun = await worker.begin()
    await outbox.rows("update destinations set failures = 3, failing_since = now()")
    assert (await worker.step(Step(lease, (Finished(begun, DONE),)))).held
    assert await outbox.value("select (failures, failing_since)::text from destinations") == "(0,)"
    assert await outbox.value("select state from deliveries") == "delivered"


async def test_begins_each_of_a_queue_once_where_steps_come_together(
    outbox: Outbox, receiver: Receiver
) -> None:
    destination = await outbox.destination(receiver.url("/a"), ordered=False)
    queued = await outbox.queue(destination, receiver.url("/a"), 5)
    worker = Worker(outbox, "w")
    lease = await worker.lease()
    assert lease is not None
    begun = (await worker.step(Step(lease, begin=2))).begun
    answers = await asyncio.gather(
        *(worker.step(Step(lease, (Finished(done, DONE),), begin=1)) for done in begun)
    )
    following = [one for answered in answers for one in answered.begun]
    assert [one.id for one in (*begun, *following)] == queued[:4]
    assert [len(await outbox.attempts(delivery)) for delivery in queued] == [1, 1, 1, 1, 0]


async def test_begins_nothing_behind_a_delivery_whose_result_was_not_written(
    outbox: Outbox, receiver: Receiver
) -> None:
    first, _ = await one(outbox, receiver, 2)
    worker = Worker(outbox, "same")
    lease, begun = await worker.begin()
    await lease_runs_out(outbox)
    await worker.begin()
    (following,) = (await worker.step(Step(lease, (Finished(begun, DONE),), begin=1))).begun
    assert (following.id, following.number) == (first, 3)


async def test_may_settle_twice_when_it_does_not_know_whether_it_did(
    outbox: Outbox, receiver: Receiver
) -> None:
    await one(outbox, receiver)
    worker = Worker(outbox, "w")
    lease, begun = await worker.begin()
    for _ in range(2):
        await worker.step(Step(lease, (Finished(begun, FAILED),)))
    assert await outbox.value("select (state, scheduled)::text from deliveries") == "(waiting,1)"


async def test_leaves_a_cancelled_delivery_cancelled(outbox: Outbox, receiver: Receiver) -> None:
    (delivery,) = await one(outbox, receiver)
    worker = Worker(outbox, "w")
    lease, begun = await worker.begin()
    await outbox.rows("update deliveries set state = 'cancelled', next_attempt_at = null")
    await worker.step(Step(lease, (Finished(begun, FAILED),), release=True))
    assert await outbox.value("select state from deliveries") == "cancelled"
    assert [row["status"] for row in await outbox.attempts(delivery)] == [500]


async def test_renews_what_it_holds(outbox: Outbox, receiver: Receiver) -> None:
    await one(outbox, receiver)
    lease, _ = await Worker(outbox, "w").begin()
    await outbox.rows("update destinations set lease_until = now() + interval '1 second'")
    await outbox.db.write(lambda tx: delivery_queries.renew(tx, "w", [(lease.workspace_id, lease.id)]))
    await outbox.db.write(lambda tx: delivery_queries.renew(tx, "x", [(lease.workspace_id, lease.id)]))
    assert await outbox.value("select lease_until > now() + interval '25 seconds' from destinations")


async def test_misses_nothing_that_is_queued_while_a_destination_is_given_back(
    outbox: Outbox, receiver: Receiver
) -> None:
    destination = await outbox.destination(receiver.url("/a"))
    await outbox.queue(destination, receiver.url("/a"))
    worker = Worker(outbox, "w")
    lease, begun = await worker.begin()
    await worker.step(Step(lease, (Finished(begun, DONE),)))
    await outbox.queue(destination, receiver.url("/a"))
    assert await worker.step(Step(lease, release=True)) == Answered(held=False)
    assert await outbox.value("select next_at <= now() from destinations")
