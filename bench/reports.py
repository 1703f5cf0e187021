"""(j) Errand reports beside the same handlers reading and storing nothing; with many tickets; the change feed.

The tickets are put in by SQL, as in part e: copies of one that came in by the front door, with timeline and feed.
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from bench import growth, hub, load, processes, rounds, served, table
from tellback.settings import Settings

FEW, MANY, QUICK_MANY = 10_000, 5_000_000, 200_000
DIRTY = 1_000
CHOSEN = 10_000
CLIENTS = (1, 16, 64)
GROWN_CLIENTS = (1, 64)
SHARE_AT, SHARE = 64, 0.25
GROWN_SHARE = 0.85
FEED, QUICK_FEED = 1_000_000, 100_000
PAGE = 1_000
BYTES_PER_TICKET = 2_500  # tables, indexes and the write-ahead log that is kept
NOTHING, CLEAN, CHANGED = "reads and stores nothing", "unchanged", "changed since"
C = "/s/bench/capi/json"


@dataclass(frozen=True)
class Filled:
    """A hub with tickets, and a token that may read its reports and its feed."""

    hub: hub.Hub
    token: str
    last: int

    def request(self, path: str, port: int | None = None) -> bytes:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/vnd.api+json"}
        return load.request("GET", path, port=port or self.hub.port, headers=headers)

    def reports(self, port: int | None = None) -> list[bytes]:
        """Requests for reports of tickets all over the table, the same in every run."""
        chosen = random.Random(1).sample(range(1, self.last + 1), min(CHOSEN, self.last))  # noqa: S311
        return [self.request(f"{C}/c3_errand_reports/{number}", port) for number in chosen]

    def execute(self, statement: str, *arguments: Any) -> None:
        asyncio.run(_execute(hub.database_url(self.hub.data), statement, *arguments))


def measure(settings: rounds.Settings) -> table.Section:
    """One worker each."""
    many = QUICK_MANY if settings.quick else MANY
    section = table.Section(
        f"Errand reports; the same and dirty lists with {FEW:,} and {many:,} tickets; the change feed",
        ("what", "clients", "contestant", *rounds.COLUMNS, "share"),
    )
    if shutil.disk_usage(settings.temp).free < many * BYTES_PER_TICKET:
        raise processes.BenchFault(
            f"less than {many * BYTES_PER_TICKET / 1e9:.0f} GB free where the data goes"
        )
    with ExitStack() as stack:
        few = stack.enter_context(_filled(settings, "reports-few", FEW, section))
        _beside_nothing(settings, few, section)
        full = stack.enter_context(_filled(settings, "reports-many", many, section))
        _grown(settings, few, full, section)
        _feed(settings, full, section)
    return section


def _beside_nothing(settings: rounds.Settings, ours: Filled, section: table.Section) -> None:
    """Of tickets that did not change since, and, at most clients, of such that did: those are stored as reported."""
    with _nothing(settings, ours) as port:
        for clients in CLIENTS:
            contestants = [
                rounds.Contestant(CLEAN, ours.hub.port, ours.reports(), expect=200),
                rounds.Contestant(NOTHING, port, ours.reports(port), expect=200),
            ]
            _tabulate(section, "report", clients, rounds.interleaved(settings, contestants, clients), NOTHING)
        found = _each_changed(settings, ours, port)
        _tabulate(section, "report", SHARE_AT, found, NOTHING)


def _each_changed(settings: rounds.Settings, ours: Filled, port: int) -> dict[str, rounds.Median]:
    """Every report as long as most are read for the first time since all tickets changed."""
    found: dict[str, list[load.Outcome]] = {CHANGED: [], NOTHING: []}
    for _ in range(settings.rounds):
        ours.execute("update tickets set revision = revision + 1")
        ours.execute("vacuum tickets")
        for name, listening in ((CHANGED, ours.hub.port), (NOTHING, port)):
            told = load.Load(
                listening,
                ours.reports(listening),
                SHARE_AT,
                seconds=min(2.0, settings.seconds),
                warm_up=0.3,
                expect=200,
            )
            found[name].append(load.run(told))
            print(f"    {SHARE_AT} clients, {name}: {table.number(found[name][-1].rate)}/s", flush=True)
    return {name: rounds.of(outcomes) for name, outcomes in found.items()}


def _grown(settings: rounds.Settings, few: Filled, full: Filled, section: table.Section) -> None:
    """As many dirty tickets in both. No vacuum after they changed, as dirty tickets have just been changed."""
    for filled in (few, full):
        filled.execute("update tickets set reported = revision where revision > reported")
        filled.execute("vacuum tickets")
        filled.execute(
            "update tickets set revision = revision + 1 where id = any($1::bigint[])",
            random.Random(2).sample(range(1, filled.last + 1), DIRTY),  # noqa: S311
        )
        filled.execute("analyze tickets")
        listed = json.loads(_read(filled, f"{C}/c3_dirty_errand_list"))["data"]["attributes"]["errands"]
        if len(listed) != DIRTY:
            raise processes.BenchFault(f"{len(listed):,} errands are dirty, not {DIRTY:,}")
    names = {f"{filled.last:,}": filled for filled in (few, full)}
    first = next(iter(names))
    for what in ("dirty list", "report"):
        for clients in GROWN_CLIENTS:
            contestants = [
                rounds.Contestant(
                    name,
                    filled.hub.port,
                    [filled.request(f"{C}/c3_dirty_errand_list")]
                    if what == "dirty list"
                    else filled.reports(),
                    expect=200,
                )
                for name, filled in names.items()
            ]
            found = rounds.interleaved(settings, contestants, clients)
            _tabulate(section, what, clients, found, first)


def _tabulate(
    section: table.Section, what: str, clients: int, found: dict[str, rounds.Median], beside: str
) -> None:
    for name, median in found.items():
        share = rounds.ratio(median, found[beside])
        section.rows.append((what, str(clients), name, *median.cells(), table.number(share)))
        if name == beside:
            continue
        under = table.counted(clients, "client")
        if beside != NOTHING:
            said = f"{what}, {under}, {name} tickets, of {beside}"
            section.targets.append(table.Target(said, share, GROWN_SHARE))
        elif clients == SHARE_AT:
            said = f"reports ({name}), {under}, of the same handlers reading and storing nothing"
            section.targets.append(table.Target(said, share, SHARE))


def _feed(settings: rounds.Settings, full: Filled, section: table.Section) -> None:
    """One reader from the beginning to a million changes on, and the same rows by SELECT."""
    wanted = min(QUICK_FEED if settings.quick else FEED, full.last)
    shares = []
    for _ in range(settings.rounds):
        ours, pages = _through_the_api(full, wanted)
        plain, rows = asyncio.run(_through_select(hub.database_url(full.hub.data), wanted))
        if rows != wanted or pages != -(-wanted // PAGE):
            raise processes.BenchFault(f"the feed gave {pages} pages, the table {rows:,} rows")
        shares.append(plain / ours)
        section.remarks.append(
            f"{wanted:,} changes: {wanted / ours:,.0f}/s through /hub/v1/changes, pages of {PAGE:,};"
            f" {wanted / plain:,.0f}/s by one SELECT of the same rows, fetched by asyncpg"
        )
        print(f"    {section.remarks[-1]}", flush=True)
    section.remarks.append(
        f"the feed's share of the SELECT: {table.number(sorted(shares)[len(shares) // 2])}"
    )


def _through_the_api(full: Filled, wanted: int) -> tuple[float, int]:
    """Seconds and pages; what is read is checked to be in order by its cursor alone, which costs the reader little."""
    started = time.perf_counter()
    after, pages = "", 0
    for _ in range(-(-wanted // PAGE)):
        answer = _read(full, f"/hub/v1/changes?limit={PAGE}" + (f"&after={after}" if after else ""))
        before, after = after, answer.rpartition(b'"next":"')[2].partition(b'"')[0].decode()
        if after == before:
            break
        pages += 1
    return time.perf_counter() - started, pages


async def _through_select(url: str, wanted: int) -> tuple[float, int]:
    connection = await asyncpg.connect(url, command_timeout=600)
    try:
        started = time.perf_counter()
        rows = await connection.fetch(
            "select seq, kind, subject_type, subject_id, at, actor, data from changes"
            " where workspace_id = (select id from workspaces where slug = 'bench') order by seq limit $1",
            wanted,
        )
        return time.perf_counter() - started, len(rows)
    finally:
        await connection.close()


@contextmanager
def _filled(settings: rounds.Settings, name: str, count: int, section: table.Section) -> Iterator[Filled]:
    """A hub with so many tickets, all of them reported."""
    with hub.filled(settings, name, workers=1) as served_hub:
        token = processes.call(
            [
                hub.COMMAND, "token", "create", "--workspace", "bench", "--key", "bi", "--claim", "errand_data",
                "--claim", "hub_read", "--data", served_hub.data,
            ],
            within=hub.READY_S,
        ).strip()  # fmt: skip
        url = hub.database_url(served_hub.data)
        asyncio.run(_execute(url, "update tickets set reported = revision"))
        started = time.monotonic()
        last = asyncio.run(growth.fill(url, count, ("tickets", "timeline", "changes")))
        section.remarks.append(f"filling {count:,} tickets took {time.monotonic() - started:.0f} s")
        print(f"    {section.remarks[-1]}", flush=True)
        filled = Filled(served_hub, token, last)
        report = json.loads(_read(filled, f"{C}/c3_errand_reports/{last}"))["data"]
        if (report["id"], report["attributes"]["changed"]) != (str(last), False):
            raise processes.BenchFault(f"errand {last} reads as {report['id']}")
        yield filled


@contextmanager
def _nothing(settings: rounds.Settings, ours: Filled) -> Iterator[int]:
    """The same application on the same database, which it asks for the token and one report."""
    told = Settings(
        data=settings.temp / "reports-nothing",
        port=processes.free_port(),
        database_url=hub.database_url(ours.hub.data),
    )
    with served.serving("bench.unread:stores_nothing", told, settings.temp / "reports-nothing.log") as port:
        yield port


def _read(filled: Filled, path: str) -> bytes:
    """Raises `OSError`, also for a status that is not 2xx."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{filled.hub.port}{path}", headers={"Authorization": f"Bearer {filled.token}"}
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310
        read: bytes = answer.read()
    return read


async def _execute(url: str, statement: str, *arguments: Sequence[int]) -> None:
    connection = await asyncpg.connect(url, command_timeout=1800)
    try:
        await connection.execute(statement, *arguments)
    finally:
        await connection.close()
