"""`/hub/v1/tickets` from outside (contract: hub-api.md)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support import hub as hubs
from tests.support.hub import CREATE, KEY

from tellback.core import paging


def create(http: httpx.Client, **parameters: Any) -> int:
    number: int = http.post(CREATE, params={"apiKey": KEY}, json={"title": "x"} | parameters).json()["id"]
    return number


def listed(http: httpx.Client, hub: hubs.Hub, **query: Any) -> dict[str, Any]:
    answer = http.get("/hub/v1/tickets", params=query, headers=hub.reader())
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def test_shows_a_ticket_whole(http: httpx.Client, hub: hubs.Hub) -> None:
    number = create(http, description="Steps", severity="P1", submitter="stranger@example.org")
    document = http.get(f"/hub/v1/tickets/{number}", headers=hub.reader()).json()
    contact = document["submitter"].pop("contact_id")
    assert isinstance(contact, int)
    assert document.pop("created_at") == document.pop("changed_at")
    assert [item["kind"] for item in document.pop("timeline")] == ["created"]
    assert document == {
        "id": number,
        "display_id": document["display_id"],
        "project": "beta",
        "type": "bugs",
        "source": {"channel": "external_source", "key": "app"},
        "status": "New",
        "status_kind": "open",
        "subject": "x",
        "body": "Steps",
        "values": {"title": "x", "steps": "Steps", "severity": "High"},
        "submitter": {"email": "bo@example.com", "name": "Bo Default", "given": "stranger@example.org"},
        "assignee": None,
        "priority": None,
        "tags": [],
        "files": [],
        "external": {},
        "sla": None,
        "answered_at": None,
        "closed_at": None,
        "deleted": False,
    }


def test_pages_through_all_of_them_once(http: httpx.Client, hub: hubs.Hub) -> None:
    made = [create(http, submitter="ann@example.com") for _ in range(5)]
    seen: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        page = listed(http, hub, submitter="Ann@Example.com", type="bugs", limit="2", **cursor)
        assert len(page["data"]) <= 2
        seen += [ticket["id"] for ticket in page["data"]]
        if page["next"] is None:
            break
        cursor = {"after": page["next"]}
    assert seen == sorted(set(seen))
    assert set(made) <= set(seen)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"project": "beta"}, True),
        ({"project": "nope"}, False),
        ({"type": "ideas"}, False),
        ({"status": "New"}, True),
        ({"status": "Closed"}, False),
        ({"tag": "nope"}, False),
        ({"assignee": "ada@demo.example"}, False),
        ({"changed_since": "2020-01-01T00:00:00Z"}, True),
        ({"changed_since": "2020-01-01T00:00:00+01:00"}, True),
        ({"changed_since": "9999-12-31T23:59:59Z"}, False),
    ],
)
def test_filters(http: httpx.Client, hub: hubs.Hub, query: dict[str, str], found: bool) -> None:
    number = create(http)
    newest: list[int] = []
    cursor: dict[str, str] = {}
    while cursor.get("after", "") is not None:
        page = listed(http, hub, limit="1000", **query, **cursor)
        newest += [ticket["id"] for ticket in page["data"]]
        cursor = {"after": page["next"]}
    assert (number in newest) is found


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=",
        "limit=%D9%A3",
        "after=",
        "after=x",
        "after=%00",
        f"after={paging.cursor('intake', 1)}",  # of another list
        "colour=red",
        "status=%00",
        "changed_since=2026-11-21",
        "changed_since=2026-11-21T20:22:07",
        "changed_since=0001-01-01T00:00:00%2B14:00",
        "changed_since=9999-12-31T23:59:59-14:00",
    ],
)
def test_refuses_a_query_it_cannot_read(http: httpx.Client, hub: hubs.Hub, query: str) -> None:
    answer = http.get(f"/hub/v1/tickets?{query}", headers=hub.reader())
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 400


@pytest.mark.parametrize("ticket", ["0", "-1", "x", "NONE-1", "99999999999999999999", "%00", "%FF", "1%2F2"])
def test_finds_no_ticket_that_is_none(http: httpx.Client, hub: hubs.Hub, ticket: str) -> None:
    answer = http.get(f"/hub/v1/tickets/{ticket}", headers=hub.reader())
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW"])
@pytest.mark.parametrize(
    "path", ["/hub/v1", "/hub/v1/", "/hub/v1/nope", "/hub/v1/openapi.yaml", "/hub/v1/a/b"]
)
def test_says_404_in_its_own_words_at_an_unknown_path(http: httpx.Client, path: str, method: str) -> None:
    answer = http.request(method, path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize("path", ["/hub/v1/tickets", "/hub/v1/tickets/1", "/hub/v1/intake"])
def test_names_the_methods_it_allows(http: httpx.Client, path: str) -> None:
    answer = http.delete(path)
    assert answer.status_code == 405
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {"GET", "HEAD"} <= {method.strip() for method in answer.headers["Allow"].split(",")}
