"""Clients that keep posting tickets, and remember every answer."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from tests.support.hub import CREATE, KEY, Hub


@dataclass
class Posted:
    """What the clients were told. `tickets` leads from the title sent to the id in the 201."""

    tickets: dict[str, int] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    bodies_of_503: set[str] = field(default_factory=set)


@contextmanager
def posting(hub: Hub, clients: int = 8, mark: str = "") -> Iterator[Posted]:
    """`clients` threads post until the block ends; a broken connection is opened anew."""
    posted, stop = Posted(), threading.Event()
    threads = [threading.Thread(target=_post, args=(hub, f"{mark}{n}", posted, stop)) for n in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield posted
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _post(hub: Hub, name: str, posted: Posted, stop: threading.Event) -> None:
    count = 0
    while not stop.is_set():
        with httpx.Client(base_url=hub.url, timeout=20, trust_env=False) as http:
            try:
                while not stop.is_set():
                    count += 1
                    title = f"{name}-{count}"
                    answer = http.post(
                        CREATE, params={"apiKey": KEY}, json={"title": title, "severity": "Low"}
                    )
                    posted.statuses[answer.status_code] += 1
                    if answer.status_code == 201:
                        posted.tickets[title] = answer.json()["id"]
                    elif answer.status_code == 503:
                        posted.bodies_of_503.add(f"{answer.text} {answer.headers.get('Retry-After')}")
                        time.sleep(0.02)
            except httpx.TransportError:
                posted.broken += 1
                time.sleep(0.02)


def stored(hub: Hub) -> dict[str, int]:
    """Every ticket the hub has: title to id."""
    found: dict[str, int] = {}
    with hub.client() as http:
        after: str | None = None
        while True:
            query = {"limit": "1000"} | ({"after": after} if after else {})
            page = http.get("/hub/v1/tickets", params=query, headers=hub.reader()).json()
            for ticket in page["data"]:
                assert ticket["subject"] not in found
                found[ticket["subject"]] = ticket["id"]
            after = page["next"]
            if after is None:
                return found
