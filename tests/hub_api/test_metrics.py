"""`/hub/v1/metrics`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import pytest
from tests.support import hub as hubs
from tests.support import postgres as databases
from tests.support.taking import complete, session

from tellback.core.responses import NewResponse, queries

MEMBERS = ["group", "nps", "mean", "promoters", "passives", "detractors", "scored", "responses", "sent"]
HUB = """
workspace: {slug: demo, name: Demo, timezone: Europe/Stockholm}
survey_keys: [{name: Kiosk, apikey: kiosk, apisecret: 5d41402abc4b2a76}]
access_tokens: [{key: reader, claims: [hub_read]}, {key: bi, claims: [errand_data]}]
surveys:
  - id: 7
    title: All three
    description: All three
    channels: [api]
    state: deployed
    questions:
      - {title: Q1, text: Recommend?, type: choose_one, metric: nps, answers: [{id: 1, text: Ten, value: 10}]}
      - title: Q2
        text: Satisfied?
        type: choose_one
        metric: csat
        answers: [{id: 2, text: Very, value: 5}, {id: 3, text: Rather, value: 4}, {id: 4, text: No, value: 1}]
      - {title: Q3, text: Easy?, type: choose_one, metric: ces, answers: [{id: 5, text: Yes, value: 6.5}]}
"""
JANUARY = {"kind": "nps", "from": "2026-01-01", "to": "2026-01-31"}


@pytest.fixture(scope="module")
def hub(postgres: databases.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[hubs.Hub]:
    """Four responses around January 2026, and today three sessions, of which two are complete."""
    folder = tmp_path_factory.mktemp("metrics")
    url = databases.fresh_database(postgres)
    options = ("--files", str(folder / "files"), "--trusted-proxy", "127.0.0.1/32")
    with hubs.running(folder / "log", "--database-url", url, options=options) as hub:
        file = folder / "hub.yaml"
        file.write_text(HUB)
        hub.apply(file)
        asyncio.run(record(url))
        with hub.client(headers={"X-Forwarded-Proto": "https"}) as http:
            complete(
                http, {"answerId": 1}, {"answerId": 3}, {"answerId": 5}, respondent={"account": "Umbrella"}
            )
            complete(http, {"answerId": 1}, {"answerId": 4}, {"answerId": 5})
            session(http)
        yield hub
    databases.drop(postgres, url)


async def record(url: str) -> None:
    """The first hour of January in Stockholm, the last of it, the first of February; and one in between."""
    connection = await asyncpg.connect(url)
    id = await connection.fetchval("select id from workspaces")
    acme = await connection.fetchval(
        "insert into accounts (workspace_id, name) values ($1, 'ACME') returning id", id
    )
    moments = [(2025, 12, 31, 23), (2026, 1, 31, 22), (2026, 1, 31, 23), (2026, 1, 15, 12)]
    new = [
        NewResponse(
            id, "record", None, complete=True, kind="nps", score=score, scores={"nps": score},
            account_id=account, touchpoint=touchpoint, segments=segments,
            sent_at=datetime(*moment, tzinfo=UTC), completed_at=datetime(*moment, tzinfo=UTC),
        )
        for moment, score, account, touchpoint, segments in zip(
            moments, (10, 8, 0, 3), (acme, acme, None, None), ("Support", "Onboarding", None, "Support"),
            ({"account": {"region": "north"}}, {"contact": {"region": "south"}}, {}, {}), strict=True,
        )
    ]  # fmt: skip
    await queries.record_many(connection, new)
    await connection.close()


@pytest.fixture(scope="module")
def http(hub: hubs.Hub) -> Iterator[httpx.Client]:
    with hub.client(headers=hub.reader()) as client:
        yield client


def ask(http: httpx.Client, **query: str) -> dict[str, Any]:
    answer = http.get("/hub/v1/metrics", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_gives_the_total_of_a_period_with_both_days(http: httpx.Client) -> None:
    found = ask(http, **JANUARY)
    assert found == {
        "data": [],
        "total": {
            "group": None, "nps": 0.0, "mean": 7.0, "promoters": 1, "passives": 1, "detractors": 1,
            "scored": 3, "responses": 3, "sent": 3,
        },
    }  # fmt: skip
    assert list(found["total"]) == MEMBERS


@pytest.mark.parametrize(
    ("group_by", "groups"),
    [
        ("day", {"2026-01-01": 100.0, "2026-01-15": -100.0, "2026-01-31": 0.0}),
        ("week", {"2026-W01": 100.0, "2026-W03": -100.0, "2026-W05": 0.0}),
        ("month", {"2026-01": 0.0}),
        ("touchpoint", {"Onboarding": 0.0, "Support": 0.0}),
        ("account", {"ACME": 50.0, None: -100.0}),
        ("survey", {None: 0.0}),
        ("segment.region", {"north": 100.0, "south": 0.0, None: -100.0}),
    ],
)
def test_groups(http: httpx.Client, group_by: str, groups: dict[str | None, float]) -> None:
    found = ask(http, **JANUARY, group_by=group_by)
    assert [(one["group"], one["nps"]) for one in found["data"]] == list(groups.items())
    assert found["total"]["scored"] == 3


def test_counts_what_is_completed_today_and_what_was_sent(http: httpx.Client) -> None:
    [one] = [one for one in ask(http, kind="nps", group_by="survey")["data"] if one["group"] == 7]
    assert (one["nps"], one["responses"], one["sent"]) == (100.0, 2, 3)


def test_has_each_metric_by_its_own_definition(http: httpx.Client) -> None:
    csat, ces = (ask(http, kind=kind, survey="7")["total"] for kind in ("csat", "ces"))
    assert "nps" not in csat
    assert (csat["csat"], csat["mean"], csat["scored"]) == (50.0, 2.5, 2)
    assert (csat["promoters"], csat["passives"], csat["detractors"]) == (None, None, None)
    assert (ces["ces"], ces["mean"], ces["scored"]) == (6.5, 6.5, 2)


def test_filters_by_touchpoint_and_takes_what_is_empty_for_not_given(http: httpx.Client) -> None:
    assert ask(http, **JANUARY, survey="", touchpoint="", group_by="")["total"]["scored"] == 3
    assert ask(http, **JANUARY, touchpoint="Support")["total"]["scored"] == 2
    assert ask(http, **JANUARY, touchpoint="sUPPORT")["total"]["scored"] == 2
    assert ask(http, **JANUARY, touchpoint="sUPPORT", group_by="account")["total"]["scored"] == 2
    assert ask(http, **JANUARY, touchpoint="Nowhere")["total"] == {
        "group": None, "nps": None, "mean": None, "promoters": 0, "passives": 0, "detractors": 0,
        "scored": 0, "responses": 0, "sent": 0,
    }  # fmt: skip


def test_says_the_same_after_adding_up(http: httpx.Client, hub: hubs.Hub) -> None:
    before = ask(http, kind="nps", group_by="day")
    deadline = time.monotonic() + 10
    while asyncio.run(waiting(hub.place[1])):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert ask(http, kind="nps", group_by="day") == before


async def waiting(url: str) -> bool:
    """Is there a response that is not added to its hour?"""
    connection = await asyncpg.connect(url)
    try:
        done = await connection.fetchval(
            "select coalesce((select up_to from response_hours_done), 0) = responses from workspace_counters"
        )
    finally:
        await connection.close()
    return not done


@pytest.mark.parametrize(
    "query",
    [
        {}, {"kind": "NPS"}, {"kind": "agent_quality"}, {"from": "2026-1-1"}, {"from": "2026-02-30"},
        {"to": "20260101"}, {"from": "2026-01-02", "to": "2026-01-01"}, {"to": "2026-01-01T00:00:00Z"},
        {"group_by": "hour"}, {"group_by": "segment."}, {"group_by": "segment"}, {"survey": "x"},
        {"touchpoint": "\0"}, {"group_by": "segment.\0"}, {"form": "2026-01-01"}, {"survey": "9" * 30},
    ],
    ids=str,
)  # fmt: skip
def test_refuses_bad_parameters(http: httpx.Client, query: dict[str, str]) -> None:
    answer = http.get("/hub/v1/metrics", params={"kind": "nps"} | query if query else {})
    assert answer.status_code == 400, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("ends", [("0001-01-01", "9999-12-31"), ("9999-12-31", "9999-12-31")])
@pytest.mark.parametrize("group_by", ["day", "week", "month", "account"])
def test_bears_the_ends_of_the_calendar(http: httpx.Client, ends: tuple[str, str], group_by: str) -> None:
    found = ask(http, kind="nps", **{"from": ends[0], "to": ends[1]}, group_by=group_by)
    assert found["total"]["scored"] == (6 if ends[0] < "2026" else 0)


def test_needs_a_token_that_may_read(hub: hubs.Hub) -> None:
    token = hub.secrets["access_tokens"]["bi"]
    with hub.client() as http:
        assert http.get("/hub/v1/metrics?kind=nps").status_code == 401
        answer = http.get("/hub/v1/metrics?kind=nps", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 403


def test_is_described(http: httpx.Client) -> None:
    described = http.get("/hub/v1/openapi.json").json()["paths"]["/hub/v1/metrics"]["get"]
    names = {one["name"] for one in described["parameters"]}
    assert {"kind", "from", "to", "group_by", "survey", "touchpoint"} <= names
