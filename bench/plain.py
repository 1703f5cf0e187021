"""The statement that files one ticket, alone: asyncpg in a loop, no HTTP (`python -m bench.plain`)."""

from __future__ import annotations

import statistics
import sys
import time

import asyncpg
import msgspec
import uvloop

from bench import feedback, processes
from tellback.core import intake, tickets
from tellback.storage.database import Transaction

Filing = intake.Submission[tickets.NewTicket, tickets.Filed]

WARM_UP = 50
_NEWEST = """
select t.*, p.key as project_key, f.key as type_key, f.prefix, f.digits, s.key as source_key
from tickets t
join projects p on p.workspace_id = t.workspace_id and p.id = t.project_id
join feedback_types f on f.workspace_id = t.workspace_id and f.id = t.type_id
join external_sources s on s.workspace_id = t.workspace_id and s.id = t.source_id
order by t.id desc limit 1
"""


def milliseconds(url: str, seconds: float) -> float:
    """The median time of one, from a process of its own. Raises `BenchFault`."""
    command = [sys.executable, "-m", "bench.plain", str(seconds)]
    return float(processes.call(command, given=url, within=seconds + 60))


async def _measure(url: str, seconds: float) -> float:
    connection = await asyncpg.connect(url)
    try:
        ticket = _as_new(await connection.fetchrow(_NEWEST))
        submission: Filing = intake.Submission(ticket, _entry(ticket))
        taken: list[float] = []
        until = time.perf_counter() + seconds
        while (started := time.perf_counter()) < until:
            await tickets.FILE.plain.apply(Transaction(connection), [submission])
            taken.append(time.perf_counter() - started)
    finally:
        await connection.close()
    return statistics.median(taken[WARM_UP:]) * 1000


def _as_new(row: asyncpg.Record) -> tickets.NewTicket:
    """The newest ticket once more."""
    fields = tickets.NewTicket.__dataclass_fields__
    known = {name: row[name] for name in fields if name in row}
    return tickets.NewTicket(**known | {"values": msgspec.json.decode(row["values"]), "actor": "source App"})


def _entry(ticket: tickets.NewTicket) -> intake.NewEntry:
    return intake.NewEntry(
        workspace_id=ticket.workspace_id,
        request_id="0" * 26,
        surface="centercode",
        method="POST",
        endpoint="/api/v1/projects/beta/feedback/app",
        credential="Bench",
        target="App",
        status=201,
        missing=("crashlog",),
        submitter="bo@example.com is a participant",
        body=feedback.BODY.decode(),
    )


if __name__ == "__main__":
    print(uvloop.run(_measure(sys.stdin.read(), float(sys.argv[1]))))
