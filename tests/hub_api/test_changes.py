"""`/hub/v1/changes` from outside (contract: hub-api.md)."""

from __future__ import annotations

import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support import hub as hubs
from tests.support import postgres as databases
from tests.support.hub import CREATE, KEY
from tests.support.serving import until

from tellback.core import paging


def create(http: httpx.Client, title: str = "x") -> str:
    return str(http.post(CREATE, params={"apiKey": KEY}, json={"title": title}).json()["id"])


def feed(http: httpx.Client, hub: hubs.Hub, **query: Any) -> dict[str, Any]:
    answer = http.get("/hub/v1/changes", params=query, headers=hub.reader())
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def end(http: httpx.Client, hub: hubs.Hub) -> str:
    """The cursor at the end of what there is."""
    page = feed(http, hub, limit=1000)
    while page["data"]:
        page = feed(http, hub, limit=1000, after=page["next"])
    cursor: str = page["next"]
    return cursor


def test_tells_what_happened_to_what_and_by_whom(http: httpx.Client, hub: hubs.Hub) -> None:
    place = end(http, hub)
    number = create(http)
    page = feed(http, hub, after=place)
    (change,) = page["data"]
    assert change.pop("at").endswith("Z")
    assert change.pop("data").pop("display_id").startswith("BUG-")
    assert change == {
        "cursor": page["next"],
        "kind": "ticket.created",
        "subject": {"type": "ticket", "id": number},
        "actor": "source Mobile app",
    }


def test_gives_every_change_once_to_a_reader_that_goes_on(http: httpx.Client, hub: hubs.Hub) -> None:
    place = end(http, hub)
    made = [create(http) for _ in range(5)]
    seen: list[str] = []
    sizes = []
    while True:
        page = feed(http, hub, after=place, limit=2)
        sizes.append(len(page["data"]))
        if not page["data"]:
            break
        seen += [change["subject"]["id"] for change in page["data"]]
        place = page["next"]
    assert seen == made
    assert sizes == [2, 2, 1, 0]


def test_gives_back_the_cursor_at_the_end(http: httpx.Client, hub: hubs.Hub) -> None:
    place = end(http, hub)
    assert feed(http, hub, after=place) == {"data": [], "next": place}


def test_gives_every_reader_every_change_however_many_write(http: httpx.Client, hub: hubs.Hub) -> None:
    place = start = end(http, hub)

    def write(_: int) -> list[str]:
        with hub.client() as client:
            return [create(client) for _ in range(10)]

    seen: list[str] = []
    with ThreadPoolExecutor(8) as writers:
        working = writers.map(write, range(8))
        deadline = time.monotonic() + 20
        while len(seen) < 80 and time.monotonic() < deadline:
            page = feed(http, hub, after=place, limit=7, wait=1)
            seen += [change["subject"]["id"] for change in page["data"]]
            place = page["next"]
        made = [number for numbers in working for number in numbers]
    assert sorted(seen) == sorted(made)
    again: list[str] = []
    while len(again) < 80:
        page = feed(http, hub, after=start, limit=9)
        again += [change["subject"]["id"] for change in page["data"]]
        start = page["next"]
    assert again == seen


def test_holds_the_answer_until_there_is_a_change(http: httpx.Client, hub: hubs.Hub) -> None:
    place = end(http, hub)
    with hub.client() as other, ThreadPoolExecutor(1) as thread:
        began = time.monotonic()
        held = thread.submit(feed, other, hub, after=place, wait=25)
        until(lambda: waiting(http) == 1)
        number = create(http)
        page = held.result(20)
    assert [change["subject"]["id"] for change in page["data"]] == [number]
    assert time.monotonic() - began < 10


def test_answers_at_once_where_there_is_something(http: httpx.Client, hub: hubs.Hub) -> None:
    place = end(http, hub)
    create(http)
    began = time.monotonic()
    assert len(feed(http, hub, after=place, wait=30)["data"]) == 1
    assert time.monotonic() - began < 5


def test_ends_a_wait_when_it_is_over(http: httpx.Client, hub: hubs.Hub) -> None:
    place = end(http, hub)
    began = time.monotonic()
    assert feed(http, hub, after=place, wait="0.5") == {"data": [], "next": place}
    assert 0.4 < time.monotonic() - began < 5


def test_lets_many_wait_and_answers_them_all(http: httpx.Client, hub: hubs.Hub) -> None:
    place = end(http, hub)
    before = waiting(http)
    with hub.client() as other, ThreadPoolExecutor(50) as threads:
        held = [threads.submit(feed, other, hub, after=place, wait=20) for _ in range(50)]
        until(lambda: waiting(http) == before + 50, 10)
        number = create(http)
        for one in held:
            assert [change["subject"]["id"] for change in one.result(20)["data"]] == [number]


def test_forgets_a_reader_that_went_away(http: httpx.Client, hub: hubs.Hub) -> None:
    place = end(http, hub)
    before = waiting(http)
    with socket.create_connection(("127.0.0.1", hub.port)) as connection:
        connection.sendall(
            f"GET /hub/v1/changes?after={place}&wait=30 HTTP/1.1\r\nHost: hub\r\n"
            f"Authorization: {hub.reader()['Authorization']}\r\n\r\n".encode()
        )
        until(lambda: waiting(http) == before + 1)
    until(lambda: waiting(http) == before)


def waiting(http: httpx.Client) -> int:
    for line in http.get("/metrics").text.splitlines():
        if line.startswith("tellback_feed_waiting "):
            return int(float(line.split()[1]))
    return 0


@pytest.mark.parametrize(
    "query",
    [
        "wait=-1", "wait=31", "wait=30.1", "wait=", "wait=x", "wait=1e1", "wait=%D9%A3", "wait=nan",
        "after=", "after=%00", "limit=0", "limit=1001", "colour=red",
        f"after={paging.cursor('ticket', 1)}",  # of another list
        f"after={paging.cursor('change', 99999999999)}",  # ahead of everything
    ],
)  # fmt: skip
def test_refuses_a_query_it_cannot_read(http: httpx.Client, hub: hubs.Hub, query: str) -> None:
    answer = http.get(f"/hub/v1/changes?{query}", headers=hub.reader())
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_begins_at_the_beginning_of_nothing(postgres: databases.Cluster, tmp_path: Path) -> None:
    """A hub of its own: nothing has happened in it, and SIGTERM finds readers waiting."""
    url = databases.fresh_database(postgres)
    with hubs.running(tmp_path / "log", "--database-url", url) as hub:
        hub.apply()
        with hub.client() as http:
            place = end(http, hub)
            first = feed(http, hub)
            assert isinstance(first["next"], str)
            assert feed(http, hub, after=first["next"])["next"]
            answers: list[int] = []

            def wait() -> None:
                with hub.client() as client:
                    query = {"after": place, "wait": "30"}
                    answers.append(
                        client.get("/hub/v1/changes", params=query, headers=hub.reader()).status_code
                    )

            threads = [threading.Thread(target=wait) for _ in range(3)]
            for thread in threads:
                thread.start()
            until(lambda: waiting(http) == 3)
        began = time.monotonic()
        hub.process.send_signal(signal.SIGTERM)
        assert hub.process.wait(20) == 0
        assert time.monotonic() - began < 8
        for thread in threads:
            thread.join(5)
        assert answers == [200, 200, 200]
    databases.drop(postgres, url)
