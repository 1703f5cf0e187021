"""Keeping `sla` up to date, stored."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from tests.support import ticketing
from tests.support.ticketing import HUB, Office

from tellback.core import tickets
from tellback.worker import sla_upkeep

pytestmark = pytest.mark.anyio

NEUTRAL = {"done_due": False, "expiry": 0, "handling_time": 0, "response_time": 0, "within_sla": True}


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    async with ticketing.office(database_url) as opened:
        yield opened


async def upkeep(office: Office) -> int:
    done = 0
    while some := await tickets.promises.keep_up(office.db):
        done += some
    return done


async def age(office: Office, ticket_id: int, by: timedelta) -> None:
    """As if it had arrived earlier."""
    await office.rows(
        "update tickets set created_at = created_at - $2::interval, sla_next = sla_next - $2 where id = $1",
        ticket_id, by,
    )  # fmt: skip


async def test_shows_nothing_until_it_has_looked(office: Office) -> None:
    ticket = await office.file()
    assert (await office.ticket(ticket.id)).sla is None
    await upkeep(office)
    assert (await office.ticket(ticket.id)).sla == NEUTRAL
    await office.act(ticket.id, tickets.AddTag("red"))
    assert (await office.ticket(ticket.id)).sla is None
    await upkeep(office)
    assert (await office.ticket(ticket.id)).sla == NEUTRAL


async def test_computes_without_a_promise_too(office: Office) -> None:
    ticket = await office.file("Blue", type="ideas", values={})
    await upkeep(office)
    assert (await office.ticket(ticket.id)).sla == NEUTRAL
    assert (await office.row(ticket.id))["sla_next"] is None


async def test_tells_nobody_where_nothing_but_times_changed(office: Office) -> None:
    ticket = await office.file()
    await office.act(ticket.id, tickets.Acquire(), tickets.Answer("Re", "Done"))
    await age(office, ticket.id, timedelta(hours=1))
    before = await office.row(ticket.id)
    await upkeep(office)
    after = await office.row(ticket.id)
    assert (after["revision"], after["changed_at"]) == (before["revision"], before["changed_at"])
    sla = json.loads(after["sla"])
    assert 3600 <= sla["response_time"] < 3660
    assert after["sla_next"] is not None  # it is acquired, so its time goes on
    assert len(await office.feed(ticket.id)) == 4


async def test_tells_when_time_alone_changed_how_it_stands(office: Office) -> None:
    ticket = await office.file()
    await upkeep(office)
    for hours, standing in ((3, (1, True, False)), (1, (2, False, False)), (44, (2, False, True))):
        revision = (await office.row(ticket.id))["revision"]
        await age(office, ticket.id, timedelta(hours=hours))
        await upkeep(office)
        stored = await office.ticket(ticket.id)
        assert stored.sla is not None, "its own look must not hide what it found"
        assert (stored.sla["expiry"], stored.sla["within_sla"], stored.sla["done_due"]) == standing
        assert (await office.row(ticket.id))["revision"] == revision + 1
    told = (await office.feed(ticket.id))[1:]
    assert [(one.kind, one.actor, one.data["changed"]) for one in told] == [
        ("ticket.changed", "upkeep", ["sla"])
    ] * 3
    assert (await office.row(ticket.id))["sla_next"] is None


async def test_comes_to_rest(office: Office) -> None:
    ticket = await office.file()
    await age(office, ticket.id, timedelta(hours=5))
    assert await upkeep(office) > 0
    assert await upkeep(office) == 0
    before = await office.row(ticket.id)
    assert await tickets.promises.keep_up(office.db) == 0
    assert await office.row(ticket.id) == before


async def test_tells_automation_how_it_stands(office: Office) -> None:
    await office.automate()
    ticket = await office.file()
    await age(office, ticket.id, timedelta(hours=5))
    await upkeep(office)
    told = (await office.feed(ticket.id))[-1]
    assert told.snapshot is not None
    assert told.snapshot["sla"]["expiry"] == 2


async def test_looks_again_when_another_promise_is_made(office: Office) -> None:
    first, closed = await office.file(), await office.file()
    await office.act(closed.id, tickets.Close())
    await age(office, first.id, timedelta(minutes=30))
    await upkeep(office)
    assert (await office.ticket(first.id)).sla == NEUTRAL
    await office.apply(
        HUB.replace("response: 4h", "response: 10m").replace("warn_before: 1h", "warn_before: 1m")
    )
    await upkeep(office)
    stored = await office.ticket(first.id)
    assert stored.sla is not None
    assert (stored.sla["expiry"], stored.sla["within_sla"]) == (2, False)
    assert (await office.ticket(closed.id)).sla == NEUTRAL


async def test_looks_at_many_again_piece_by_piece(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    filed = [await office.file() for _ in range(7)]
    await upkeep(office)
    monkeypatch.setattr(tickets.promises, "RENEWED", 3)
    await office.apply(HUB.replace("warn_before: 1h", "warn_before: 14399s"))
    await asyncio.sleep(1.1)
    await upkeep(office)
    assert [(await office.row(one.id))["revision"] for one in filed] == [2] * 7
    promised = json.loads(await office.value("select promised from feedback_types where key = 'bugs'"))
    assert promised == {
        "promise": {"response": 14400, "handling": 172800, "warn_before": 14399},
        "up_to": None,
    }
    await office.apply(HUB.replace("sla: {response: 4h, handling: 2d, warn_before: 1h}\n", "\n"))
    await upkeep(office)
    for ticket in filed:
        assert (await office.ticket(ticket.id)).sla == NEUTRAL
        assert (await office.row(ticket.id))["sla_next"] is None


async def test_shares_the_work_between_processes(office: Office) -> None:
    filed = [await office.file() for _ in range(20)]
    await asyncio.gather(*(upkeep(office) for _ in range(4)))
    for ticket in filed:
        assert (await office.ticket(ticket.id)).sla == NEUTRAL
        assert (await office.row(ticket.id))["revision"] == 1


async def test_works_beside_those_who_work_on_tickets(office: Office) -> None:
    filed = [await office.file() for _ in range(5)]

    async def work() -> None:
        for n in range(10):
            await asyncio.gather(*(office.act(one.id, tickets.AddTag(f"tag {n}")) for one in filed))

    busy = asyncio.create_task(work())
    while not busy.done():
        await upkeep(office)
    await busy
    await upkeep(office)
    for ticket in filed:
        row = await office.row(ticket.id)
        assert (row["revision"], row["sla_revision"]) == (11, 11)


async def test_goes_on_after_a_failure(office: Office) -> None:
    ticket = await office.file()
    await office.rows("alter table feed_readers rename to away")
    keeping = asyncio.create_task(sla_upkeep.run(office.db, every_s=0.02))
    try:
        await asyncio.sleep(0.1)
        assert not keeping.done()
        await office.rows("alter table away rename to feed_readers")
        await _until_computed(office, ticket.id)
    finally:
        keeping.cancel()


async def _until_computed(office: Office, ticket_id: int) -> None:
    deadline = time.monotonic() + 10
    shown: Any = None
    while shown is None:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
        shown = (await office.ticket(ticket_id)).sla
