"""`/hub/v1/intake` from outside: nothing fails silently (contract: common.md, "The intake log")."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from tests.support import hub as hubs
from tests.support.hub import CREATE, KEY, WEB_KEY


def newest(http: httpx.Client, hub: hubs.Hub, rows: int = 1) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = http.get(f"/hub/v1/intake?limit={rows}", headers=hub.reader()).json()[
        "data"
    ]
    return entries


def test_shows_a_parameter_that_stopped_arriving(http: httpx.Client, hub: hubs.Hub) -> None:
    http.post(CREATE, params={"apiKey": KEY}, json={"title": "x", "severity": "Low", "rating": 3})
    http.post(CREATE, params={"apiKey": KEY}, json={"title": "x", "Severity": "Low", "rating": 3})
    renamed, whole = newest(http, hub, 2)
    assert "severity" not in whole["missing"]
    assert "severity" in renamed["missing"]
    assert renamed["unmapped"] == ["Severity"]


@pytest.mark.parametrize(
    ("method", "path", "key", "headers", "body", "status"),
    [
        ("POST", CREATE, WEB_KEY, {"Content-Type": "application/json"}, b"{}", 403),
        ("POST", f"{CREATE}x", KEY, {"Content-Type": "application/json"}, b"{}", 404),
        ("PUT", CREATE, KEY, {"Content-Type": "application/json"}, b"{}", 405),
        ("POST", CREATE, KEY, {"Content-Type": "text/plain"}, b"{}", 415),
        ("POST", CREATE, KEY, {"Content-Type": "application/json"}, b"{", 400),
        ("POST", CREATE, KEY, {"Content-Type": "application/json"}, b'{"title": ""}', 400),
        ("POST", CREATE, KEY, {"Content-Type": "application/json"}, b" " * (1 << 20) + b"{}", 413),
        ("POST", CREATE, "off_0000111122223333", {"Content-Type": "application/json"}, b"{}", 401),
    ],
)
def test_keeps_what_was_refused_with_a_hint(
    http: httpx.Client,
    hub: hubs.Hub,
    method: str,
    path: str,
    key: str,
    headers: dict[str, str],
    body: bytes,
    status: int,
) -> None:
    answer = http.request(method, path, params={"apiKey": key}, content=body, headers=headers)
    assert answer.status_code == status
    entry = newest(http, hub)[0]
    assert (entry["status"], entry["method"], entry["endpoint"]) == (status, method, path)
    assert entry["error"]
    assert entry["hint"]
    assert entry["created"] is None
    assert key not in json.dumps(entry)


def test_keeps_no_more_of_a_body_than_16_kib(http: httpx.Client, hub: hubs.Hub) -> None:
    http.post(CREATE, params={"apiKey": KEY}, json={"title": "x", "description": "y" * 60_000})
    assert len(newest(http, hub)[0]["body"].encode()) <= 16 * 1024


def test_bears_thousands_of_unknown_parameters(http: httpx.Client, hub: hubs.Hub) -> None:
    many = {f"unknown {number}": number for number in range(20_000)}
    assert http.post(CREATE, params={"apiKey": KEY}, json={"title": "x"} | many).status_code == 201
    assert len(newest(http, hub)[0]["unmapped"]) >= 1


def test_pages_newest_first(http: httpx.Client, hub: hubs.Hub) -> None:
    for _ in range(3):
        http.post(CREATE, params={"apiKey": KEY}, json={"title": "x"})
    first = http.get("/hub/v1/intake?limit=2", headers=hub.reader()).json()
    then = http.get(
        "/hub/v1/intake", params={"limit": "2", "after": first["next"]}, headers=hub.reader()
    ).json()
    ids = [entry["id"] for entry in first["data"] + then["data"]]
    assert ids == sorted(set(ids), reverse=True)


def test_needs_a_token_that_may_read(http: httpx.Client, hub: hubs.Hub) -> None:
    answer = http.get("/hub/v1/intake")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="hub"')
    answer = http.get("/hub/v1/intake", headers={"Authorization": f"Bearer {KEY}"})
    assert (answer.status_code, answer.json()["detail"]) == (401, "The access token is not valid.")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="hub", error="invalid_token"'
    other = {"Authorization": f"Bearer {hub.secrets['access_tokens']['reports']}"}
    answer = http.get("/hub/v1/intake", headers=other)
    assert answer.status_code == 403
    assert "insufficient_scope" in answer.headers["WWW-Authenticate"]
