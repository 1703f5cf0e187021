"""`POST /hub/v1/tickets/{id}/actions` from outside (contract: hub-api.md)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import asyncpg
import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from tests.hub_api.test_schema import CHECKS
from tests.support import hub as hubs
from tests.support.hub import CREATE, KEY

Do = Callable[..., httpx.Response]


@pytest.fixture(scope="session")
def desk(hub: hubs.Hub) -> dict[str, str]:
    """The header of a token that may do things."""
    place = (*hub.place, "--output", "json")
    words = ("token", "create", "--workspace", "demo", "--key", "desk", "--claim", "hub_write")
    return {"Authorization": f"Bearer {json.loads(hubs.tellback(*words, *place))['token']}"}


@pytest.fixture
def ticket(http: httpx.Client) -> int:
    number: int = http.post(CREATE, params={"apiKey": KEY}, json={"title": "It crashes"}).json()["id"]
    return number


@pytest.fixture
def do(http: httpx.Client, desk: dict[str, str], ticket: int) -> Do:
    def done(action: str, *, headers: dict[str, str] | None = None, **members: Any) -> httpx.Response:
        return http.post(
            f"/hub/v1/tickets/{ticket}/actions",
            json={"do": action, **members},
            headers=desk | (headers or {}),
        )

    return done


@pytest.mark.parametrize(
    ("action", "members", "shown"),
    [
        ("set_status", {"status": "Fixed"}, {"status": "Fixed", "status_kind": "answered"}),
        ("set_field", {"field": "severity", "value": "P1"}, {"values": {"title": "It crashes", "severity": "High"}}),
        ("set_field", {"field": "title", "value": "It burns"}, {"subject": "It burns"}),
        ("add_tag", {"tag": "red"}, {"tags": ["red"]}),
        ("remove_tag", {"tag": "red"}, {"tags": []}),
        ("add_note", {"note": "Called back."}, {"status": "New"}),
        ("assign", {"assignee": None}, {"assignee": None}),
        ("set_priority", {"priority": "high"}, {"priority": "high"}),
        ("answer", {"subject": "Re", "body": "Please update.", "close": True}, {"status": "Closed"}),
        ("answer", {"subject": "Re", "body": "Please update."}, {"status": "Fixed", "closed_at": None}),
        ("acquire", {}, {"status": "New"}),
        ("release", {}, {"status": "New"}),
        ("close", {}, {"status": "Closed", "status_kind": "closed"}),
        ("reopen", {}, {"status": "New"}),
        ("delete", {}, {"deleted": True}),
    ],
)  # fmt: skip
def test_does_it_and_shows_the_ticket(
    do: Do, action: str, members: dict[str, Any], shown: dict[str, Any]
) -> None:
    answer = do(action, **members)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document | shown == document


def test_shows_what_reading_it_shows(http: httpx.Client, hub: hubs.Hub, do: Do, ticket: int) -> None:
    answer = do("answer", subject="Re", body="Please update.", close=True)
    assert answer.json() == http.get(f"/hub/v1/tickets/{ticket}", headers=hub.reader()).json()
    line = answer.json()["timeline"][-1]
    assert (line["kind"], line["actor"]) == ("answered", "desk")
    assert line["note"] == f"Ticket {answer.json()['display_id']} was answered and closed by desk"


def test_finds_the_ticket_by_its_display_id(http: httpx.Client, desk: dict[str, str], do: Do) -> None:
    name = do("acquire").json()["display_id"]
    answer = http.post(f"/hub/v1/tickets/{name.lower()}/actions", json={"do": "release"}, headers=desk)
    assert [line["kind"] for line in answer.json()["timeline"]] == ["created", "acquired", "released"]


@pytest.mark.parametrize(
    ("body", "where", "words"),
    [
        ({}, "do", "is missing; it is one of set_status, set_field"),
        ({"do": "explode"}, "do", "no such action"),
        ({"do": 5}, "do", "no such action"),
        ({"do": ["close"]}, "do", "no such action"),
        ({"do": "set_status"}, "status", "needs the member 'status'"),
        ({"do": "set_status", "status": 5}, "status", "must be a string"),
        ({"do": "set_status", "status": None}, "status", "must be a string"),
        ({"do": "set_status", "status": "Nope"}, "status", "allowed are 'New'"),
        ({"do": "close", "now": True}, "now", "has no member 'now'"),
        ({"do": "answer", "subject": "s", "body": "b", "close": "yes"}, "close", "must be true or false"),
        ({"do": "assign", "assignee": 5}, "assignee", "must be a string or null"),
        ({"do": "assign"}, "assignee", "needs the member"),
        ({"do": "set_field", "field": "stars", "value": 6}, "value", "whole numbers from 1 to 5"),
        ({"do": "set_field", "field": "stars", "value": 10**30}, "value", "whole numbers from 1 to 5"),
        ({"do": "set_field", "field": "stars", "value": {"a": [1]}}, "value", "is an object"),
        ({"do": "set_field", "field": "nope", "value": 6}, "field", "no field 'nope'"),
    ],
)
def test_refuses_in_clear_words(
    http: httpx.Client, desk: dict[str, str], ticket: int, body: dict[str, Any], where: str, words: str
) -> None:
    answer = http.post(f"/hub/v1/tickets/{ticket}/actions", json=body, headers=desk)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    [fault] = answer.json()["errors"]
    assert fault["where"] == where
    assert words in fault["detail"]


def test_names_everything_that_is_wrong(do: Do) -> None:
    answer = do("answer", subject=1, text="x")
    assert [fault["where"] for fault in answer.json()["errors"]] == ["body", "subject", "text"]


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"[]", "application/json", 400),
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b'{"do": "add_note", "note": "\\u0000"}', "application/json", 400),
        (b'{"do": "add_note", "note": NaN}', "application/json", 400),
        (b"do=close", "application/x-www-form-urlencoded", 415),
        (b'{"do": "add_note", "note": "' + b"x" * 1024 * 1024 + b'"}', "application/json", 413),
    ],
)
def test_reads_strict_json_alone(
    http: httpx.Client, desk: dict[str, str], ticket: int, content: bytes, media_type: str, status: int
) -> None:
    answer = http.post(
        f"/hub/v1/tickets/{ticket}/actions", content=content, headers=desk | {"Content-Type": media_type}
    )
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_needs_the_claim_that_writes(http: httpx.Client, hub: hubs.Hub, ticket: int) -> None:
    address = f"/hub/v1/tickets/{ticket}/actions"
    assert http.post(address, json={"do": "close"}).status_code == 401
    answer = http.post(address, json={"do": "close"}, headers=hub.reader())
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("name", ["999999999", "NOPE-1", "nope", "%00"])
def test_finds_no_ticket_that_is_not_there(http: httpx.Client, desk: dict[str, str], name: str) -> None:
    answer = http.post(f"/hub/v1/tickets/{name}/actions", json={"do": "close"}, headers=desk)
    assert answer.status_code == 404


def test_takes_nothing_but_a_post(http: httpx.Client, desk: dict[str, str], ticket: int) -> None:
    answer = http.put(f"/hub/v1/tickets/{ticket}/actions", json={"do": "close"}, headers=desk)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_does_it_once_under_one_key(do: Do) -> None:
    first = do("add_note", note="Called back.", headers={"Idempotency-Key": "call-1"})
    again = do("add_note", note="Called back.", headers={"Idempotency-Key": '"call-1"'})
    assert again.status_code == 200
    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")
    assert "Idempotent-Replayed" not in first.headers
    other = do("add_note", note="Called again.", headers={"Idempotency-Key": "call-1"})
    assert other.status_code == 422
    assert len(do("acquire").json()["timeline"]) == 3


def test_spends_no_key_on_a_refusal(do: Do) -> None:
    assert do("set_status", status="Nope", headers={"Idempotency-Key": "move"}).status_code == 422
    assert do("set_status", status="Fixed", headers={"Idempotency-Key": "move"}).status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize(("hops", "hop"), [("4", 4), ("0", None)])
async def test_passes_on_how_many_hubs_led_here(
    hub: hubs.Hub, do: Do, ticket: int, hops: str, hop: int | None
) -> None:
    connection = await asyncpg.connect(hub.place[1])
    try:
        await connection.execute("update workspaces set automated = true where slug = 'demo'")
        assert do("add_tag", tag="round", headers={"Tellback-Hop": hops}).status_code == 200
        origin = await connection.fetchval(
            "select origin from changes where subject_id = $1 and kind = 'ticket.changed'", str(ticket)
        )
    finally:
        await connection.execute("update workspaces set automated = false where slug = 'demo'")
        await connection.close()
    assert (json.loads(origin) if origin else {}).get("hop") == hop


def test_keeps_to_its_description(
    http: httpx.Client, hub: hubs.Hub, desk: dict[str, str], ticket: int
) -> None:
    schema = schemathesis.openapi.from_dict(http.get("/hub/v1/openapi.json").json())
    operation = schema["/hub/v1/tickets/{ticket}/actions"]["POST"]
    taken = 0

    @settings(
        max_examples=60, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def holds(case: Any) -> None:
        nonlocal taken
        case.path_parameters = {"ticket": str(ticket)}
        answer = case.call_and_validate(base_url=hub.url, headers=desk, checks=CHECKS)
        taken += answer.status_code == 200

    holds()
    assert taken > 0, "a description that no request fits describes nothing"


def test_logs_what_was_done_and_what_was_refused(http: httpx.Client, hub: hubs.Hub, do: Do) -> None:
    name = do("add_tag", tag="red").json()["display_id"]
    do("set_status", status="Nope")
    rows = http.get("/hub/v1/intake", params={"limit": "2"}, headers=hub.reader()).json()["data"]
    assert [(row["surface"], row["credential"], row["target"], row["status"]) for row in rows] == [
        ("hub", "desk", name, 422), ("hub", "desk", name, 200),
    ]  # fmt: skip
    assert "no status 'Nope'" in rows[0]["error"]
