"""Who may call, and what is tried with tokens that are none (contract, "Access"; RFC 6750; RFC 8725, section 2)."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

import httpx
import pytest
from tests.support import forging, jsonapi
from tests.support import hub as hubs
from tests.support.desk import C, Desk

PATHS = [
    "c3_errand_reports/1",
    "c3_dirty_errand_list",
    "c3_dirty_errand_list/0",
    "c3_dirty_facebook_ratings",
    "c3_facebook_ratings/1",
]
INVALID = 'Bearer realm="cention", error="invalid_token"'


def ask(
    http: httpx.Client, authorization: str | None, path: str = PATHS[1], workspace: str = "demo"
) -> httpx.Response:
    headers = {} if authorization is None else {b"Authorization": authorization.encode("latin-1")}
    answer = http.get(f"/s/{workspace}/capi/json/{path}", headers=headers)
    jsonapi.check(answer)
    return answer


@pytest.mark.parametrize("path", PATHS)
def test_asks_for_a_token_at_every_path(anyone: httpx.Client, path: str) -> None:
    answer = ask(anyone, None, path)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="cention"')


@pytest.mark.parametrize("authorization", ["", "Bearer", "Basic YTpi", "Token abc", "a.b.c"])
def test_asks_for_a_token_where_none_was_sent(anyone: httpx.Client, authorization: str) -> None:
    answer = ask(anyone, authorization)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="cention"')


def test_takes_the_scheme_in_any_capitals(anyone: httpx.Client, desk: Desk) -> None:
    token = desk.hub.secrets["access_tokens"]["bi"]
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert ask(anyone, f"{scheme} {token}").status_code == 200


def test_refuses_every_forged_token_alike(anyone: httpx.Client, desk: Desk) -> None:
    good = desk.hub.secrets["access_tokens"]["bi"]
    said = set()
    for name, token in forging.forged(good).items():
        answer = ask(anyone, f"Bearer {token}")
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, INVALID), name
        said.add(answer.text)
    assert len(said) == 1


def test_refuses_the_token_of_another_workspace(anyone: httpx.Client, desk: Desk) -> None:
    tokens = desk.hub.secrets["access_tokens"]
    assert ask(anyone, f"Bearer {tokens['bi-other']}", workspace="other").status_code == 200
    for token, workspace in (
        (tokens["bi-other"], "demo"),
        (tokens["bi"], "other"),
        (tokens["bi"], "nobodys"),
    ):
        answer = ask(anyone, f"Bearer {token}", workspace=workspace)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, INVALID)


@pytest.mark.parametrize("path", PATHS)
def test_refuses_a_token_without_the_claim(anyone: httpx.Client, desk: Desk, path: str) -> None:
    answer = ask(anyone, f"Bearer {desk.hub.secrets['access_tokens']['reader']}", path)
    assert answer.status_code == 403
    assert answer.headers["www-authenticate"].startswith('Bearer realm="cention", error="insufficient_scope"')


def test_reads_no_cookie_and_no_parameter(anyone: httpx.Client, desk: Desk) -> None:
    token = desk.hub.secrets["access_tokens"]["bi"]
    for name in ("access_token", "token", "jwt", "Authorization"):
        answer = anyone.get(f"{C}/c3_dirty_errand_list", headers={"Cookie": f"{name}={token}"})
        assert answer.status_code == 401
        assert anyone.get(f"{C}/c3_dirty_errand_list", params={name: token}).status_code == 401
    answer = anyone.get(f"{C}/c3_dirty_errand_list", headers=desk.headers())
    assert "set-cookie" not in answer.headers


def test_tells_a_stranger_nothing_of_methods_and_types(anyone: httpx.Client) -> None:
    answer = anyone.request(
        "PATCH", f"{C}/c3_dirty_errand_list", headers={"Accept": "text/html"}, content=b"{"
    )
    assert answer.status_code == 401
    jsonapi.check(answer)


def test_keeps_a_claim_that_is_missing_in_the_intake_log(anyone: httpx.Client, desk: Desk) -> None:
    ask(anyone, f"Bearer {desk.hub.secrets['access_tokens']['reader']}")
    line = desk.intake()[0]
    assert (line["status"], line["credential"], line["endpoint"]) == (
        403,
        "reader",
        f"{C}/c3_dirty_errand_list",
    )
    assert "errand_data" in line["error"]


@pytest.mark.parametrize("authorization", [None, "Basic YTpi", "Bearer a.b.c"])
def test_keeps_strangers_in_the_log_of_the_workspace_they_ask_for(
    anyone: httpx.Client, desk: Desk, authorization: str | None
) -> None:
    path = f"c3_errand_reports/{uuid.uuid4()}"
    assert ask(anyone, authorization, path).status_code == 401
    line = desk.intake()[0]
    assert (line["endpoint"], line["status"]) == (f"{C}/{path}", 401)
    assert (line["credential"], line["body"]) == (None, None)
    assert line["error"]
    assert line["hint"]


def test_names_no_token_of_another_workspace_in_the_log(anyone: httpx.Client, desk: Desk) -> None:
    path = f"c3_errand_reports/{uuid.uuid4()}"
    other = desk.hub.secrets["access_tokens"]["bi-other"]
    assert ask(anyone, f"Bearer {other}", path).status_code == 401
    line = desk.intake()[0]
    assert (line["endpoint"], line["status"], line["credential"]) == (f"{C}/{path}", 401, None)


@pytest.mark.parametrize("workspace", ["nowhere", "Demo", "%00", "%FF", "a" * 70])
def test_refuses_at_workspaces_that_cannot_be(anyone: httpx.Client, workspace: str) -> None:
    assert ask(anyone, None, workspace=workspace).status_code == 401


# Over a token's life


@pytest.fixture
def key(errands_hub: hubs.Hub) -> Iterator[str]:
    """A key for one test's token, revoked after it."""
    name = f"life-{uuid.uuid4()}"
    yield name
    hubs.tellback("token", "revoke", "--workspace", "demo", "--key", name, *errands_hub.place, check=False)


def create(hub: hubs.Hub, key: str, *options: str) -> str:
    words = ("token", "create", "--workspace", "demo", "--key", key, "--claim", "errand_data", *options)
    return hubs.tellback(*words, *hub.place).strip()


def test_stops_a_token_when_its_time_is_over_and_logs_it(anyone: httpx.Client, desk: Desk, key: str) -> None:
    token = create(desk.hub, key, "--expires", "2s")
    assert ask(anyone, f"Bearer {token}").status_code == 200
    time.sleep(2.2)
    answer = ask(anyone, f"Bearer {token}")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, INVALID)
    line = desk.intake()[0]
    assert (line["status"], line["credential"]) == (401, key)


def test_stops_a_token_it_first_sees_when_it_is_over(anyone: httpx.Client, desk: Desk, key: str) -> None:
    token = create(desk.hub, key, "--expires", "1s")
    time.sleep(1.2)
    assert ask(anyone, f"Bearer {token}").status_code == 401
