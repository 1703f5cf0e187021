"""`GET /meta/<page>`: subscribing a page."""

from __future__ import annotations

import httpx
import pytest
from tests.support import hub as hubs

ASKED = {"hub.mode": "subscribe", "hub.verify_token": "9a1e", "hub.challenge": "1158201444"}


def test_gives_the_challenge_back_as_text(meta_http: httpx.Client) -> None:
    answer = meta_http.get("/meta/main", params=ASKED)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_finds_a_page_whatever_the_capitals_of_its_key(meta_http: httpx.Client) -> None:
    assert meta_http.get("/meta/Main", params=ASKED).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        ASKED | {"hub.verify_token": "wrong"},
        ASKED | {"hub.verify_token": ""},
        ASKED | {"hub.mode": "unsubscribe"},
        {name: ASKED[name] for name in ("hub.mode", "hub.challenge")},
        {name: ASKED[name] for name in ("hub.mode", "hub.verify_token")},
        {},
    ],
)
def test_refuses_who_does_not_know_the_verify_token(meta_http: httpx.Client, query: dict[str, str]) -> None:
    answer = meta_http.get("/meta/main", params=query)
    assert answer.status_code == 403
    assert list(answer.json()) == ["error"]
    assert list(answer.json()["error"]) == ["message"]


def test_knows_no_page_by_another_key(meta_http: httpx.Client) -> None:
    for path in ("/meta/none", "/meta/", "/meta", "/meta/main/more", "/meta/%00", f"/meta/{'k' * 2000}"):
        answer = meta_http.get(path, params=ASKED)
        assert (answer.status_code, list(answer.json())) == (404, ["error"]), path


def test_takes_no_other_method(meta_http: httpx.Client) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        answer = meta_http.request(method, "/meta/main")
        assert (answer.status_code, answer.headers.get("allow")) == (405, "GET, HEAD, POST"), method


def test_logs_a_refused_handshake_without_the_token(meta_http: httpx.Client, meta_hub: hubs.Hub) -> None:
    meta_http.get("/meta/low", params=ASKED | {"hub.verify_token": "sesame-open"})
    newest = meta_http.get("/hub/v1/intake", params={"limit": "1"}, headers=meta_hub.reader()).json()["data"][
        0
    ]
    assert (newest["surface"], newest["target"], newest["status"]) == ("meta", "low", 403)
    assert "sesame-open" not in str(newest)
    assert "sesame-open" not in meta_hub.log.read_text()
