"""Lists of tickets: every filter, page by page, and found by words from the moment they are stored."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from tests.support import postgres as databases
from tests.support import ticketing
from tests.support.ticketing import Office

from tellback.core import errors, tickets
from tellback.core.tickets import Filter, listing, search

pytestmark = pytest.mark.anyio


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    async with ticketing.office(database_url) as opened:
        yield opened


async def listed(office: Office, wanted: Filter, page: int = 100) -> list[int]:
    """All of a list, page by page."""
    found: list[int] = []
    while True:
        async with office.db.reading() as reader:
            after = found[-1] if found else None
            more = await tickets.listed(reader, office.workspace_id, wanted, after, page)
        found += [ticket.id for ticket in more]
        if len(more) < page:
            return found


async def found_by(office: Office, q: str) -> list[int]:
    return await listed(office, Filter(q=q))


async def indexed(office: Office) -> None:
    while await search.keep_up(office.db):
        pass


async def furnish(office: Office) -> list[dict[str, Any]]:
    """Forty tickets that differ in everything there is a filter for."""
    for n in range(40):
        of = "ideas" if n % 4 == 3 else "bugs"
        ticket = await office.file(f"{('apple', 'pear', 'plum')[n % 3]} {('red', 'green')[n % 2]}", type=of)
        done: list[tickets.Action] = []
        if of == "bugs" and n % 5 == 0:
            done.append(tickets.SetStatus("Closed"))
        if n % 6 == 0:
            done.append(tickets.AddTag("hot"))
        if n % 7 == 0:
            done.append(tickets.Assign("aron@demo.example"))
        if n % 11 == 5:
            done.append(tickets.Delete())
        if done:
            await office.act(ticket.id, *done)
    return await office.rows(
        """
        select t.*, ft.key as type, p.key as project, m.email as assignee from tickets t
        join feedback_types ft on ft.id = t.type_id join projects p on p.id = t.project_id
        left join members m on m.id = t.assignee_id order by t.id
        """
    )


def matches(row: dict[str, Any], wanted: Filter) -> bool:
    """As the contract has it, in words of its own."""
    return row["deleted_at"] is None and all((
        wanted.project in (None, row["project"]),
        wanted.type in (None, row["type"]),
        wanted.status in (None, row["status"]),
        wanted.submitter is None or wanted.submitter == "Bo@example.com",
        wanted.tag is None or wanted.tag in row["tags"],
        wanted.assignee in (None, row["assignee"]),
        wanted.changed_since is None or row["changed_at"] >= wanted.changed_since,
        wanted.q is None or set(wanted.q.split()) <= set(row["subject"].split()),
    ))  # fmt: skip


@pytest.mark.parametrize("when", ["before it is indexed", "in the middle", "after it is indexed"])
async def test_lists_what_every_filter_leaves(
    office: Office, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "SLICES", (4, 9))  # so that pages and slices end everywhere
    rows = await furnish(office)
    if when != "before it is indexed":
        await indexed(office)
    if when == "in the middle":
        for row in rows[::3]:
            if row["deleted_at"] is None:
                await office.act(row["id"], tickets.AddNote("seen"))
        rows = [
            row
            | {"changed_at": await office.value("select changed_at from tickets where id = $1", row["id"])}
            for row in rows
        ]
    moment = sorted(row["changed_at"] for row in rows)[25]
    choices: dict[str, list[Any]] = {
        "project": ["beta", "nope"], "type": ["bugs", "ideas"], "status": ["New", "Closed"],
        "submitter": ["Bo@example.com", "stranger@example.com"], "tag": ["hot"],
        "assignee": ["aron@demo.example", "alice@demo.example"], "changed_since": [moment], "q": ["apple", "red plum"],
    }  # fmt: skip
    questions = [Filter()]
    for names in itertools.chain(itertools.combinations(choices, 1), itertools.combinations(choices, 2)):
        questions += [
            Filter(**dict(zip(names, values, strict=True)))
            for values in itertools.product(*(choices[name] for name in names))
        ]
    for number, wanted in enumerate(questions):
        expected = [row["id"] for row in rows if matches(row, wanted)]
        assert await listed(office, wanted, page=(1, 3, 100)[number % 3]) == expected, wanted


async def test_finds_a_ticket_by_all_that_it_says(office: Office) -> None:
    ticket = await office.file("Crème brûlée", submitter_given="stranger@example.org")
    other = await office.file("nothing of it")
    await office.act(ticket.id, tickets.AddNote("burnt by hand"), tickets.SetField("severity", "High"))
    await office.act(ticket.id, tickets.Answer("Your pudding", "A new one is on its way", close=False))
    for state in ("ahead of the index", "indexed"):
        for q in (
            "creme",
            ticket.display_id,
            "burnt",
            "high",
            '"new one"',
            "pudding",
            "stranger@example.org",
        ):
            assert await found_by(office, q) == [ticket.id], (state, q)
        assert await found_by(office, "nothing") == [other.id]
        assert await found_by(office, "zebra") == []
        await indexed(office)


async def test_forgets_at_once_what_is_no_longer_said(office: Office) -> None:
    ticket = await office.file("apple")
    await indexed(office)
    await office.act(ticket.id, tickets.SetField("title", "pear"))
    assert await found_by(office, "apple") == []
    assert await found_by(office, "pear") == [ticket.id]
    await indexed(office)
    await office.act(ticket.id, tickets.Delete())
    assert await found_by(office, "pear") == []
    await indexed(office)
    assert await office.value("select count(*) from ticket_search") == 0


async def test_finds_every_ticket_from_its_commit_on(office: Office) -> None:
    """While others file, and the index is kept up beside."""
    done = asyncio.Event()

    async def keep_up() -> None:
        while not done.is_set():
            await search.keep_up(office.db)

    async def work(name: str) -> None:
        for n in range(15):
            ticket = await office.file(f"{name}x{n}")
            assert await found_by(office, f"{name}x{n}") == [ticket.id]
            await office.act(ticket.id, tickets.AddNote(f"note {name}y{n}"))
            assert await found_by(office, f"{name}y{n}") == [ticket.id]

    keeping = [asyncio.create_task(keep_up()) for _ in range(2)]
    await asyncio.gather(*(work(name) for name in ("ann", "bo", "cy")))
    done.set()
    await asyncio.gather(*keeping)
    await indexed(office)
    assert await office.value("select count(*) from ticket_search") == 45


async def test_asks_to_come_back_while_the_index_is_far_behind(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST_UNREAD", 3)
    for _ in range(4):
        ticket = await office.file("apple")
    with pytest.raises(errors.Unavailable):
        await found_by(office, "apple")
    await indexed(office)
    assert ticket.id in await found_by(office, "apple")


#: What a page may touch beyond what it touches in a small table, in blocks of 8 KiB.
ALLOWED = 400


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(), Filter(project="beta"), Filter(type="ideas"), Filter(type="bugs"), Filter(status="New"),
        Filter(status="Closed"), Filter(status="Open"), Filter(status="nope"), Filter(submitter="bo@example.com"),
        Filter(submitter="late@example.com"), Filter(submitter="nobody@example.com"),
        Filter(assignee="aron@demo.example"), Filter(assignee="alice@demo.example"), Filter(tag="rare"),
        Filter(tag="often"), Filter(tag="nope"), Filter(q="often"), Filter(q="rarely"), Filter(q="w77"),
        Filter(q="nope"), Filter(q="often -often2"), Filter(status="New", tag="rare"),
    ],
    ids=str,
)  # fmt: skip
async def test_reads_as_much_of_a_large_table_as_of_a_small_one(
    tables: tuple[Office, Office], wanted: Filter
) -> None:
    small, large = [await touched(office, wanted) for office in tables]
    assert large <= small + ALLOWED, (small, large)


async def test_reads_the_latest_changes_alone(tables: tuple[Office, Office]) -> None:
    newest = await tables[1].value("select max(changed_at) from tickets")
    wanted = Filter(changed_since=newest - timedelta(seconds=50))
    small, large = [await touched(office, wanted) for office in tables]
    assert large <= small + ALLOWED, (small, large)


@pytest.fixture(scope="module")
async def tables(postgres: databases.Cluster) -> AsyncIterator[tuple[Office, Office]]:
    """Two hubs, one with 40 times the tickets of the other."""
    urls = [databases.fresh_database(postgres) for _ in range(2)]
    async with ticketing.office(urls[0]) as small, ticketing.office(urls[1]) as large:
        await fill(small, 3_000)
        await fill(large, 120_000)
        yield small, large
    for url in urls:
        databases.drop(postgres, url)


async def fill(office: Office, count: int) -> None:
    """Old ones are closed, and bugs of one person; a few at the end differ."""
    await office.rows(
        "insert into contacts (workspace_id, email, email_key) values ($1, 'late@example.com', 'late@example.com')",
        office.workspace_id,
    )
    await office.rows(
        f"""
        insert into tickets (workspace_id, id, project_id, type_id, number, channel, status, status_kind, subject,
                             submitter_id, assignee_id, tags, changed_at)
        select {office.workspace_id}, n, ft.project_id, ft.id, n, 'external_source',
               case when late then 'Open' when n < {count} * 0.7 then 'Closed' else 'New' end, 'open', 'x',
               case when late then c.last else c.first end, case when late then m.last when n % 3 = 0 then m.first end,
               case when n % 1000 = 0 then array['rare'] when n % 5 = 0 then array['often'] else '{{}}' end,
               '2026-01-01'::timestamptz + n * interval '1 second'
        from generate_series(1, {count}) n
        cross join lateral (select n > {count} - 40 as late) l
        join feedback_types ft on ft.key = case when late then 'ideas' else 'bugs' end
        cross join (select min(id) as first, max(id) as last from contacts) c
        cross join (select max(id) filter (where email like 'aron%') as first,
                           max(id) filter (where email like 'alice%') as last from members) m
        """
    )
    await office.rows(
        """
        insert into ticket_search select workspace_id, id, (format('''@%s'' ''w%s'' ', workspace_id, id % 1000)
          || case when id % 1000 = 7 then 'rarely' else 'often' end)::tsvector from tickets
        """
    )
    for table in ("tickets", "ticket_search"):
        await office.rows(f"vacuum analyze {table}")


async def touched(office: Office, wanted: Filter) -> int:
    """How many blocks the first page of a list reads, over all its statements."""
    async with office.db.reading() as reader:
        counting = Counting(reader)
        await listing._ids(counting, office.workspace_id, wanted, 0, 101)  # type: ignore[arg-type]
    return counting.blocks


class Counting:
    """A reader that counts the blocks its statements touch."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self.blocks = 0
        self.transaction, self.execute = reader.transaction, reader.execute

    async def fetch(self, sql: str, *arguments: Any) -> Any:
        lines = await self._reader.fetch(f"explain (analyze, buffers) {sql}", *arguments)
        for (line,) in lines:
            if "Buffers: shared" in line:  # the first is the whole statement's
                self.blocks += sum(
                    int(part.partition("=")[2]) for part in line.split() if part[:4] in ("hit=", "read")
                )
                break
        return await self._reader.fetch(sql, *arguments)

    async def fetchval(self, sql: str, *arguments: Any) -> Any:
        rows = await self.fetch(sql, *arguments)
        return rows[0][0] if rows else None
