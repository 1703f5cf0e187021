"""Figures: the arithmetic, the days of a zone, and the whole against adding up by hand."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.support import questions

from tellback.core import errors, surveys
from tellback.core.responses import NewResponse, figures, figures_queries, metrics, queries
from tellback.core.responses.figures import By, Figures, Kind, Question, Sums
from tellback.core.workspaces import Workspace
from tellback.storage.database import Database

pytestmark = pytest.mark.anyio

# Half and quarter hours, a clock that jumps at midnight (Beirut, Havana, Santiago), by half an hour (Lord
# Howe), and a day that never was (Apia, 30 December 2011).
ZONES = (
    "UTC", "Europe/Stockholm", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Beirut",
    "America/Havana", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia",
)  # fmt: skip
DAYS = some.dates(date(2010, 1, 1), date(2030, 12, 31))


def naive_label(day: date, by: By) -> str:
    return day.strftime({"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}.get(by, ""))


@given(
    some.sampled_from(ZONES), DAYS, some.integers(0, 400), some.sampled_from(figures.TIMES), some.randoms()
)
def test_puts_a_moment_into_the_group_of_its_local_day(
    name: str, first: date, length: int, by: By, chance: random.Random
) -> None:
    zone, last = ZoneInfo(name), first + timedelta(days=length)
    over = figures.periods(zone, first, last, by)
    assert over.starts == sorted(over.starts)
    begin = over.starts[0] - timedelta(days=2)
    for _ in range(50):
        moment = begin + timedelta(seconds=chance.randint(0, (length + 5) * 86_400))
        day = moment.astimezone(zone).date()
        inside = over.starts[0] <= moment < over.end
        assert inside == (first <= day <= last), (moment, day)
        if inside:
            number = sum(start <= moment for start in over.starts)
            assert over.labels[number - 1] == naive_label(day, by), (moment, day)


@given(some.sampled_from(ZONES), DAYS, some.integers(0, 40))
def test_splits_just_the_hours_that_an_edge_cuts(name: str, first: date, length: int) -> None:
    over = figures.periods(ZoneInfo(name), first, first + timedelta(days=length), "day")
    begin, end = over.hours
    hour = begin
    while hour < end:
        next_hour = hour + timedelta(hours=1)
        cut = any(hour < edge < next_hour for edge in (*over.starts, over.end))
        assert (hour in over.split) == cut
        hour = next_hour
    assert begin <= over.starts[0] < begin + timedelta(hours=1)
    assert end - timedelta(hours=1) < over.end <= end


@given(some.lists(some.integers(0, 10), min_size=1))
def test_gives_nps_as_promoters_less_detractors(scores: list[int]) -> None:
    high, low = sum(score >= 9 for score in scores), sum(score <= 6 for score in scores)
    found = figures.figures("nps", None, Sums(len(scores), 0, len(scores), sum(scores), high, low))
    assert found.value == round((high - low) * 100 / len(scores), 2)
    assert found.mean == round(sum(scores) / len(scores), 2)
    assert (found.promoters, found.passives, found.detractors) == (high, len(scores) - high - low, low)


def test_gives_no_figure_where_nothing_is_scored() -> None:
    assert figures.figures("nps", "x", Sums(responses=3, sent=4)) == Figures(
        "x", None, None, 0, 0, 0, scored=0, responses=3, sent=4
    )
    assert figures.figures("csat", "x", Sums()) == Figures("x", None, None, None, None, None, 0, 0, 0)


@pytest.mark.parametrize(
    ("scale", "highest"),
    [("12345", {4, 5}), ("531", {3, 5}), ("10", {0, 1}), ("7", {7}), ("5544", {4, 5})],
)
def test_counts_the_two_highest_answers_of_the_scale_as_satisfied(scale: str, highest: set[int]) -> None:
    choices = [{"id": place, "value": value} for place, value in enumerate(scale, 1)]
    version = questions.version(questions.choice("How", *choices, metric="csat"))
    for place, value in enumerate(scale, 1):
        outcome = surveys.rules.outcome(version, [surveys.Given(0, answer=place)])
        assert outcome.satisfied == (int(value) in highest)


@dataclass
class Office:
    """A workspace with accounts, and responses known to the test as they were put in."""

    db: Database
    workspace: Workspace
    accounts: dict[int, str]

    async def record(self, new: Sequence[NewResponse]) -> None:
        await self.db.write(lambda tx: queries.record_many(tx, new))

    async def ask(self, asked: Question) -> metrics.Answer:
        async with self.db.reading() as reader:
            return await metrics.answer(reader, self.workspace, asked)


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    connection = await asyncpg.connect(database_url)
    id = await connection.fetchval("insert into workspaces (slug, name) values ('demo', 'Demo') returning id")
    await connection.execute("insert into workspace_counters (workspace_id) values ($1)", id)
    accounts = {
        await connection.fetchval(
            "insert into accounts (workspace_id, name) values ($1, $2) returning id", id, name
        ): name
        for name in ("ACME", "Brown", "Çelik")
    }
    await connection.close()
    db = await Database.open(database_url, connections=2)
    yield Office(db, Workspace(id, "demo", "Demo", "UTC"), accounts)
    await db.close()


def invented(office: Office, chance: random.Random, count: int) -> list[NewResponse]:
    """Responses of every kind over about four months, with every member sometimes absent."""
    new = []
    for _ in range(count):
        completed = datetime(2026, 1, 20, tzinfo=UTC) + timedelta(seconds=chance.randint(0, 120 * 86_400))
        scores: dict[str, float] = {}
        if chance.random() < 0.8:
            scores["nps"] = chance.randint(0, 10)
        if chance.random() < 0.4:
            scores["csat"] = chance.randint(1, 5)
        if chance.random() < 0.4:
            scores["ces"] = chance.randint(1, 14) / 2
        region = chance.choice([None, "north", "south"])
        new.append(
            NewResponse(
                office.workspace.id, "record", None,
                complete=chance.random() < 0.9,
                kind=next(iter(scores), None), score=next(iter(scores.values()), None), scores=scores,
                satisfied=scores["csat"] >= 4 if "csat" in scores else None,
                survey_id=chance.choice([None, 2, 7]),
                account_id=chance.choice([None, *office.accounts]),
                touchpoint=chance.choice([None, "Onboarding", "Support"]),
                segments={chance.choice(["account", "contact"]): {"region": region}} if region else {},
                sent_at=completed - timedelta(hours=chance.randint(0, 60)) if chance.random() < 0.8 else None,
                completed_at=completed,
            )
        )  # fmt: skip
    return new


def by_hand(office: Office, everything: list[NewResponse], asked: Question) -> tuple[list[Figures], Figures]:
    zone = ZoneInfo(office.workspace.timezone)
    groups: dict[Any, list[NewResponse]] = {}
    for one in everything:
        at = one.completed_at if one.complete else one.sent_at
        if at is None:
            continue
        day = at.astimezone(zone).date()
        if (
            (asked.first and day < asked.first)
            or (asked.last and day > asked.last)
            or asked.survey not in (None, one.survey_id)
            or asked.touchpoint not in (None, one.touchpoint)
        ):
            continue
        segments = {**one.segments.get("contact", {}), **one.segments.get("account", {})}
        key: Any = {
            "survey": one.survey_id,
            "touchpoint": one.touchpoint,
            "account": office.accounts.get(one.account_id or 0),
            "segment": segments.get(asked.segment or ""),
        }.get(asked.by or "")
        groups.setdefault(naive_label(day, asked.by) if asked.by in figures.TIMES else key, []).append(one)
    total = line(asked.kind, None, [one for group in groups.values() for one in group])
    if asked.by is None:
        return [], total
    order = sorted(groups, key=lambda group: (group is None, group))
    return [line(asked.kind, group, groups[group]) for group in order], total


def line(kind: Kind, group: Any, of: list[NewResponse]) -> Figures:
    complete = [one for one in of if one.complete]
    scores = [one.scores[kind] for one in complete if kind in one.scores]
    promoters, detractors = sum(score >= 9 for score in scores), sum(score <= 6 for score in scores)
    mean = sum(scores) / len(scores) if scores else 0.0
    satisfied = sum(score >= 4 for score in scores)
    value = {
        "nps": 100 * (promoters - detractors) / (len(scores) or 1),
        "csat": 100 * satisfied / (len(scores) or 1),
        "ces": mean,
    }[kind]
    nps = kind == "nps"
    return Figures(
        group,
        round(value, 2) if scores else None,
        round(mean, 2) if scores else None,
        promoters if nps else None,
        len(scores) - promoters - detractors if nps else None,
        detractors if nps else None,
        scored=len(scores),
        responses=len(complete),
        sent=sum(one.sent_at is not None for one in of),
    )


def questions_of(chance: random.Random) -> list[Question]:
    """Every kind by every group, each over some period with some filters."""
    asked = []
    for kind in figures.KINDS:
        for by in (None, *figures.TIMES, "touchpoint", "account", "survey", "segment"):
            first = chance.choice([None, date(2026, 1, 1), date(2026, 2, 10), date(2026, 3, 29)])
            last = chance.choice([None, date(2026, 3, 29), date(2026, 4, 30), date(9999, 12, 31)])
            asked.append(
                Question(
                    kind, first, last, by, "region" if by == "segment" else None,
                    chance.choice([None, None, 2]), chance.choice([None, None, "Support"]),
                )
            )  # fmt: skip
    return asked


@pytest.mark.parametrize("zone", ["UTC", "Europe/Stockholm", "Asia/Kolkata", "America/St_Johns"])
async def test_agrees_with_adding_up_by_hand(office: Office, zone: str) -> None:
    chance = random.Random(zone)  # noqa: S311 - the same responses in every run
    office.workspace = Workspace(office.workspace.id, "demo", "Demo", zone)
    everything: list[NewResponse] = []
    for added_up in (0, 150, 400):  # nothing yet, a part, and a part of more
        more = invented(office, chance, 300)
        await office.record(more)
        everything += more
        while added_up > 0:
            added_up -= await office.db.write(
                lambda tx: figures_queries.add_up(tx, office.workspace.id, at_most=50)
            )
        for asked in questions_of(chance):
            found = await office.ask(asked)
            assert (list(found.groups), found.total) == by_hand(office, everything, asked), asked
    assert await metrics.add_up(office.db) > 0
    assert await metrics.add_up(office.db) == 0
    for asked in questions_of(chance):
        found = await office.ask(asked)
        assert (list(found.groups), found.total) == by_hand(office, everything, asked), asked


async def test_has_figures_of_nothing(office: Office) -> None:
    found = await office.ask(Question("nps", by="day"))
    assert found == metrics.Answer([], figures.figures("nps", None, Sums()))


async def test_counts_a_score_that_stands_alone(office: Office) -> None:
    new = NewResponse(
        office.workspace.id, "record", None, complete=True, kind="nps", score=9.0,
        completed_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    await office.record([new])
    assert (await office.ask(Question("nps"))).total.value == 100
    await metrics.add_up(office.db)
    assert (await office.ask(Question("nps"))).total.value == 100


async def test_bears_a_mistyped_year(office: Office) -> None:
    new = [
        NewResponse(
            office.workspace.id, "record", None, complete=True, kind="nps", score=9.0,
            completed_at=datetime(year, 12, 31, 23, 59, tzinfo=UTC),
        )
        for year in (26, 2026, 9999)
    ]  # fmt: skip
    await office.record(new)
    for by in figures.TIMES:
        with pytest.raises(errors.Malformed, match=f"more than 10,000 {by}s"):
            await office.ask(Question("nps", by=by))
        found = await office.ask(Question("nps", date(2026, 1, 1), date(2026, 12, 31), by))
        assert [one.group for one in found.groups] == [naive_label(date(2026, 12, 31), by)]
    assert (await office.ask(Question("nps"))).total.scored == 2  # all but the one at the calendar's end


async def test_counts_what_was_sent_and_not_answered(office: Office) -> None:
    async with office.db.reading() as reader:
        await reader.execute(
            """
            insert into surveys (workspace_id, id, title, description, channels, state, version, last_answer_id,
                                 take_token)
            values ($1, 7, 't', 'd', '{api}', 'deployed', 1, 1, 'x')
            """,
            office.workspace.id,
        )
        await reader.execute(
            """
            insert into sessions (workspace_id, token, survey_id, version, channel, started_at, completed_at,
                                  expired_at, answers)
            select $1, n::text, 7, 1, 'api', '2026-01-31 12:00+00',
                   case when n = 1 then now() end, case when n > 2 then now() end,
                   case when n = 3 then '[{}]' else '[]' end::jsonb
            from generate_series(1, 4) n
            """,
            office.workspace.id,
        )
    # Of four, one is complete and one was put away with answers: those became responses. Two did not.
    found = await office.ask(Question("nps", by="survey"))
    assert [(one.group, one.sent, one.responses) for one in found.groups] == [(7, 2, 0)]
    assert (await office.ask(Question("nps", last=date(2026, 1, 30)))).total.sent == 0
    assert (await office.ask(Question("nps", touchpoint="Support"))).total.sent == 0
    assert (await office.ask(Question("nps", by="account"))).total.sent == 2


async def test_adds_every_response_up_once_with_many_at_it(office: Office) -> None:
    chance = random.Random(5)  # noqa: S311 - the same responses in every run
    everything = invented(office, chance, 600)
    ends: list[metrics.Answer] = []

    async def keep() -> None:
        for _ in range(20):
            await office.db.write(lambda tx: figures_queries.add_up(tx, office.workspace.id, at_most=40))

    async def record() -> None:
        for place in range(0, len(everything), 30):
            await office.record(everything[place : place + 30])
            ends.append(await office.ask(Question("nps")))

    await asyncio.gather(keep(), keep(), record())
    await metrics.add_up(office.db)
    _, total = by_hand(office, everything, Question("nps"))
    assert (await office.ask(Question("nps"))).total == total
    # While it was being added up, too, each answer held just what was recorded by then.
    for number, answer in enumerate(ends, 1):
        assert answer.total == by_hand(office, everything[: number * 30], Question("nps"))[1]


async def test_reads_the_period_alone(office: Office) -> None:
    """A month's cost is the month's: no whole table is read, nor an index without the period's ends."""
    async with office.db.reading() as reader:
        await reader.execute(
            """
            insert into responses (workspace_id, id, channel, kind, score, scores, complete, completed_at)
            select $1, n, 'record', 'nps', n % 11, jsonb_build_object('nps', n % 11), true,
                   '2020-01-01 00:00+00'::timestamptz + n * interval '1 hour'
            from generate_series(1, 40000) n
            """,
            office.workspace.id,
        )
        await reader.execute("update workspace_counters set responses = 40000")
    await metrics.add_up(office.db)
    async with office.db.reading() as reader:
        for table in ("responses", "response_hours"):
            await reader.execute(f"analyze {table}")
        zone = ZoneInfo("Asia/Kolkata")  # its days cut hours in two, so every part of the statement works
        asked: tuple[By | None, ...] = (None, "day", "survey", "account")
        for by in asked:
            over = figures.periods(zone, date(2022, 5, 1), date(2022, 5, 31), by)
            text, values = figures_queries.statement(office.workspace.id, Question("nps", by=by), over)
            explained = await reader.fetchval(f"explain (analyze, format json) {text}", *values)
            plan = json.loads(explained)[0]["Plan"]
            assert "responses_period" in indexes(plan), by
            assert ("response_hours_pkey" in indexes(plan)) == (by != "account"), by
            assert max(rows_read(plan)) <= 31 * 24 + 2, by


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for part in plan.get("Plans", []) for node in nodes(part))]


def rows_read(plan: dict[str, Any]) -> list[float]:
    """Rows that each scan looked at, the ones it threw away among them."""
    return [
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes(plan)
        if "Scan" in node["Node Type"] and "Relation Name" in node
    ]


def indexes(plan: dict[str, Any]) -> set[str]:
    return {node["Index Name"] for node in nodes(plan) if "Index Name" in node}
