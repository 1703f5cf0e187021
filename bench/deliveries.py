"""(k) Deliveries beside a bare aiohttp loop, beside a dead destination, and with a long queue.

Deliveries are put into the queues by SQL, as the reader of events would; `tellback work` sends them to a sink
on loopback. The bare loop posts the same body to the same sink with as many calls at once, and keeps nothing.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from bench import bare, hub, processes, rounds, table

LANES = 32
MANY, QUICK_MANY = 20_000, 2_000
DEAD, QUICK_DEAD = 10_000, 1_000
QUEUED, QUICK_QUEUED = 1_000_000, 20_000
AT_LEAST = 0.4
P95_S = 2.0
MORE_MIB = 64
BARE, ORDERED, FREE = (
    "bare aiohttp loop",
    "tellback work, 32 destinations in order",
    "tellback work, 1 free of order",
)
WITHIN_S = 600.0

_DESTINATION = """
insert into destinations (workspace_id, kind, key, definition, secrets)
select id, 'webhook', $1, jsonb_build_object('key', $1::text, 'method', 'POST', 'url', $2::text, 'ordered', $3::bool),
       '{whsec_YmVuY2g=}'
from workspaces returning id
"""
_QUEUE = """
insert into deliveries (workspace_id, destination_id, message_id, event_seq, event_kind, event_at, subject_type,
                        subject_id, request, next_attempt_at)
select w.id, ($1::bigint[])[1 + n % cardinality($1::bigint[])], 'msg_' || md5(random()::text), n, 'ticket.created',
       now(), 'ticket', '1',
       jsonb_build_object('method', 'POST', 'url', $2::text, 'headers', '[["Content-Type", "application/json"]]'::jsonb,
                          'body', $3::text), now()
from workspaces w, generate_series(1, $4::int) n
"""


def measure(settings: rounds.Settings) -> table.Section:
    many = QUICK_MANY if settings.quick else MANY
    section = table.Section(
        f"Deliveries, {LANES} calls at once", ("what", "deliveries/s", "of the bare loop")
    )
    data, log = settings.temp / "deliveries", settings.temp / "deliveries.log"
    with hub.serving(data, workers=1, log=log, options=("--no-delivery",)) as served, _sink(settings) as sink:
        hub.provision(data)
        queues = Queues(hub.database_url(data), sink)
        _speed(section, settings, queues, many)
        _beside_the_dead(section, settings, queues)
        _long_queue(section, settings, queues)
        _caller(section, settings, queues, served.port)
    return section


class Queues:
    """The queues of the hub, and the sink's port."""

    def __init__(self, url: str, sink: int) -> None:
        self.url = url
        self.sink = sink

    def run(self, sql: str, *values: object) -> list[asyncpg.Record]:
        async def once() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.url, command_timeout=WITHIN_S)
            try:
                found: list[asyncpg.Record] = await connection.fetch(sql, *values)
                return found
            finally:
                await connection.close()

        return asyncio.run(once())

    def destination(self, key: str, path: str, *, ordered: bool = True) -> int:
        return int(self.run(_DESTINATION, key, self.address(path), ordered)[0]["id"])

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.sink}{path}"

    def fill(self, destinations: list[int], path: str, count: int) -> None:
        """Deliveries, shared out; nothing is sent before `go`."""
        self.run(_QUEUE, destinations, self.address(path), bare.BODY.decode(), count)

    def go(self, destinations: list[int]) -> None:
        self.run("update destinations set next_at = now() where id = any($1::bigint[])", destinations)

    def wait(self, destinations: list[int]) -> None:
        deadline = time.monotonic() + WITHIN_S
        sql = "select exists (select from deliveries where state = 'waiting' and destination_id = any($1::bigint[]))"
        while self.run(sql, destinations)[0][0]:
            if time.monotonic() > deadline:
                raise processes.BenchFault("the queues are not through")
            time.sleep(0.2)

    def seconds(self, destinations: list[int]) -> float:
        """From the first attempt's begin to the last one's end."""
        return float(
            self.run(
                """
                select extract(epoch from max(d.finished_at) - min(a.at)) from deliveries d
                join attempts a on a.workspace_id = d.workspace_id and a.delivery_id = d.id
                where d.destination_id = any($1::bigint[])
                """,
                destinations,
            )[0][0]
        )

    def clear(self) -> None:
        self.run("truncate attempts, deliveries")
        self.run(
            "update destinations set next_at = null, lease_owner = null, lease_until = null, not_before = null"
        )


@contextmanager
def _sink(settings: rounds.Settings) -> Iterator[int]:
    port = processes.free_port()
    command = [sys.executable, "-m", "bench.sink", str(port)]
    with processes.running(command, log=settings.temp / "sink.log", ready=lambda: processes.accepts(port)):
        yield port


@contextmanager
def _working(settings: rounds.Settings, queues: Queues) -> Iterator[int]:
    """`tellback work`; its process."""
    log = settings.temp / f"work-{time.monotonic_ns()}.log"
    log.touch()
    command: list[str | Path] = [hub.COMMAND, "work", "--database-url", queues.url]
    command += ["--allow-destination", "127.0.0.0/8"]
    with processes.running(command, log=log, ready=lambda: "ready" in log.read_text(), within=30) as process:
        yield process.pid


def _speed(section: table.Section, settings: rounds.Settings, queues: Queues, many: int) -> None:
    ordered = [queues.destination(f"o{number}", "/in") for number in range(LANES)]
    free = [queues.destination("free", "/in", ordered=False)]
    rates: dict[str, list[float]] = {BARE: [], ORDERED: [], FREE: []}
    for number in range(1, settings.rounds + 1):
        command = [sys.executable, "-m", "bench.bare", queues.address("/in"), str(LANES), str(many)]
        rates[BARE].append(many / float(processes.call(command, within=WITHIN_S)))
        for name, destinations in ((ORDERED, ordered), (FREE, free)):
            queues.fill(destinations, "/in", many)
            queues.run("vacuum analyze deliveries")
            with _working(settings, queues):
                queues.go(destinations)
                queues.wait(destinations)
            rates[name].append(many / queues.seconds(destinations))
            queues.clear()
        said = ", ".join(f"{name}: {table.number(found[-1])}/s" for name, found in rates.items())
        print(f"    round {number}, {said}", flush=True)
    for name, found in rates.items():
        share = statistics.median(mine / other for mine, other in zip(found, rates[BARE], strict=True))
        section.rows.append((name, table.number(statistics.median(found)), table.number(share)))
        if name != BARE:
            section.targets.append(table.Target(f"{name}, of the bare loop", share, AT_LEAST))


def _beside_the_dead(section: table.Section, settings: rounds.Settings, queues: Queues) -> None:
    """First attempts of ten others while one with a long queue hangs, in order and free of it."""
    dead = [queues.destination("dead", "/dead"), queues.destination("dead-free", "/dead", ordered=False)]
    alive = [queues.destination(f"alive{number}", "/in") for number in range(10)]
    queues.fill(dead, "/dead", QUICK_DEAD if settings.quick else DEAD)
    with _working(settings, queues):
        queues.go(dead)
        time.sleep(1)
        for _ in range(5 if settings.quick else 40):
            queues.fill(alive, "/in", len(alive))
            queues.go(alive)
            time.sleep(0.5)
        queues.wait(alive)
    waits = [
        float(row[0])
        for row in queues.run(
            """
            select extract(epoch from a.at - d.created_at) from deliveries d
            join attempts a on a.workspace_id = d.workspace_id and a.delivery_id = d.id and a.number = 1
            where d.destination_id = any($1::bigint[])
            """,
            alive,
        )
    ]
    queues.clear()
    p95 = statistics.quantiles(waits, n=20)[-1]
    section.rows.append(("first attempts beside two dead ones, p95 s", table.number(p95), ""))
    section.targets.append(
        table.Target("p95 of others' first attempts beside dead ones, s", p95, P95_S, at_least=False)
    )


def _long_queue(section: table.Section, settings: rounds.Settings, queues: Queues) -> None:
    """Memory and speed with a long queue, beside a short one."""
    count = QUICK_QUEUED if settings.quick else QUEUED
    one = [queues.destination("long", "/in", ordered=False)]
    peaks, speeds = [], []
    for queued in (1_000, count):
        queues.fill(one, "/in", queued)
        queues.run("vacuum analyze deliveries")
        with _working(settings, queues) as pid:
            queues.go(one)
            time.sleep(1)
            before = queues.run("select count(*) from attempts")[0][0]
            time.sleep(settings.seconds)
            speeds.append((queues.run("select count(*) from attempts")[0][0] - before) / settings.seconds)
            peaks.append(processes.memory([pid], "VmHWM") / 2**20)
        queues.clear()
    section.rows.append(
        (f"peak memory with 1,000 and with {count:,} queued, MiB", f"{peaks[0]:.0f}, {peaks[1]:.0f}", "")
    )
    section.rows.append((f"free of order, with {count:,} queued", table.number(speeds[1]), ""))
    more = peaks[1] - peaks[0]
    section.targets.append(
        table.Target(f"more memory with {count:,} queued, MiB", more, MORE_MIB, at_least=False)
    )


def _caller(section: table.Section, settings: rounds.Settings, queues: Queues, port: int) -> None:
    """The intake's times while a worker has nothing to do, and while it meets the dead."""
    dead = [queues.destination(f"dead{number}", "/dead") for number in range(50)]
    quiet = rounds.Contestant("nobody calls", port, [hub.create(port)])
    with _working(settings, queues):
        calm = rounds.interleaved(settings, [quiet], 1)[quiet.name]
        queues.fill(dead, "/dead", 5_000)
        queues.go(dead)
        busy = rounds.interleaved(settings, [quiet], 1)[quiet.name]
    for name, found in (("intake, queues empty", calm), ("intake, 50 destinations dead", busy)):
        section.rows.append((f"{name}: p50 and p95 ms", f"{found.p50:.2f}, {found.p95:.2f}", ""))
        section.remarks += [f"{name}: faults {found.faults}"] if found.faults else []
    section.targets.append(
        table.Target(
            "intake's p95 beside 50 dead destinations, of without",
            busy.p95 / calm.p95,
            1.2,
            at_least=False,
        )
    )
