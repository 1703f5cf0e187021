"""(g) Whole sessions of five questions over the API beside the same calls storing nothing, and among idle ones.

A session is six calls: the start and five replies. The API refuses plain HTTP but from this machine with --dev,
which is how it is measured; TLS would cost both sides alike.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from bench import hub, load, processes, rounds, served, table
from tellback.settings import Settings

CONFIGURATION = Path(__file__).with_name("surveys.yaml")
SURVEY = "/surveys/5?apikey=bench&apisecret=9b1c4e7d20f8a365"
RESPONDENTS = 1_000
COMMENTS = ("The waiting room was quiet and the staff knew my name.", "Longer opening hours.")
REPLIES: tuple[dict[str, Any], ...] = (
    {"answerId": 9},
    {"answerId": 21},
    {"feedback": COMMENTS[0]},
    {"answerId": 41},
    {"feedback": COMMENTS[1]},
)
ENDS = "Survey Complete"

CLIENTS = (1, 16, 64)
SHARE_AT, SHARE = 64, 0.5
IDLE, QUICK_IDLE = 1_000_000, 100_000
IDLE_CLIENTS = (1, 64)
IDLE_SHARE, IDLE_P50 = 0.9, 1.15
PIECE = 250_000
NOTHING, EMPTY = "stores nothing", "no idle sessions"

# $1 workspace, $2 version, $3 to $4 which; they stood still for up to 20 days, in the order they began.
_IDLE = """
insert into sessions (workspace_id, token, survey_id, version, channel, metadata, started_at, active_at)
select $1, left(md5('idle ' || g), 12), 5, $2, 'api', '{"kiosk": "7"}', at, at
from (
  select g, now() - interval '20 days' * (1 - g::float8 / $5) as at
  from generate_series($3::bigint, $4::bigint) g
) new
"""


def measure(settings: rounds.Settings) -> table.Section:
    """One worker each. The hub beside its own handlers first, then an empty hub beside one full of idle sessions."""
    section = table.Section(
        "Sessions of five questions (sessions/s; times of a reply)",
        ("beside", "clients", "contestant", "sessions/s", *rounds.COLUMNS[1:], "share"),
    )
    with ExitStack() as stack:
        ours = stack.enter_context(_hub(settings, "surveys-0"))
        bare = stack.enter_context(_nothing(settings, ours))
        contestants = [_contestant(hub.NAME, ours.port), _contestant(NOTHING, bare)]
        for clients in CLIENTS:
            found = rounds.interleaved(settings, contestants, clients)
            _tabulate(section, NOTHING, clients, found)
            if clients == SHARE_AT:
                what = f"sessions, {clients} clients, of the same handlers storing nothing"
                share = rounds.ratio(found[hub.NAME], found[NOTHING])
                section.targets.append(table.Target(what, share, SHARE))
    _among_idle(settings, section)
    return section


def _among_idle(settings: rounds.Settings, section: table.Section) -> None:
    many = QUICK_IDLE if settings.quick else IDLE
    full = f"{many:,} idle sessions"
    with ExitStack() as stack:
        empty_hub = stack.enter_context(_hub(settings, "surveys-empty"))
        full_hub = stack.enter_context(_hub(settings, "surveys-idle"))
        started = time.monotonic()
        size = asyncio.run(fill(hub.database_url(full_hub.data), many))
        section.remarks.append(
            f"filling {many:,} idle sessions took {time.monotonic() - started:.0f} s; one is one row,"
            f" {size / many:.0f} bytes with its indexes"
        )
        contestants = [_contestant(EMPTY, empty_hub.port), _contestant(full, full_hub.port)]
        for clients in IDLE_CLIENTS:
            found = rounds.interleaved(settings, contestants, clients)
            _tabulate(section, EMPTY, clients, found)
            what = f"sessions, {table.counted(clients, 'client')}, among {full}"
            share = rounds.ratio(found[full], found[EMPTY])
            slower = found[full].p50 / found[EMPTY].p50
            section.targets += [
                table.Target(f"{what}, of none", share, IDLE_SHARE),
                table.Target(f"{what}, p50 of a reply, of none", slower, IDLE_P50, at_least=False),
            ]


@contextmanager
def _hub(settings: rounds.Settings, name: str) -> Iterator[hub.Hub]:
    """A hub with the survey, seen to make a response of a session."""
    data, log = settings.temp / name, settings.temp / f"{name}.log"
    with hub.serving(data, workers=1, log=log, options=("--dev",)) as served:
        hub.provision(data, CONFIGURATION)
        _check(served)
        yield served


@contextmanager
def _nothing(settings: rounds.Settings, ours: hub.Hub) -> Iterator[int]:
    """The same handlers with sessions in memory, on the same database; gives the port."""
    told = Settings(
        data=ours.data, database_url=hub.database_url(ours.data), port=processes.free_port(), dev=True
    )
    with served.serving("bench.talks:stores_nothing", told, settings.temp / "surveys-nothing.log") as port:
        _walk(port)
        yield port


def conversation(port: int) -> load.Conversation:
    """A start for one of the respondents, and five replies."""
    session = f"{SURVEY}&sessionId={load.HERE.decode()}"
    replies = [_post(port, session, reply) for reply in REPLIES]
    openings = [_post(port, SURVEY, {"respondent": _respondent(number)}) for number in range(RESPONDENTS)]
    return load.Conversation(openings, replies, ENDS.encode())


def _respondent(number: int) -> dict[str, str]:
    """The same of few people each time, of fewer customers: most of them have answered before."""
    return {
        "email": f"person{number}@example.com",
        "firstName": f"Person {number}",
        "account": f"Customer {number % 100}",
    }


def _post(port: int, path: str, body: dict[str, Any]) -> bytes:
    headers = {"Content-Type": "application/json"}
    return load.request("POST", path, port=port, headers=headers, body=json.dumps(body).encode())


def _contestant(name: str, port: int) -> rounds.Contestant:
    return rounds.Contestant(name, port, (), expect=200, conversation=conversation(port))


def _walk(port: int) -> str:
    """Take the survey once; gives the session's token. Raises `BenchFault`."""
    token = str(_call(port, SURVEY, {"respondent": _respondent(1)})["sessionId"])
    said: dict[str, Any] = {}
    for reply in REPLIES:
        said = _call(port, f"{SURVEY}&sessionId={token}", reply)
    if said["data"]["message"] != ENDS:
        raise processes.BenchFault(f"five replies do not end the session: {said}")
    return token


def _call(port: int, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """POST of a body, GET without one. Raises `OSError`, also for a status that is not 2xx."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
    return found


def _check(served: hub.Hub) -> None:
    """Raises `BenchFault` unless a session that was walked through is complete, and a response with its answers."""
    token = _walk(served.port)
    status = _call(served.port, f"{SURVEY}&sessionId={token}")["status"]["description"]
    stored = asyncio.run(_response(hub.database_url(served.data), token))
    if (status, stored) != ("Complete", (9.0, "\n\n".join(COMMENTS), "person1@example.com")):
        raise processes.BenchFault(f"the hub stored something else: {status}, {stored}")


async def _response(url: str, token: str) -> tuple[Any, ...]:
    """Score, comment and the respondent's address of the response that a session became."""
    connection = await asyncpg.connect(url)
    try:
        row = await connection.fetchrow(
            "select r.score, r.comment, c.email from sessions s"
            " join responses r on r.workspace_id = s.workspace_id and r.session_number = s.number"
            " join contacts c on c.workspace_id = r.workspace_id and c.id = r.contact_id where s.token = $1",
            token,
        )
    finally:
        await connection.close()
    return tuple(row or ())


async def fill(url: str, count: int) -> int:
    """So many sessions that were started and never answered; gives the bytes of their table with its indexes."""
    connection = await asyncpg.connect(url, command_timeout=1800)
    try:
        workspace, version = await connection.fetchrow(
            "select workspace_id, version from surveys where id = 5"
        )
        for first in range(1, count + 1, PIECE):
            last = min(first + PIECE - 1, count)
            await connection.execute(_IDLE, workspace, version, first, last, count)
        await connection.execute("vacuum (analyze, freeze) sessions")
        await connection.execute("checkpoint")
        found, size = await connection.fetchrow(
            "select count(*), pg_total_relation_size('sessions') from sessions where completed_at is null"
        )
    finally:
        await connection.close()
    if found != count:
        raise processes.BenchFault(f"{found:,} idle sessions are stored, not {count:,}")
    return int(size)


def _tabulate(section: table.Section, beside: str, clients: int, found: dict[str, rounds.Median]) -> None:
    for name, median in found.items():
        share = rounds.ratio(median, found[beside])
        section.rows.append((beside, str(clients), name, *median.cells(), table.number(share)))
