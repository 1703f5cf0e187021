"""`/hub/v1/surveys`, `/sessions`, `/responses`, `/contacts` and `/accounts`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.dialects.centracx.conftest import SURVEYS
from tests.support import hub as hubs
from tests.support import postgres as databases
from tests.support.taking import complete, reply, session

LISTS = ("surveys", "sessions", "responses", "contacts", "accounts")


@pytest.fixture(scope="module")
def hub(postgres: databases.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[hubs.Hub]:
    """A hub with eight sessions in it: five complete, of three people in two accounts."""
    folder = tmp_path_factory.mktemp("reading")
    url = databases.fresh_database(postgres)
    options = ("--files", str(folder / "files"), "--trusted-proxy", "127.0.0.1/32")
    with hubs.running(folder / "log", "--database-url", url, options=options) as hub:
        hub.apply(SURVEYS)
        with hub.client(headers={"X-Forwarded-Proto": "https"}) as http:
            for n in range(5):
                person = {"email": f"p{n % 3}@example.com", "account": ("ACME", "Umbrella")[n % 3 == 2]}
                complete(http, {"answerId": 4}, respondent=person)
            for _ in range(2):
                reply(http, session(http), {"answerId": 1})
            session(http, 2)
        yield hub
    databases.drop(postgres, url)


@pytest.fixture(scope="module")
def http(hub: hubs.Hub) -> Iterator[httpx.Client]:
    with hub.client() as client:
        yield client


def get(http: httpx.Client, hub: hubs.Hub, path: str, **query: Any) -> httpx.Response:
    return http.get(f"/hub/v1/{path}", params=query, headers=hub.reader())


def data(http: httpx.Client, hub: hubs.Hub, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = get(http, hub, path, **query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


@pytest.mark.parametrize(
    ("path", "members"),
    [
        ("surveys", ["id", "title", "description", "channels", "state", "version", "take_token", "embed_origins",
                     "questions", "sessions"]),
        ("sessions", ["id", "survey", "version", "state", "channel", "answers", "respondent", "metadata",
                      "started_at", "active_at", "completed_at"]),
        ("responses", ["id", "source", "survey", "session", "configuration", "kind", "score", "scores", "comment",
                       "complete", "contact", "account", "touchpoint", "segments", "drivers", "follow_up",
                       "follow_up_details", "reference", "metadata", "sent_at", "completed_at", "created_at"]),
        ("contacts", ["id", "email", "phone", "first_name", "last_name", "job_title", "language", "account",
                      "segments", "created_at", "changed_at"]),
        ("accounts", ["id", "name", "aliases", "segments", "created_at", "changed_at"]),
    ],
)  # fmt: skip
def test_shows_the_members_of_the_contract(
    http: httpx.Client, hub: hubs.Hub, path: str, members: list[str]
) -> None:
    assert list(data(http, hub, path)[0]) == members


@pytest.mark.parametrize("path", LISTS)
def test_gives_a_list_page_by_page_without_repeating(http: httpx.Client, hub: hubs.Hub, path: str) -> None:
    whole = [one["id"] for one in data(http, hub, path)]
    assert len(whole) >= 2
    seen: list[Any] = []
    query: dict[str, Any] = {"limit": 1}
    while True:
        page = get(http, hub, path, **query).json()
        seen += [one["id"] for one in page["data"]]
        if page["next"] is None:
            break
        query["after"] = page["next"]
    assert seen == whole


@pytest.mark.parametrize("path", LISTS)
def test_refuses_a_bad_cursor_limit_or_filter(http: httpx.Client, hub: hubs.Hub, path: str) -> None:
    for query in ({"after": "nonsense"}, {"limit": "0"}, {"limit": "1001"}, {"colour": "red"}):
        answer = get(http, hub, path, **query)
        assert answer.status_code == 400
        assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", LISTS)
def test_asks_for_a_token_that_may_read(http: httpx.Client, hub: hubs.Hub, path: str) -> None:
    assert http.get(f"/hub/v1/{path}").status_code == 401
    other = {"Authorization": f"Bearer {hub.secrets['access_tokens']['reports']}"}
    assert http.get(f"/hub/v1/{path}", headers=other).status_code == 403


@pytest.mark.parametrize(
    ("path", "query", "count"),
    [
        ("sessions", {"survey": 2}, 1),
        ("sessions", {"state": "partial"}, 3),
        ("sessions", {"state": "complete", "survey": 7}, 5),
        ("sessions", {"state": "expired"}, 0),
        ("sessions", {"channel": "web"}, 0),
        ("responses", {"survey": 7, "complete": "true"}, 5),
        ("responses", {"complete": "false"}, 0),
        ("responses", {"kind": "nps"}, 5),
        ("responses", {"kind": "csat"}, 0),
        ("responses", {"channel": "api_session"}, 5),
        ("responses", {"contact": "P0@example.com"}, 2),
        ("responses", {"account": " umbrella"}, 1),
        ("responses", {"touchpoint": "Support"}, 0),
        ("contacts", {"email": "P1@Example.com"}, 1),
        ("contacts", {"account": "acme"}, 2),
        ("contacts", {"phone": "000"}, 0),
        ("accounts", {"name": "ACME"}, 1),
        ("accounts", {"name": "Nobody"}, 0),
    ],
)
def test_narrows_a_list(
    http: httpx.Client, hub: hubs.Hub, path: str, query: dict[str, Any], count: int
) -> None:
    assert len(data(http, hub, path, **query)) == count


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("sessions", {"survey": "seven"}),
        ("sessions", {"state": "done"}),
        ("responses", {"complete": "maybe"}),
        ("responses", {"kind": "mood"}),
        ("responses", {"contact": "a\x00b"}),
    ],
)
def test_refuses_a_filter_that_is_none(
    http: httpx.Client, hub: hubs.Hub, path: str, query: dict[str, Any]
) -> None:
    assert get(http, hub, path, **query).status_code == 400


def test_counts_the_sessions_of_a_survey(http: httpx.Client, hub: hubs.Hub) -> None:
    counts = {one["id"]: one["sessions"] for one in data(http, hub, "surveys")}
    assert counts[7] == {"started": 7, "partial": 2, "complete": 5, "expired": 0}
    assert counts[2] == {"started": 1, "partial": 1, "complete": 0, "expired": 0}
    assert counts[3] == {"started": 0, "partial": 0, "complete": 0, "expired": 0}


def test_describes_the_lists(http: httpx.Client) -> None:
    paths = http.get("/hub/v1/openapi.json").json()["paths"]
    assert {f"/hub/v1/{path}" for path in LISTS} <= set(paths)
    names = [one["name"] for one in paths["/hub/v1/sessions"]["get"]["parameters"]]
    assert set(names) == {"after", "limit", "survey", "state", "channel"}
