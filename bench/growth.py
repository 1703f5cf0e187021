"""(e) Intake and read-back of an empty hub, of one with 10 thousand tickets and of one with 5 million.

The tickets are put in by SQL: copies of one that came in by the front door, with all its rows (timeline,
change feed, intake log), so that tables, indexes and counters are as if each had been posted.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from bench import hub, processes, rounds, table

FEW, MANY, QUICK_MANY = 10_000, 5_000_000, 200_000
AT_LEAST = 0.9
CLIENTS = (1, 64)
BYTES_PER_TICKET = 3_000  # tables, indexes and the write-ahead log that is kept
READ_FROM = 2_000
PIECE = 250_000
LANES = 2


@dataclass(frozen=True)
class Copied:
    """A table of which every ticket has one row."""

    #: the column that, after workspace_id, is its key
    key: str
    #: which row is the ticket's ($2 its id)
    whose: str
    #: the columns that differ from copy to copy (`g` counts them); None is left to the column's default
    differing: Mapping[str, str | None]


COPIED = {
    "tickets": Copied("id", "id = $2", {"id": "t.id + g", "number": "t.number + g"}),
    "timeline": Copied("ticket_id", "ticket_id = $2", {"ticket_id": "t.ticket_id + g", "id": None}),
    "changes": Copied(
        "seq",
        "subject_type = 'ticket' and subject_id = ($2::bigint)::text",
        {"seq": "t.seq + g", "subject_id": "(t.subject_id::bigint + g)::text"},
    ),
    "intake": Copied(
        "id",
        "created_id = ($2::bigint)::text",
        {"id": None, "created_id": "(t.created_id::bigint + g)::text"},
    ),
}
COUNTERS = (
    # What the hub's own readers of the feed would make of the copies (search, SLA) is not what is measured.
    "insert into feed_readers (workspace_id, name, seq)"
    " select x.workspace_id, r.name, max(x.seq) from changes x, unnest(array['automation', 'search', 'sla']) r (name)"
    " group by 1, 2 on conflict (workspace_id, name) do update set seq = excluded.seq",
    "update workspace_counters c set"
    " tickets = (select max(id) from tickets t where t.workspace_id = c.workspace_id),"
    " changes = (select max(seq) from changes x where x.workspace_id = c.workspace_id)",
    "update feedback_counters c set tickets = (select max(number) from tickets t"
    " where t.workspace_id = c.workspace_id and t.type_id = c.type_id)",
)


def measure(settings: rounds.Settings) -> table.Section:
    """All three hubs side by side, one worker each."""
    many = QUICK_MANY if settings.quick else MANY
    section = table.Section(
        f"Intake and read-back with {FEW:,} and with {many:,} tickets stored",
        ("what", "clients", "tickets", *rounds.COLUMNS, "of empty"),
    )
    if shutil.disk_usage(settings.temp).free < many * BYTES_PER_TICKET:
        raise processes.BenchFault(
            f"less than {many * BYTES_PER_TICKET / 1e9:.0f} GB free where the data goes"
        )
    with ExitStack() as stack:
        hubs = {
            name: stack.enter_context(_hub(settings, f"growth-{count}", count, section))
            for name, count in (("empty", 0), (f"{FEW:,}", FEW), (f"{many:,}", many))
        }
        for what in ("intake", "read-back"):
            for clients in CLIENTS:
                contestants = [_contestant(what, name, *found) for name, found in hubs.items()]
                _tabulate(section, what, clients, rounds.interleaved(settings, contestants, clients))
    return section


@contextmanager
def _hub(
    settings: rounds.Settings, name: str, tickets: int, section: table.Section
) -> Iterator[tuple[hub.Hub, int]]:
    """A hub with so many tickets more than the few of its check; and the number of the last."""
    with hub.filled(settings, name, workers=1) as served:
        last = served.ticket
        if tickets:
            started = time.monotonic()
            last = asyncio.run(fill(hub.database_url(served.data), tickets))
            os.sync()
            took = time.monotonic() - started
            section.remarks.append(
                f"filling {tickets:,} tickets took {took:.0f} s ({tickets / took:,.0f} a second)"
            )
            print(f"    {section.remarks[-1]}", flush=True)
            stored = hub.stored(served.port, last)
            if stored["id"] != last:
                raise processes.BenchFault(f"ticket {last} reads back as {stored['id']}")
        yield served, last


async def fill(url: str, count: int, tables: Collection[str] = tuple(COPIED)) -> int:
    """Copy the newest ticket `count` times into these tables, set the counters, settle them; gives the last id."""
    async with asyncpg.create_pool(url, min_size=1, max_size=LANES, command_timeout=1800) as pool:
        workspace, newest = await pool.fetchrow(
            "select workspace_id, id from tickets order by id desc limit 1"
        )
        statements = {name: await _copying(pool, name) for name in tables}
        keys = {
            name: await pool.fetchval(
                f"select max({copied.key}) from {name} where workspace_id = $1 and {copied.whose}",
                workspace,
                newest,
            )
            for name, copied in COPIED.items()
            if name in tables
        }
        free = asyncio.Semaphore(LANES)

        async def copy(name: str, first: int) -> None:
            async with free:
                last = min(first + PIECE - 1, count)
                await pool.execute(statements[name], workspace, keys[name], first, last)

        await asyncio.gather(*(copy(name, first) for first in range(1, count + 1, PIECE) for name in tables))
        for statement in COUNTERS:
            await pool.execute(statement)
        for name in tables:  # else it happens by itself while the measuring runs
            await pool.execute(f"vacuum (analyze, freeze) {name}")
        await pool.execute("checkpoint")
        return int(await pool.fetchval("select max(id) from tickets"))


async def _copying(pool: Any, name: str) -> str:
    """The statement that copies one row (workspace $1, key $2) for g from $3 to $4."""
    copied = COPIED[name]
    rows = await pool.fetch(
        "select column_name from information_schema.columns where table_schema = 'public' and table_name = $1"
        " order by ordinal_position",
        name,
    )
    columns = {f'"{row[0]}"': copied.differing.get(row[0], f't."{row[0]}"') for row in rows}
    kept = {column: expression for column, expression in columns.items() if expression is not None}
    return (
        f"insert into {name} ({', '.join(kept)}) select {', '.join(kept.values())}"
        f" from {name} t cross join generate_series($3::bigint, $4::bigint) as g"
        f" where t.workspace_id = $1 and t.{copied.key} = $2"
    )


def _contestant(what: str, name: str, served: hub.Hub, last: int) -> rounds.Contestant:
    if what == "intake":
        return rounds.Contestant(name, served.port, [hub.create(served.port)])
    chosen = random.Random(1)  # noqa: S311 - the same tickets in every run
    numbers = sorted({chosen.randint(1, last) for _ in range(READ_FROM)})
    return rounds.Contestant(
        name, served.port, [hub.read(served.port, number) for number in numbers], expect=200
    )


def _tabulate(section: table.Section, what: str, clients: int, found: dict[str, rounds.Median]) -> None:
    empty = found["empty"]
    for name, median in found.items():
        share = rounds.ratio(median, empty)
        section.rows.append((what, str(clients), name, *median.cells(), table.number(share)))
    full = list(found)[-1]
    share = rounds.ratio(found[full], empty)
    section.targets.append(
        table.Target(f"{what}, {table.counted(clients, 'client')}, {full} tickets, of empty", share, AT_LEAST)
    )
