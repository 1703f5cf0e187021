"""(i) `tellback import` of a CSV file beside PostgreSQL's own COPY of it, and beside dlt merging it.

The flat table that COPY fills holds the rows as they stand in the file; the hub makes accounts, contacts,
responses and their history of them. All three write to one PostgreSQL; every round has a fresh one.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg

from bench import crm, hub, processes, records, rounds, table
from bench.peers import environment

MANY, QUICK_MANY = 1_000_000, 20_000
AT_LEAST = 0.25
BYTES_PER_ROW = 9_000  # the file, four times its rows with indexes, dlt's staging, the write-ahead log
WITHIN_S = 1_500.0
IMPORT, COPY, DLT = "tellback import", "COPY, one flat table", "dlt, merge"
TABLES = "COPY, the hub's own rows"
PROGRAM = Path(__file__).parent / "peers" / "dlt_program" / "merge.py"
REMARKS = (
    "COPY: of the same file into one table of text, times and a number, without an index.",
    "dlt 1.31.0: write disposition merge by the row's reference, as Arrow tables, loaded by COPY into its staging"
    " table; without its start.",
    f"{TABLES}: of the responses, contacts and feed that the import made, into the same tables with their indexes;"
    " nothing is read, looked up or decided. No import that keeps them can be quicker.",
    f"the file: a response a row; {crm.RESPONSES_A_CONTACT} of each contact, {crm.CONTACTS_AN_ACCOUNT} contacts of"
    " each account; nothing of it is known before.",
)
_FLAT = """
create table flat (
  account_name text, first_name text, last_name text, email text, sent_at timestamptz, completed_at timestamptz,
  score smallint, comment text, touchpoint text, region text, reference text
)
"""


def measure(settings: rounds.Settings) -> table.Section:
    """Import last in each round, so that nobody is measured during what follows it."""
    many = QUICK_MANY if settings.quick else MANY
    section = table.Section(
        f"Import of {many:,} rows", ("what", "rows/s", "median s", "worst s", "rate, of COPY's")
    )
    if shutil.disk_usage(settings.temp).free < many * BYTES_PER_ROW:
        raise processes.BenchFault(f"less than {many * BYTES_PER_ROW / 1e9:.0f} GB free where the data goes")
    file = settings.temp / "responses.csv"
    crm.write(file, many)
    section.remarks += [*REMARKS, f"the file has {file.stat().st_size / 1e6:.0f} MB"]
    contestants = _contestants(section)
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(1, settings.rounds + 1):
        name = f"import-{number}"
        with records.filled(settings, name) as served:
            for what, seconds_of in contestants.items():
                taken[what].append(seconds_of(served.data, file, many))
                asyncio.run(_settled(hub.database_url(served.data)))
                print(
                    f"    round {number}, {what}: {table.number(many / taken[what][-1])} rows/s", flush=True
                )
        shutil.rmtree(settings.temp / name)
    file.unlink()
    _tabulate(section, taken, many)
    return section


def _contestants(section: table.Section) -> dict[str, Callable[[Path, Path, int], float]]:
    """Who can be measured, in turn; the section says who cannot."""
    found: dict[str, Callable[[Path, Path, int], float]] = {COPY: _copied}
    try:
        environment.made("dlt")
        found[DLT] = _merged
    except processes.BenchFault as fault:
        section.failed = f"{DLT}: {fault}"
    try:
        processes.call([hub.COMMAND, "import", "--help"], within=30)
        found[IMPORT] = _imported
        found[TABLES] = _refilled
    except processes.BenchFault:
        section.remarks.append(f"{IMPORT}: not available in this version, so there is nothing to compare")
    return found


def _imported(data: Path, file: Path, many: int) -> float:
    """Seconds of the whole command. Raises `BenchFault` unless every row became a response."""
    command: list[str | Path] = [hub.COMMAND, "import", file, "--workspace", "bench", "--data", data]
    command += ["--configuration", crm.REFERENCE, "--output", "json"]
    started = time.perf_counter()
    said = processes.call(command, within=WITHIN_S)
    took = time.perf_counter() - started
    counts = json.loads(said)
    if (counts["rows"], counts["created"], counts["rejected"]) != (many, many, 0):
        raise processes.BenchFault(f"the import counts {counts}")
    asyncio.run(_counted(hub.database_url(data), "responses where channel = 'import'", many))
    return took


def _copied(data: Path, file: Path, many: int) -> float:
    """Seconds of COPY alone, committed."""
    url = hub.database_url(data)

    async def copy() -> float:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(_FLAT)
            started = time.perf_counter()
            await connection.copy_to_table("flat", source=file, format="csv", header=True, timeout=WITHIN_S)
            return time.perf_counter() - started
        finally:
            await connection.close()

    took = asyncio.run(copy())
    asyncio.run(_counted(url, "flat", many))
    return took


def _refilled(data: Path, _file: Path, many: int) -> float:
    """Seconds of COPY alone, of what the import before has made, into the tables it made it in."""
    url = hub.database_url(data)
    tables = ("contacts", "responses", "changes")

    async def copy() -> float:
        connection = await asyncpg.connect(url)
        try:
            for one in tables:
                await connection.copy_from_table(one, output=data.parent / f"{one}.copy", timeout=WITHIN_S)
            await connection.execute(f"truncate {', '.join(tables)} cascade; checkpoint", timeout=WITHIN_S)
            started = time.perf_counter()
            for one in tables:
                await connection.copy_to_table(one, source=data.parent / f"{one}.copy", timeout=WITHIN_S)
            return time.perf_counter() - started
        finally:
            await connection.close()

    took = asyncio.run(copy())
    asyncio.run(_counted(url, "responses where channel = 'import'", many))
    for one in tables:
        (data.parent / f"{one}.copy").unlink()
    return took


def _merged(data: Path, file: Path, many: int) -> float:
    """Seconds of dlt's run, without its start. Raises `BenchFault`."""
    url = urlsplit(hub.database_url(data))
    place = {name: values[0] for name, values in parse_qs(url.query).items()}
    socket = (
        f"postgresql://{url.username}:{url.password}@localhost:{place['port']}{url.path}?host={place['host']}"
    )
    env = {
        "DESTINATION__POSTGRES__CREDENTIALS": socket,
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DLT_DATA_DIR": str(data.parent / "dlt"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command: list[str | Path] = [environment.made("dlt") / "python", PROGRAM, file, "merged"]
    said = processes.call(command, within=WITHIN_S, env=env, cwd=data.parent)
    shutil.rmtree(data.parent / "dlt", ignore_errors=True)
    asyncio.run(_counted(hub.database_url(data), "merged.responses", many))
    return float(said.split()[-1])


async def _counted(url: str, what: str, many: int) -> None:
    """Raises `BenchFault` unless there are so many rows."""
    connection = await asyncpg.connect(url)
    try:
        found = await connection.fetchval(f"select count(*) from {what}")
    finally:
        await connection.close()
    if found != many:
        raise processes.BenchFault(f"there are {found:,} rows of {what}, not {many:,}")


async def _settled(url: str) -> None:
    """What the database would do by itself while the next one is measured."""
    connection = await asyncpg.connect(url, command_timeout=WITHIN_S)
    try:
        await connection.execute("vacuum analyze")
        await connection.execute("checkpoint")
    finally:
        await connection.close()


def _tabulate(section: table.Section, taken: dict[str, list[float]], many: int) -> None:
    def share(name: str) -> float:
        return statistics.median(copied / mine for copied, mine in zip(taken[COPY], taken[name], strict=True))

    for name, times in taken.items():
        median = statistics.median(times)
        section.rows.append(
            (
                name,
                table.number(many / median),
                f"{median:.1f}",
                f"{max(times):.1f}",
                table.number(share(name)),
            )
        )
    if IMPORT in taken:
        section.targets.append(
            table.Target(f"{IMPORT}, {many:,} rows, of COPY's rate", share(IMPORT), AT_LEAST)
        )
    if IMPORT in taken and DLT in taken:
        times_dlt = statistics.median(
            merged / mine for merged, mine in zip(taken[DLT], taken[IMPORT], strict=True)
        )
        section.remarks.append(f"{IMPORT} is {table.number(times_dlt)} times as fast as dlt")
