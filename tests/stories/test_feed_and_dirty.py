"""Four pollers and eight writers while workers are killed: the feed tells everything once, and no dirty mark is lost."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from tests.support import hub as hubs
from tests.support import postgres as databases
from tests.support.hub import CREATE, KEY
from tests.support.processes import eventually, only_linux
from tests.support.serving import children

pytestmark = only_linux

WRITERS, FEED_POLLERS, DIRTY_POLLERS = 8, 2, 2
C = "/s/demo/capi/json"


@dataclass
class Told:
    """What the clients of one run were answered."""

    notes: Counter[int] = field(
        default_factory=Counter
    )  # of each ticket that was created: notes acknowledged
    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    feeds: list[list[tuple[str, str, str]]] = field(default_factory=list)  # cursor, kind, subject, by reader
    reports: list[dict[int, int]] = field(default_factory=list)  # most actions seen of each ticket, by poller


class Client:
    """One client. It does anything again on a new connection until it is answered, but what writes."""

    def __init__(self, hub: hubs.Hub, token: str, told: Told) -> None:
        self._hub, self._told = hub, told
        self._headers = {"Authorization": f"Bearer {token}"}
        self._http = self._opened()

    def _opened(self) -> httpx.Client:
        return self._hub.client(headers=self._headers)

    def get(self, path: str, **query: Any) -> Any:
        while True:
            answer = self._asked("GET", path, params=query)
            if answer is not None and answer.status_code == 200:
                return answer.json()
            time.sleep(0.02)

    def post(self, path: str, body: Any, **query: Any) -> dict[str, Any] | None:
        """None where it was refused, or nobody knows what became of it."""
        answer = self._asked("POST", path, params=query, json=body)
        if answer is None or not answer.is_success:
            time.sleep(0.02)
            return None
        said: dict[str, Any] = answer.json()
        return said

    def _asked(self, method: str, path: str, **options: Any) -> httpx.Response | None:
        try:
            answer = self._http.request(method, path, **options)
        except httpx.TransportError:
            self._told.broken += 1
            self._http.close()
            self._http = self._opened()
            return None
        self._told.statuses[answer.status_code] += 1
        return answer

    def close(self) -> None:
        self._http.close()


def write(client: Client, name: str, told: Told, stop: threading.Event) -> None:
    """Tickets, and notes on tickets of one's own, in turns."""
    mine: list[int] = []
    count = 0
    while not stop.is_set():
        count += 1
        if len(mine) < 3 or count % 10 == 0:
            made = client.post(CREATE, {"title": f"{name} {count}"}, apiKey=KEY)
            if made is not None:
                mine.append(made["id"])
                told.notes[made["id"]] += 0
            continue
        ticket = random.choice(mine)  # noqa: S311
        said = client.post(f"/hub/v1/tickets/{ticket}/actions", {"do": "add_note", "note": f"{name} {count}"})
        if said is not None:
            told.notes[ticket] += 1


def follow(client: Client, seen: list[tuple[str, str, str]], stop: threading.Event) -> None:
    """The feed, from its beginning to its end after everybody has stopped."""
    after: dict[str, str] = {}
    while True:
        over = stop.is_set()
        page = client.get("/hub/v1/changes", limit=50, wait=0 if over else 1, **after)
        seen += [(one["cursor"], one["kind"], one["subject"]["id"]) for one in page["data"]]
        after = {"after": page["next"]}
        if over and not page["data"]:
            return


def poll(client: Client, most: dict[int, int], stop: threading.Event) -> None:
    """The dirty list, and every report on it, until the list is empty after everybody has stopped."""
    while True:
        over = stop.is_set()
        errands = client.get(f"{C}/c3_dirty_errand_list")["data"]["attributes"]["errands"]
        for errand in errands:
            report = client.get(f"{C}/c3_errand_reports/{errand}", **{"fields[c3_errand_reports]": "actions"})
            actions = len(report["data"]["attributes"]["actions"])
            most[errand] = max(actions, most.get(errand, 0))
        if over and not errands:
            return
        if not errands:
            time.sleep(0.01)


@contextmanager
def running(threads: list[threading.Thread], stop: threading.Event) -> Iterator[None]:
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)


def kill_workers(hub: hubs.Hub, seconds: float) -> int:
    """One at random, again and again; how many."""
    killed = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(random.uniform(0.3, 1.5))  # noqa: S311
        workers = [pid for pid in children(hub.process.pid) if "worker" in command_of(pid)]
        if len(workers) == 2:
            os.kill(random.choice(workers), signal.SIGKILL)  # noqa: S311
            killed += 1
    return killed


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


async def stored(url: str) -> tuple[list[tuple[str, str]], dict[int, int]]:
    """The feed as the table has it, and how many actions each ticket has."""
    connection = await asyncpg.connect(url)
    try:
        feed = await connection.fetch("select kind, subject_id from changes order by seq")
        actions = await connection.fetch("select ticket_id, count(*) as n from timeline group by ticket_id")
    finally:
        await connection.close()
    return [(row["kind"], row["subject_id"]) for row in feed], {row["ticket_id"]: row["n"] for row in actions}


def tell(hub: hubs.Hub, seconds: float) -> tuple[Told, int]:
    """Let them all run, kill, stop the writers, let the pollers come to the end."""
    words = ("token", "create", "--workspace", "demo", "--key", "story", *hub.place)
    claims = [word for claim in ("hub_read", "hub_write", "errand_data") for word in ("--claim", claim)]
    token = hubs.tellback(*words, *claims).strip()
    told, stop, over = Told(), threading.Event(), threading.Event()
    told.feeds = [[] for _ in range(FEED_POLLERS)]
    told.reports = [{} for _ in range(DIRTY_POLLERS)]
    clients: list[Client] = []

    def thread(work: Callable[..., None], *arguments: Any) -> threading.Thread:
        clients.append(Client(hub, token, told))
        return threading.Thread(target=work, args=(clients[-1], *arguments))

    writers = [thread(write, f"writer {n}", told, stop) for n in range(WRITERS)]
    pollers = [thread(follow, seen, over) for seen in told.feeds]
    pollers += [thread(poll, most, over) for most in told.reports]
    with running(pollers, over), running(writers, stop):
        killed = kill_workers(hub, seconds)
        eventually(lambda: sum(told.notes.values()) > 20, 30)
    for client in clients:
        client.close()
    return told, killed


def hold_to_it(told: Told, url: str) -> None:
    feed, actions = asyncio.run(stored(url))
    for seen in told.feeds:
        assert [(kind, subject) for _, kind, subject in seen] == feed  # everything, once, in order
        assert len({cursor for cursor, _, _ in seen}) == len(seen)
    noted = Counter(int(subject) for kind, subject in feed if kind == "ticket.changed")
    created = [int(subject) for kind, subject in feed if kind == "ticket.created"]
    assert set(told.notes) <= set(created)
    assert all(noted[ticket] >= notes for ticket, notes in told.notes.items())
    last = {
        ticket: max(most.get(ticket, 0) for most in told.reports) for ticket in actions
    }  # what the pollers have seen of each ticket is all that there is of it
    assert last == actions
    assert set(told.statuses) <= {200, 201, 503}


def feed_and_dirty(postgres: databases.Cluster, tmp_path: Path, seconds: float) -> None:
    url = databases.fresh_database(postgres)
    place = ("--database-url", url)
    with hubs.running(tmp_path / "log", *place, options=("--workers", "2", "--files", str(tmp_path))) as hub:
        hub.apply()
        told, killed = tell(hub, seconds)
        assert killed > 0
        hold_to_it(told, url)
    databases.drop(postgres, url)


def test_tells_every_change_once_and_loses_no_mark_while_workers_are_killed(
    postgres: databases.Cluster, tmp_path: Path
) -> None:
    feed_and_dirty(postgres, tmp_path, 6)


@pytest.mark.soak
def test_tells_every_change_once_and_loses_no_mark_for_a_minute(
    postgres: databases.Cluster, tmp_path: Path
) -> None:
    feed_and_dirty(postgres, tmp_path, 60)
