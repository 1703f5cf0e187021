"""(f) A month's figures over the hub's API, with three years of responses stored and with that month alone.

The responses are made by SQL as a survey at work records them: in the order of time, each sent up to three days
before it is completed. The hub itself adds them up by the hour, and is waited for.
"""

from __future__ import annotations

import asyncio
import calendar
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from urllib.parse import urlencode

import asyncpg

from bench import hub, load, processes, rounds, table

FIRST, LAST, MONTHS = date(2023, 1, 1), date(2025, 12, 31), 36
MONTH = (date(2024, 5, 1), date(2024, 5, 31))
MANY, QUICK_MANY = 10_000_000, 360_000
AT_MOST_MS = 50.0
NO_MORE_THAN = 1.5
BYTES_PER_RESPONSE = 1_500  # table, indexes and the write-ahead log that is kept
PIECE = 250_000
LANES = 2
ADDED_UP_S = 1_200.0
GROUPS = ("", "day", "week", "touchpoint", "survey", "account", "segment.region")

# $1 workspace, $2 to $3 which ids, $4 how many there are between the days $5 and $6.
_RESPONSES = """
insert into responses
  (workspace_id, id, channel, survey_id, kind, score, scores, comment, complete, account_id, touchpoint, segments,
   sent_at, completed_at)
select $1, g, 'record', case when g % 3 > 0 then 1 + g % 3 end, 'nps', score, jsonb_build_object('nps', score),
       'Response number ' || g, true, 1 + g % 5000,
       (array['Onboarding', 'Support', 'Renewal', 'Delivery'])[1 + hashint8(g) & 3],
       jsonb_build_object('account', jsonb_build_object('region', (array['north', 'south'])[1 + g % 2])),
       at - make_interval(hours => (g % 72)::int), at
from (
  select g, (hashint8(g * 7) & 1023) % 11 as score,
         $5::date::timestamptz + (g::float8 / $4) * ($6::date + 1 - $5::date) * interval '1 day' as at
  from generate_series($2::bigint, $3::bigint) g
) new
"""


def measure(settings: rounds.Settings) -> table.Section:
    """Both hubs side by side, one worker each, one client: nobody waits for somebody else's figures."""
    many = QUICK_MANY if settings.quick else MANY
    section = table.Section(
        f"A month's NPS of {table.counted(many // MONTHS, 'response')}, with {many:,} stored and with these alone",
        ("grouped by", "stored", *rounds.COLUMNS),
    )
    if shutil.disk_usage(settings.temp).free < many * BYTES_PER_RESPONSE:
        raise processes.BenchFault(
            f"less than {many * BYTES_PER_RESPONSE / 1e9:.0f} GB free where the data goes"
        )
    with ExitStack() as stack:
        alone = stack.enter_context(_hub(settings, "figures-month", many // MONTHS, MONTH, section))
        full = stack.enter_context(_hub(settings, "figures-all", many, (FIRST, LAST), section))
        for group in GROUPS:
            contestants = [
                rounds.Contestant(name, served.port, [_question(served, token, group)], expect=200)
                for name, (served, token) in (("the month", alone), (f"{many:,}", full))
            ]
            _tabulate(section, group, rounds.interleaved(settings, contestants, 1))
    return section


@contextmanager
def _hub(
    settings: rounds.Settings, name: str, count: int, days: tuple[date, date], section: table.Section
) -> Iterator[tuple[hub.Hub, str]]:
    """A hub with so many responses over these days, all added up; and a token that may read it."""
    data, log = settings.temp / name, settings.temp / f"{name}.log"
    with hub.serving(data, workers=1, log=log) as served:
        hub.provision(data)
        token = processes.call(
            [
                hub.COMMAND, "token", "create", "--workspace", "bench", "--key", "figures",
                "--claim", "hub_read", "--data", data,
            ],
            within=hub.READY_S,
        ).strip()  # fmt: skip
        started = time.monotonic()
        filled = asyncio.run(fill(hub.database_url(data), count, days))
        section.remarks.append(
            f"{count:,} responses: stored in {filled:.0f} s, added up by the hub in"
            f" {time.monotonic() - started - filled:.0f} s"
        )
        print(f"    {section.remarks[-1]}", flush=True)
        check(served, token, count, days)
        yield served, token


async def fill(url: str, count: int, days: tuple[date, date]) -> float:
    """Store responses, wait until the hub has added them up, settle the tables; gives the seconds of the first."""
    started = time.monotonic()
    async with asyncpg.create_pool(
        url, min_size=1, max_size=LANES, command_timeout=1800, server_settings={"timezone": "UTC"}
    ) as pool:
        workspace = await pool.fetchval("select id from workspaces where slug = 'bench'")
        await pool.execute(
            "insert into accounts (workspace_id, id, name) select $1, g, 'Account ' || g"
            " from generate_series(1, 5000) g",
            workspace,
        )
        free = asyncio.Semaphore(LANES)

        async def store(first: int) -> None:
            async with free:
                last = min(first + PIECE - 1, count)
                await pool.execute(_RESPONSES, workspace, first, last, count, *days)

        await asyncio.gather(*(store(first) for first in range(1, count + 1, PIECE)))
        await pool.execute("vacuum (analyze, freeze) responses")
        await pool.execute(
            "update workspace_counters set responses = $2 where workspace_id = $1", workspace, count
        )
        filled = time.monotonic() - started
        while await pool.fetchval("select coalesce(max(up_to), 0) from response_hours_done") < count:
            if time.monotonic() - started - filled > ADDED_UP_S:
                raise processes.BenchFault("the hub does not add responses up")
            await asyncio.sleep(0.5)
        await pool.execute("vacuum (analyze) response_hours")
        await pool.execute("checkpoint")
    return filled


def _question(served: hub.Hub, token: str, group: str) -> bytes:
    query = {"kind": "nps", "from": MONTH[0], "to": MONTH[1], "group_by": group}
    path = f"/hub/v1/metrics?{urlencode(query)}"
    return load.request("GET", path, port=served.port, headers={"Authorization": f"Bearer {token}"})


def check(served: hub.Hub, token: str, count: int, days: tuple[date, date]) -> None:
    """The answer holds as many responses as the month has. Raises `BenchFault`."""
    outcome = load.run(
        load.Load(served.port, [_question(served, token, "")], 1, seconds=0.5, warm_up=2.5, expect=200)
    )
    if not outcome.sample:
        raise processes.BenchFault(f"the hub does not answer: {outcome.faults}")
    found = json.loads(outcome.sample)["total"]["responses"]
    share = calendar.monthrange(MONTH[0].year, MONTH[0].month)[1] / ((days[1] - days[0]).days + 1)
    if abs(found - count * share) > 2:
        raise processes.BenchFault(f"the month has {found:,} responses, not {count * share:,.0f}")


def _tabulate(section: table.Section, group: str, found: dict[str, rounds.Median]) -> None:
    for name, median in found.items():
        section.rows.append((group or "nothing", name, *median.cells()))
    if group:
        return
    alone, full = found.values()
    section.targets.append(
        table.Target(
            "a month's NPS over all responses, p50", full.p50, AT_MOST_MS, at_least=False, unit=" ms"
        )
    )
    section.targets.append(
        table.Target(
            "a month's NPS over all responses, of the month alone", full.p50 / alone.p50, NO_MORE_THAN,
            at_least=False,
        )
    )  # fmt: skip
