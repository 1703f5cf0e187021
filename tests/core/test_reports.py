"""Reports and dirty marks against changes that happen at the same time, in both orders."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from tests.support.ticketing import Office, office

from tellback.core import changes, intake, tickets
from tellback.core.tickets import AddNote, report_queries, reports
from tellback.core.tickets.report_model import Marking, Report, Seen, UnknownTickets
from tellback.storage.database import Transaction

pytestmark = pytest.mark.anyio


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Office]:
    async with office(database_url) as opened:
        yield opened


async def read(desk: Office, ticket: int) -> Report:
    found = await reports.Reports(desk.db).find(desk.workspace_id, ticket)
    assert found is not None
    return found


async def dirty(desk: Office) -> str:
    async with desk.db.reading() as reader:
        return await reports.dirty(reader, desk.workspace_id)


async def clear(desk: Office, seen: Report) -> None:
    await desk.commits.write(reports.CLEAR, Seen(desk.workspace_id, seen.id, seen.revision))


async def mark(desk: Office, *ids: int) -> None:
    marking: intake.Submission[Marking, None] = intake.Submission(
        Marking(desk.workspace_id, ids), desk.entry()
    )
    await desk.commits.write(reports.MARK.plain, marking)


async def test_keeps_a_change_between_read_and_clear_dirty(desk: Office) -> None:
    ticket = (await desk.file()).id
    seen = await read(desk, ticket)
    await desk.act(ticket, AddNote("Meanwhile"))
    await clear(desk, seen)
    assert await dirty(desk) == f"[{ticket}]"
    seen = await read(desk, ticket)
    assert seen.actions[-1].note == "Meanwhile"
    await clear(desk, seen)
    assert await dirty(desk) == "[]"


async def test_keeps_a_mark_between_read_and_clear_dirty(desk: Office) -> None:
    ticket = (await desk.file()).id
    seen = await read(desk, ticket)
    await mark(desk, ticket)
    await clear(desk, seen)
    assert await dirty(desk) == f"[{ticket}]"


async def test_lets_a_late_reader_take_no_word_back(desk: Office) -> None:
    ticket = (await desk.file()).id
    slow = await read(desk, ticket)
    await desk.act(ticket, AddNote("Meanwhile"))
    quick = await read(desk, ticket)
    await clear(desk, quick)
    await clear(desk, slow)
    assert await dirty(desk) == "[]"
    await clear(desk, quick)
    await clear(desk, quick)
    assert await dirty(desk) == "[]"


async def test_does_not_see_half_a_change(desk: Office) -> None:
    """A change that is stored but not committed shows in nothing: not in the revision, not in the actions."""
    ticket = (await desk.file()).id
    before = await read(desk, ticket)
    stored, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(tx: Transaction) -> None:
        acted = await tickets.act(tx, desk.workspace_id, ticket, [AddNote("Slow")], tickets.By("Alice"))
        stored.set()
        await go_on.wait()
        await changes.record(tx, desk.workspace_id, acted.news)

    writing = asyncio.create_task(desk.db.write(slowly))
    await stored.wait()
    during = await read(desk, ticket)
    assert (during.revision, len(during.actions)) == (before.revision, len(before.actions))
    # Clearing waits for the change that holds the row, and then leaves it dirty.
    clearing = asyncio.create_task(clear(desk, during))
    await asyncio.sleep(0.05)
    assert not clearing.done()
    go_on.set()
    await asyncio.gather(writing, clearing)
    assert await dirty(desk) == f"[{ticket}]"
    after = await read(desk, ticket)
    assert (after.revision, len(after.actions)) == (before.revision + 1, len(before.actions) + 1)


async def test_lets_a_change_wait_for_a_clear_that_holds_the_row(desk: Office) -> None:
    ticket = (await desk.file()).id
    seen = await read(desk, ticket)
    connection = await asyncpg.connect(desk.url)
    try:
        async with connection.transaction():
            await connection.execute("update tickets set reported = $2 where id = $1", ticket, seen.revision)
            acting = asyncio.create_task(desk.act(ticket, AddNote("Next")))
            await asyncio.sleep(0.05)
            assert not acting.done()
        await acting
    finally:
        await connection.close()
    assert await dirty(desk) == f"[{ticket}]"


async def test_loses_nothing_among_readers_and_writers_of_one_ticket(desk: Office) -> None:
    ticket = (await desk.file()).id
    best = 0
    done = False

    async def write(name: str) -> None:
        for number in range(15):
            await desk.act(ticket, AddNote(f"{name} {number}"))

    async def poll() -> None:
        nonlocal best
        shared = reports.Reports(desk.db)
        while not done or await dirty(desk) != "[]":
            seen = await shared.find(desk.workspace_id, ticket)
            assert seen is not None
            if seen.dirty:
                best = max(best, len(seen.actions))
                await asyncio.sleep(0.002)  # room for a change between read and clear
                await clear(desk, seen)

    pollers = [asyncio.create_task(poll()) for _ in range(4)]
    await asyncio.gather(*(write(f"Writer {n}") for n in range(3)))
    done = True
    await asyncio.gather(*pollers)
    assert best == 1 + 3 * 15


async def test_shares_a_query_among_reports_asked_for_at_once(desk: Office) -> None:
    ids = [(await desk.file(f"Number {n}")).id for n in range(20)]
    shared = reports.Reports(desk.db)
    found = await asyncio.gather(
        *(shared.find(desk.workspace_id, id) for id in [*ids, *ids, 10**9, 0, 2**63])
    )
    assert [one.id if one else None for one in found] == [*ids, *ids, None, None, None]
    assert await shared.find(desk.workspace_id + 1, ids[0]) is None


async def test_marks_all_of_a_list_or_none(desk: Office) -> None:
    ids = [(await desk.file()).id for _ in range(3)]
    for id in ids:
        await clear(desk, await read(desk, id))
    good, bad = mark(desk, ids[2], ids[0]), mark(desk, ids[1], 999, ids[1], 2**63, 2**70)
    outcomes = await asyncio.gather(good, bad, return_exceptions=True)
    assert outcomes[0] is None
    assert isinstance(outcomes[1], UnknownTickets)
    assert outcomes[1].places == (1, 3, 4)
    assert await dirty(desk) == f"[{ids[0]}, {ids[2]}]".replace(" ", "")


async def test_marks_from_many_sides_at_once(desk: Office) -> None:
    """In transactions of their own, in whatever order each names them: nobody waits for who waits for him."""
    ids = [(await desk.file()).id for _ in range(30)]
    turns = [tuple(ids if n % 2 else ids[::-1]) for n in range(20)]
    seen = [Seen(desk.workspace_id, id, 1) for id in ids]

    async def mark_in_its_own(turn: tuple[int, ...]) -> None:
        await desk.db.write(lambda tx: report_queries.mark(tx, [Marking(desk.workspace_id, turn)]))

    async def clear_in_its_own(turn: list[Seen]) -> None:
        await desk.db.write(lambda tx: report_queries.clear(tx, turn))

    await asyncio.gather(
        *(mark_in_its_own(turn) for turn in turns), *(clear_in_its_own(seen[::step]) for step in (1, -1) * 10)
    )
    row = await desk.row(ids[0])
    assert (row["revision"], row["reported"]) == (21, 1)
    assert (await dirty(desk)).count(",") == 29
