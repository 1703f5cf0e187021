"""`GET /v6/rest/responses` (contract, "Responses, read back")."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import pytest
from tests.dialects.customergauge.conftest import RECORDS
from tests.support import hub as hubs
from tests.support import postgres as databases

from tellback.core import paging
from tellback.core.responses import NewResponse, queries

READ = "/v6/rest/responses"
MEMBERS = [
    "number_customergauge", "email", "phone", "contact", "account", "nps", "comment", "touchpoint",
    "date_creation", "date_sent", "date_completed", "follow_up",
]  # fmt: skip
SENT, DONE = datetime(2026, 1, 31, 22, 30, tzinfo=UTC), datetime(2026, 7, 31, 22, 30, 15, 999, tzinfo=UTC)


@pytest.fixture(scope="module")
def hub(postgres: databases.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[hubs.Hub]:
    """A hub of its own, with one response that has everything and six that have little."""
    folder = tmp_path_factory.mktemp("reading")
    url = databases.fresh_database(postgres)
    with hubs.running(
        folder / "log", "--database-url", url, options=("--files", str(folder / "files"))
    ) as hub:
        hub.apply(RECORDS)
        asyncio.run(record(url))
        yield hub
    databases.drop(postgres, url)


async def record(url: str) -> None:
    connection = await asyncpg.connect(url)
    id = await connection.fetchval("select id from workspaces where slug = 'demo'")
    other = await connection.fetchval("insert into workspaces (slug, name) values ('o', 'O') returning id")
    await connection.execute("insert into workspace_counters (workspace_id) values ($1)", other)
    account = await connection.fetchval(
        "insert into accounts (workspace_id, name) values ($1, 'ACME') returning id", id
    )
    contact = await connection.fetchval(
        """
        insert into contacts (workspace_id, email, email_key, phone, phone_key, first_name, last_name)
        values ($1, 'Ann@Example.com', 'ann@example.com', '+46 70', '+4670', 'Ann', 'Tester') returning id
        """,
        id,
    )
    whole = NewResponse(
        id, "record", None, complete=True, kind="nps", score=9.0, scores={"nps": 9.0}, comment="Quick",
        contact_id=contact, account_id=account, touchpoint="Support", follow_up=True,
        sent_at=SENT, completed_at=DONE,
    )  # fmt: skip
    csat = NewResponse(id, "web", "7", complete=True, kind="csat", score=4.5, scores={"csat": 4.5})
    both = NewResponse(
        id,
        "web",
        "7",
        complete=True,
        kind="csat",
        score=4.5,
        scores={"csat": 4.5, "nps": 0.0},
        follow_up=False,
    )
    theirs = NewResponse(other, "record", None, complete=True, kind="nps", score=1.0)
    await queries.record_many(connection, [whole, csat, theirs, both, csat, csat, csat, csat])
    await connection.close()


@pytest.fixture(scope="module")
def crm(hub: hubs.Hub) -> Iterator[httpx.Client]:
    form = {"grant_type": "client_credentials", "client_id": "crm", "client_secret": "7c6a180b36896a0a"}
    with hub.client() as client:
        token = client.post("/oauth2/token", data=form).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def read(crm: httpx.Client, **query: Any) -> dict[str, Any]:
    answer = crm.get(READ, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_gives_every_member_in_workspace_time(crm: httpx.Client) -> None:
    [item] = read(crm, per_page=1)["data"]
    assert list(item) == MEMBERS
    created = datetime.fromisoformat(item.pop("date_creation"))
    assert created.tzinfo is None
    assert item == {
        "number_customergauge": 1,
        "email": "Ann@Example.com",
        "phone": "+46 70",
        "contact": {"first_name": "Ann", "last_name": "Tester"},
        "account": {"name": "ACME"},
        "nps": 9,
        "comment": "Quick",
        "touchpoint": "Support",
        "date_sent": "2026-01-31 23:30:00",
        "date_completed": "2026-08-01 00:30:15",
        "follow_up": True,
    }


def test_gives_null_for_what_is_not_there(crm: httpx.Client) -> None:
    items = read(crm)["data"]
    assert [item["nps"] for item in items] == [9, None, 0, None, None, None, None]
    assert [item["follow_up"] for item in items[:3]] == [True, None, False]
    assert items[1]["account"] is None
    assert items[1]["contact"] == {"first_name": None, "last_name": None}
    assert (items[1]["email"], items[1]["date_sent"], items[1]["touchpoint"]) == (None, None, None)


@pytest.mark.parametrize("per_page", [1, 2, 3, 7, 1000])
def test_reads_everything_once_by_cursor(crm: httpx.Client, per_page: int) -> None:
    seen: list[int] = []
    cursor = ""
    while True:
        page = read(crm, per_page=per_page, cursor=cursor)
        cursor = page["cursor"]
        if not page["data"]:
            break
        assert len(page["data"]) <= per_page
        seen += [item["number_customergauge"] for item in page["data"]]
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    assert read(crm, cursor=cursor) == {"data": [], "cursor": cursor}


def test_goes_on_from_an_old_cursor_and_skips_nothing_that_commits_late(
    crm: httpx.Client, hub: hubs.Hub
) -> None:
    asyncio.run(race(hub.place[1], crm, read(crm)["cursor"]))


async def race(url: str, crm: httpx.Client, cursor: str) -> None:
    """Two writers, of which the first to begin is the last to commit, and a reader at every step."""
    slow, fast = await asyncpg.connect(url), await asyncpg.connect(url)
    id = await slow.fetchval("select id from workspaces where slug = 'demo'")
    new = NewResponse(id, "record", None, complete=True, comment="slow")
    begun = slow.transaction()
    await begun.start()
    [first] = await queries.record_many(slow, [new])
    following = asyncio.create_task(queries.record_many(fast, [new]))
    await asyncio.sleep(0.2)

    assert read(crm, cursor=cursor) == {"data": [], "cursor": cursor}
    await begun.commit()
    [second] = await following
    seen = []
    while data := (found := read(crm, cursor=cursor))["data"]:
        seen += [item["number_customergauge"] for item in data]
        cursor = found["cursor"]
    assert seen == [first, second]
    await slow.close()
    await fast.close()


@pytest.mark.parametrize("per_page", ["0", "1001", "x", "-1", "1.5", "99999999"])
def test_refuses_a_bad_per_page(crm: httpx.Client, per_page: str) -> None:
    answer = crm.get(READ, params={"per_page": per_page})
    assert answer.status_code == 422
    assert answer.json() == {
        "message": "The given data was invalid.",
        "errors": {"per_page": ["The per_page must be between 1 and 1000."]},
    }


def test_names_every_fault(crm: httpx.Client) -> None:
    foreign = paging.cursor("response", 5)  # of the hub's own API
    for cursor in ("x", "\0", "é", foreign):
        answer = crm.get(READ, params={"per_page": "0", "cursor": cursor})
        assert answer.status_code == 422
        assert set(answer.json()["errors"]) == {"per_page", "cursor"}


def test_refuses_a_cursor_that_was_cut_or_changed(crm: httpx.Client) -> None:
    whole = paging.cursor("responses read back", 511)
    assert read(crm, cursor=whole) == {"data": [], "cursor": whole}
    for cursor in (
        whole[:-1],
        whole[:-2],
        whole + "x",
        whole + "MQ",
        whole[1:],
        whole[::-1],
        whole.swapcase(),
    ):
        assert crm.get(READ, params={"cursor": cursor}).status_code == 422, cursor
    for place in range(len(whole)):
        changed = whole[:place] + ("A" if whole[place] != "A" else "B") + whole[place + 1 :]
        assert crm.get(READ, params={"cursor": changed}).status_code == 422, changed


def test_needs_a_token(hub: hubs.Hub) -> None:
    with hub.client() as anyone:
        answer = anyone.get(READ)
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthenticated."})
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_is_there_to_be_read(crm: httpx.Client) -> None:
    answer = crm.post(READ)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"
    assert set(answer.json()) == {"message"}
    assert crm.get(READ + "/1").status_code == 404


def test_reads_back_a_record_and_counts_it(crm: httpx.Client, hub: hubs.Hub) -> None:
    cursor = read(crm)["cursor"]
    record = {
        "Account Name": "Initech",
        "Email": "bo@example.com",
        "Sent Date": "2015-12-30",
        "Survey Completed Date": "2015-12-31 23:59:59",
        "NPS Score": "9",
    }
    put = {"configuration": "53505294-0b20-2509-b15d-c8e377701d66", "record": record}
    assert crm.put("/records/", json=put).status_code == 200
    [item] = read(crm, cursor=cursor)["data"]
    assert (item["email"], item["account"], item["nps"]) == ("bo@example.com", {"name": "Initech"}, 9)
    assert (item["date_sent"], item["date_completed"]) == ("2015-12-30 00:00:00", "2015-12-31 23:59:59")
    period = {"kind": "nps", "from": "2015-12-31", "to": "2015-12-31", "group_by": "account"}
    figures = crm.get("/hub/v1/metrics", params=period, headers=hub.reader()).json()
    assert [(one["group"], one["nps"], one["sent"]) for one in figures["data"]] == [("Initech", 100.0, 1)]
