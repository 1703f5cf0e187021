"""Workers killed with -9: every event is delivered, repeats carry the same id, and order is kept."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator

import pytest
from tests.support import hub as hubs
from tests.support import outbox as outboxes
from tests.support import receiver as receivers
from tests.support.outbox import Outbox
from tests.support.receiver import Receiver

pytestmark = pytest.mark.anyio

SECRET = "whsec_c2VjcmV0"


@pytest.fixture
async def outbox(database_url: str) -> AsyncIterator[Outbox]:
    async with outboxes.opened(database_url) as opened:
        yield opened


def heard(receiver: Receiver, path: str) -> list[int]:
    """The numbers that came to a path, each where it came first."""
    return list(dict.fromkeys(call.json()["n"] for call in receiver.at(path)))


async def queues(outbox: Outbox, receiver: Receiver, destinations: int, each: int) -> None:
    for number in range(destinations):
        path = receiver.url(f"/{number}")
        made = await outbox.destination(path, ordered=number % 2 == 0, secrets=[SECRET])
        await outbox.queue(made, path, each)


async def test_delivers_a_thousand_events_through_kills_of_two_workers(
    outbox: Outbox, database_url: str
) -> None:
    chance = random.Random(6)  # noqa: S311 - when to kill
    with receivers.running() as receiver:
        for number in range(20):
            # So long that the queues are not through before the last kill.
            receiver.behave(f"/{number}", receivers.answer(after=0.1))
        await queues(outbox, receiver, 20, 50)
        for _ in range(4):
            before = len(receiver.calls)
            with hubs.working(database_url) as one, hubs.working(database_url) as other:
                # On any machine the kills meet calls under way: those last longer than this waits.
                receiver.wait_for(before + 1)
                await asyncio.sleep(chance.uniform(0.0, 0.05))
                one.kill()
                await asyncio.sleep(chance.uniform(0.0, 0.2))
                other.kill()
            # Half a minute passes.
            await outbox.rows("update destinations set lease_until = null")
            await outbox.rows("update deliveries set next_attempt_at = now() where state = 'waiting'")
            await outbox.rows("update destinations set next_at = least(next_at, now())")
        with hubs.working(database_url), hubs.working(database_url):
            await outbox.until_settled(60)
        for number in range(20):
            came = heard(receiver, f"/{number}")
            assert sorted(came) == list(range(50))
            assert number % 2 or came == list(range(50))
        ids: dict[tuple[str, int], set[str]] = {}
        for call in receiver.calls:
            ids.setdefault((call.path, call.json()["n"]), set()).add(call.id)
        assert all(len(found) == 1 for found in ids.values())
        assert len({id for found in ids.values() for id in found}) == 1000
        assert len(receiver.calls) > 1000  # some were killed under way


async def test_takes_up_an_orphan_within_a_minute(outbox: Outbox, database_url: str) -> None:
    with receivers.running() as receiver:
        receiver.behave("/a", receivers.in_turn(receivers.hang, receivers.answer()))
        made = await outbox.destination(receiver.url("/a"), secrets=[SECRET])
        await outbox.queue(made, receiver.url("/a"))
        with hubs.working(database_url) as process:
            receiver.wait_for(1)
            process.kill()
        with hubs.working(database_url):
            began = time.monotonic()
            first, second = receiver.wait_for(2, seconds=60)
            assert time.monotonic() - began < 45
            await outbox.until_settled()
        assert first.id == second.id


async def test_finishes_calls_under_way_when_it_is_told_to_stop(outbox: Outbox, database_url: str) -> None:
    with receivers.running() as receiver:
        receiver.behave("/a", receivers.answer(after=2))
        made = await outbox.destination(receiver.url("/a"))
        await outbox.queue(made, receiver.url("/a"), 2)
        with hubs.working(database_url) as process:
            receiver.wait_for(1)
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        states = await outbox.rows("select state from deliveries order by id")
        assert [row["state"] for row in states] == ["delivered", "waiting"]
        assert await outbox.value("select lease_owner is null from destinations")
        assert len(receiver.calls) == 1


async def test_gives_up_calls_that_hang_when_it_is_told_to_stop(outbox: Outbox, database_url: str) -> None:
    with receivers.running() as receiver:
        receiver.behave("/a", receivers.hang)
        made = await outbox.destination(receiver.url("/a"))
        (delivery,) = await outbox.queue(made, receiver.url("/a"))
        with hubs.working(database_url) as process:
            receiver.wait_for(1)
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        (attempt,) = await outbox.attempts(delivery)
        assert "stopped" in attempt["error"]
        assert await outbox.value("select next_at <= now() from destinations")
