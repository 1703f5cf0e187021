"""Access tokens over their life, and what is tried with forged ones (RFC 8725, section 2)."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import jwt
import pytest
from tests.support import forging
from tests.support import hub as hubs
from tests.support import postgres as databases


def status(http: httpx.Client, token: str) -> int:
    return http.get("/hub/v1/tickets?limit=1", headers={"Authorization": f"Bearer {token}"}).status_code


def becomes(http: httpx.Client, token: str, wanted: int, seconds: float = 2.0) -> bool:
    """True when a running hub answers `wanted` within the time the contract gives it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if status(http, token) == wanted:
            return True
        time.sleep(0.05)
    return status(http, token) == wanted


@pytest.fixture
def key(hub: hubs.Hub) -> Iterator[str]:
    """A key for one test's token, revoked after it."""
    name = f"story-{uuid.uuid4()}"
    yield name
    hubs.tellback("token", "revoke", "--workspace", "demo", "--key", name, *hub.place, check=False)


def create(hub: hubs.Hub, key: str, *options: str) -> str:
    words = ("token", "create", "--workspace", "demo", "--key", key, *options, *hub.place)
    return hubs.tellback(*words).strip()


@pytest.mark.alone
def test_stops_a_revoked_token_within_two_seconds(http: httpx.Client, hub: hubs.Hub, key: str) -> None:
    token = create(hub, key, "--claim", "hub_read")
    assert status(http, token) == 200
    hubs.tellback("token", "revoke", "--workspace", "demo", "--key", key, *hub.place)
    assert becomes(http, token, 401)


@pytest.mark.alone
def test_stops_a_revoked_token_on_every_process(postgres: databases.Cluster, tmp_path: Path) -> None:
    """Each connection is one worker's for good, so many connections reach both; each of them has seen the token."""
    url = databases.fresh_database(postgres)
    place = ("--database-url", url)
    with hubs.running(tmp_path / "log", *place, options=("--workers", "2")) as hub, ExitStack() as stack:
        hub.apply()
        token = create(hub, "both", "--claim", "hub_read", "--claim", "errand_data")
        clients = [
            stack.enter_context(hub.client(headers={"Authorization": f"Bearer {token}"})) for _ in range(16)
        ]
        paths = ("/hub/v1/tickets?limit=1", "/s/demo/capi/json/c3_dirty_errand_list")

        def statuses() -> set[int]:
            return {client.get(path).status_code for client in clients for path in paths}

        assert statuses() == {200}
        hubs.tellback("token", "revoke", "--workspace", "demo", "--key", "both", *place)
        revoked = time.monotonic()
        time.sleep(max(0.0, revoked + 2.0 - time.monotonic()))
        assert statuses() == {401}
    databases.drop(postgres, url)


@pytest.mark.alone
def test_stops_the_old_token_when_a_new_one_has_its_key(http: httpx.Client, hub: hubs.Hub, key: str) -> None:
    old = create(hub, key, "--claim", "hub_read")
    assert status(http, old) == 200
    new = create(hub, key, "--claim", "hub_read")
    assert status(http, new) == 200
    assert becomes(http, old, 401)


def test_stops_a_token_when_its_time_is_over(http: httpx.Client, hub: hubs.Hub, key: str) -> None:
    token = create(hub, key, "--claim", "hub_read", "--expires", "3s")
    assert status(http, token) == 200
    expires = jwt.decode(token, options={"verify_signature": False})["exp"]
    assert abs(expires - (datetime.now(UTC) + timedelta(seconds=3)).timestamp()) < 3
    time.sleep(max(0.0, expires + 1 - time.time()))
    assert status(http, token) == 401


def test_lets_a_token_do_what_it_claims_and_no_more(http: httpx.Client, hub: hubs.Hub, key: str) -> None:
    assert status(http, create(hub, key, "--claim", "errand_data")) == 403
    assert status(http, create(hub, key, "--claim", "errand_data", "--claim", "hub_read")) == 200


def test_refuses_a_token_without_a_key(hub: hubs.Hub) -> None:
    words = ("token", "create", "--workspace", "demo", "--key", " ", "--claim", "hub_read", *hub.place)
    assert hubs.tellback(*words, check=False) == ""


def test_refuses_every_forged_token_alike(http: httpx.Client, hub: hubs.Hub) -> None:
    good = hub.secrets["access_tokens"]["reader"]
    assert status(http, good) == 200
    said = set()
    for name, token in forging.forged(good).items():
        headers = {b"Authorization": f"Bearer {token}".encode("latin-1")}
        answer = http.get("/hub/v1/tickets", headers=headers)
        assert answer.status_code == 401, name
        said.add(answer.json()["detail"])
    assert len(said) == 1
