"""`/hub/v1/tickets?q=` from outside (contract: hub-api.md)."""

from __future__ import annotations

import secrets
import time
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import hub as hubs
from tests.support.hub import CREATE, KEY


def create(http: httpx.Client, **values: Any) -> int:
    number: int = http.post(CREATE, params={"apiKey": KEY}, json={"title": "x"} | values).json()["id"]
    return number


def ask(http: httpx.Client, hub: hubs.Hub, **query: Any) -> httpx.Response:
    return http.get("/hub/v1/tickets", params=query, headers=hub.reader())


def found(http: httpx.Client, hub: hubs.Hub, **query: Any) -> list[int]:
    answer = ask(http, hub, **query)
    assert answer.status_code == 200, answer.text
    return [ticket["id"] for ticket in answer.json()["data"]]


def test_finds_a_ticket_at_once_and_ever_after(http: httpx.Client, hub: hubs.Hub) -> None:
    word = secrets.token_hex(8)
    number = create(http, title=f"The {word} crashes", description="Überall, auch im Aufzug")
    until = time.monotonic() + 3  # long enough for it to be indexed
    while time.monotonic() < until:
        assert found(http, hub, q=f"{word} uberall") == [number]
        assert found(http, hub, q=f"{word} nirgends") == []
        time.sleep(0.2)


def test_goes_with_other_filters_and_page_by_page(http: httpx.Client, hub: hubs.Hub) -> None:
    word = secrets.token_hex(8)
    made = [create(http, title=word) for _ in range(5)]
    first = ask(http, hub, q=word, project="beta", status="New", limit=3).json()
    assert [ticket["id"] for ticket in first["data"]] == made[:3]
    rest = ask(http, hub, q=word, project="beta", status="New", limit=3, after=first["next"]).json()
    assert [ticket["id"] for ticket in rest["data"]] == made[3:]
    assert rest["next"] is None
    assert found(http, hub, q=word, status="Closed") == []


@pytest.mark.parametrize("q", ["", " ", "-", '"', "🎉", "-not", "x" * 1001, "a " * 5000])
def test_refuses_what_asks_for_no_word(http: httpx.Client, hub: hubs.Hub, q: str) -> None:
    answer = ask(http, hub, q=q)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


# Operators and quotes of every kind, among words.
PIECES = st.sampled_from(
    ["a", "crash", "OR", "or", "-", "!", "&", "|", "(", ")", "<->", ":*", "*", "'", '"', "\\", "''", "@1", ":A",
     "\u00e9", "\u6771\u4eac", "\U0001f389", "\u0301", "%", "_", ";", "--", "/*", "$1", "{}", "\t", "\u2028"]
)  # fmt: skip


@settings(max_examples=150)
@given(st.one_of(st.lists(PIECES, max_size=30).map("".join), st.lists(PIECES, max_size=30).map(" ".join)))
def test_takes_any_question(http: httpx.Client, hub: hubs.Hub, q: str) -> None:
    assert ask(http, hub, q=q, limit=1).status_code in (200, 400)


@pytest.mark.parametrize("q", ["%ff", "a%00b", "%ed%a0%80"])
def test_takes_bytes_that_are_no_text(http: httpx.Client, hub: hubs.Hub, q: str) -> None:
    answer = http.get(f"/hub/v1/tickets?q={q}", headers=hub.reader())
    assert answer.status_code in (200, 400)
