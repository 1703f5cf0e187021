"""`/hub/v1/configuration` from outside (contracts: hub-api.md, provisioning.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from tests.support import hub as hubs
from tests.support import postgres as databases
from tests.support.hub import CREATE

CONFIGURATION = "/hub/v1/configuration"
MINE = """
workspace: {slug: mine, name: Mine Ltd}
access_tokens:
  - {key: reader, claims: [hub_read]}
  - {key: writer, claims: [hub_read, hub_write]}
touchpoints: [Support]
"""
WORKSPACE = {"slug": "mine", "name": "Mine Ltd"}
TOKENS = [{"key": "reader", "claims": ["hub_read"]}, {"key": "writer", "claims": ["hub_read", "hub_write"]}]


@pytest.fixture(scope="module")
def hub(postgres: databases.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[hubs.Hub]:
    folder = tmp_path_factory.mktemp("configuration")
    url = databases.fresh_database(postgres)
    file = folder / "mine.yaml"
    file.write_text(MINE)
    with hubs.running(folder / "log", "--database-url", url) as hub:
        hub.apply(file)
        yield hub
    databases.drop(postgres, url)


@pytest.fixture(scope="module")
def http(hub: hubs.Hub) -> Iterator[httpx.Client]:
    with hub.client() as client:
        yield client


def writer(hub: hubs.Hub) -> dict[str, str]:
    return {"Authorization": f"Bearer {hub.secrets['access_tokens']['writer']}"}


def read(http: httpx.Client, hub: hubs.Hub) -> dict[str, Any]:
    answer = http.get(CONFIGURATION, headers=hub.reader())
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def write(
    http: httpx.Client, hub: hubs.Hub, document: Any, headers: dict[str, str] | None = None, **query: Any
) -> httpx.Response:
    return http.put(CONFIGURATION, params=query, json=document, headers=writer(hub) | (headers or {}))


def test_shows_the_document_as_the_command_does(http: httpx.Client, hub: hubs.Hub) -> None:
    shown = hubs.tellback("config", "show", "--workspace", "mine", *hub.place, "--output", "json")
    assert read(http, hub) == json.loads(shown)


def test_changes_nothing_by_what_it_shows(http: httpx.Client, hub: hubs.Hub) -> None:
    answer = write(http, hub, read(http, hub), prune="true")
    assert (answer.status_code, answer.json()) == (200, {"changed": [], "secrets": {}})


def test_applies_a_document_and_shows_its_secrets(http: httpx.Client, hub: hubs.Hub) -> None:
    document = {"workspace": WORKSPACE, "api_keys": [{"name": "Shop"}], "touchpoints": ["Support", "Shop"]}
    tried = write(http, hub, document, dry_run="true")
    assert tried.status_code == 200
    assert {change["path"] for change in tried.json()["changed"]} == {"api_keys.Shop", "touchpoints.Shop"}
    assert tried.json()["secrets"] == {}
    answer = write(http, hub, document)
    assert answer.json()["changed"] == tried.json()["changed"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json()["secrets"]["api_keys"]["Shop"]
    shown = read(http, hub)
    assert [key["name"] for key in shown["api_keys"]] == ["Shop"]
    assert answer.json()["secrets"]["api_keys"]["Shop"] not in json.dumps(shown)
    assert write(http, hub, document).json() == {"changed": [], "secrets": {}}


@pytest.mark.parametrize("flag", ["true", "True", "TRUE"])
def test_changes_nothing_however_the_client_writes_true(http: httpx.Client, hub: hubs.Hub, flag: str) -> None:
    before = read(http, hub)
    document = {"workspace": WORKSPACE, "touchpoints": [f"Tried {flag}"]}
    answer = write(http, hub, document, dry_run=flag)
    assert [change["path"] for change in answer.json()["changed"]] == [f"touchpoints.Tried {flag}"]
    assert read(http, hub) == before


@pytest.mark.parametrize("flag", ["", "yes", "2", "truly"])
def test_refuses_a_flag_that_it_might_misread(http: httpx.Client, hub: hubs.Hub, flag: str) -> None:
    before = read(http, hub)
    answer = write(http, hub, {"workspace": WORKSPACE, "touchpoints": ["Misread"]}, dry_run=flag)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert read(http, hub) == before


def test_says_of_a_call_without_parameters_that_it_has_none(http: httpx.Client, hub: hubs.Hub) -> None:
    answer = http.get(f"{CONFIGURATION}?dry_run=true", headers=hub.reader())
    assert answer.status_code == 400
    assert answer.json()["detail"] == "There is no query parameter 'dry_run' here; there is none."


def test_takes_yaml(http: httpx.Client, hub: hubs.Hub) -> None:
    answer = http.put(
        CONFIGURATION,
        content="workspace: {slug: mine, name: Mine Ltd}\ntouchpoints: [Till]\n",
        headers=writer(hub) | {"Content-Type": "application/yaml"},
    )
    assert answer.status_code == 200, answer.text
    assert "touchpoints.Till" in [change["path"] for change in answer.json()["changed"]]


def test_archives_what_is_no_longer_there_only_where_it_is_told_to(http: httpx.Client, hub: hubs.Hub) -> None:
    write(http, hub, {"workspace": WORKSPACE, "touchpoints": ["Support", "Gone"]})
    kept = {"workspace": WORKSPACE, "access_tokens": TOKENS, "touchpoints": ["Support"]}
    assert write(http, hub, kept).json()["changed"] == []
    pruned = write(http, hub, kept, prune="true").json()["changed"]
    assert {"path": "touchpoints.Gone", "change": "archived"} in pruned


def test_tells_every_fault_with_its_place_and_stores_nothing(http: httpx.Client, hub: hubs.Hub) -> None:
    before = read(http, hub)
    document = {
        "workspace": WORKSPACE,
        "touchpoints": ["Fresh"],
        "acess_tokens": [],
        "projects": [{"key": "beta", "feedback_types": [{"key": "bugs", "colour": "red"}]}],
    }
    answer = write(http, hub, document)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    places = {fault["where"] for fault in answer.json()["errors"]}
    assert {"acess_tokens", "projects[0].feedback_types[0].colour"} <= places
    assert read(http, hub) == before


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"workspace": NaN}', "application/json", 400),
        (b"[]", "application/json", 422),
        (b"null", "application/json", 422),
        (b"{}", "application/json", 422),
        (b'{"workspace": {"slug": "demo", "name": "Other"}}', "application/json", 422),
        (b"a: [", "application/yaml", 422),
        (b"a: &a [*a]", "application/yaml", 422),
        (b"\xff", "application/yaml", 422),
        (b"workspace: {slug: mine, name: {env: HOME}}", "application/yaml", 422),
        (b"x", "text/plain", 415),
        (b"[" * 1000, "application/json", 400),
        (b" " * (1024 * 1024 + 1), "application/json", 413),
    ],
)
def test_refuses_what_is_no_document(
    http: httpx.Client, hub: hubs.Hub, content: bytes, media_type: str, status: int
) -> None:
    answer = http.put(CONFIGURATION, content=content, headers=writer(hub) | {"Content-Type": media_type})
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_reads_no_file_and_no_variable_of_the_hub(http: httpx.Client, hub: hubs.Hub) -> None:
    for secret in ({"env": "HOME"}, {"file": "/etc/hostname"}):
        answer = write(http, hub, {"workspace": WORKSPACE, "api_keys": [{"name": "Spy", "key": secret}]})
        assert answer.status_code == 422


@pytest.mark.parametrize("query", [{"dry_run": "yes"}, {"prune": "1"}, {"dryrun": "true"}])
def test_refuses_a_query_it_cannot_read(http: httpx.Client, hub: hubs.Hub, query: dict[str, Any]) -> None:
    assert write(http, hub, {"workspace": WORKSPACE}, **query).status_code == 400


def test_lets_only_those_in_who_may(http: httpx.Client, hub: hubs.Hub) -> None:
    assert http.get(CONFIGURATION).status_code == 401
    assert http.put(CONFIGURATION, json={}, headers=hub.reader()).status_code == 403


def test_saws_off_no_branch_that_it_sits_on(http: httpx.Client, hub: hubs.Hub) -> None:
    document = {"workspace": WORKSPACE, "access_tokens": TOKENS[:1]}
    answer = write(http, hub, document, prune="true")
    assert answer.status_code == 409
    assert write(http, hub, read(http, hub)).json()["changed"] == []


def test_answers_a_repeated_request_alike_and_keeps_its_secrets_closed(
    http: httpx.Client, hub: hubs.Hub, postgres: databases.Cluster
) -> None:
    document = {"workspace": WORKSPACE, "api_keys": [{"name": "Once"}]}
    key = {"Idempotency-Key": "once-1"}
    first = write(http, hub, document, key)
    again = write(http, hub, document, key)
    secret = first.json()["secrets"]["api_keys"]["Once"]
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert write(http, hub, {"workspace": WORKSPACE}, key).status_code == 422
    dump = hubs.tellback(
        "intake", "tail", "--workspace", "mine", "--limit", "500", *hub.place, "--output", "json"
    )
    assert secret not in dump
    assert "a configuration document of" in dump
    bodies = databases.run(kept(hub.place[1]))
    assert bodies
    assert all(secret.encode() not in body for body in bodies)


async def kept(url: str) -> list[bytes]:

    connection = await asyncpg.connect(url)
    try:
        return [row["body"] for row in await connection.fetch("select body from kept_answers")]
    finally:
        await connection.close()


def test_keeps_no_given_secret_in_the_log(http: httpx.Client, hub: hubs.Hub) -> None:
    given = "given_5f2a9c1b7d3e4f60"
    for name in ("Given", 7):
        write(http, hub, {"workspace": WORKSPACE, "api_keys": [{"name": name, "key": given}]})
    http.put(
        CONFIGURATION,
        content=f'{{"key": "{given}"',
        headers=writer(hub) | {"Content-Type": "application/json"},
    )
    dump = hubs.tellback(
        "intake", "tail", "--workspace", "mine", "--limit", "500", *hub.place, "--output", "json"
    )
    assert given not in dump
    assert given not in Path(hub.log).read_text()


def test_is_acted_on_at_once(http: httpx.Client, hub: hubs.Hub) -> None:
    project = {
        "key": "beta", "participants": [{"email": "bo@example.com", "name": "Bo"}],
        "feedback_types": [{
            "key": "bugs", "name": "Bug", "prefix": "BUG", "statuses": [{"name": "New", "kind": "open"}],
            "elements": [{"key": "title", "label": "Title", "type": "text", "role": "subject"}],
            "external_sources": [{"key": "app", "name": "App", "api_key": "Shop2", "status": "New",
                                  "default_submitter": "bo@example.com", "fields": {"title": "title"}}],
        }],
    }  # fmt: skip
    keys = [{"name": "Shop2", "key": "shop_1234567890abcdef"}]
    answer = write(http, hub, {"workspace": WORKSPACE, "api_keys": keys, "projects": [project]})
    assert answer.status_code == 200, answer.text
    filed = http.post(CREATE, params={"apiKey": "shop_1234567890abcdef"}, json={"title": "x"})
    assert filed.status_code == 201, filed.text
