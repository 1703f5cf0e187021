"""A hub whose tickets reach a tracker and a CRM: both are one receiver, which remembers what it was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tests.support import hub as hubs
from tests.support import postgres as databases
from tests.support import processes
from tests.support import receiver as receivers

FILE = Path(__file__).with_name("automation.yaml")
KEY = "mob_5701y0c8e5a7b4923"
TRACKER = "trk_5701y0c8e5a7b4923"


@dataclass
class Told:
    """The hub, a client of it, and the receiver of what it sends."""

    hub: hubs.Hub
    http: httpx.Client
    receiver: receivers.Receiver

    def token(self, key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.hub.secrets['access_tokens'][key]}"}

    def get(self, path: str, **query: Any) -> Any:
        answer = self.http.get(f"/hub/v1{path}", params=query, headers=self.token("reader"))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return self.http.post(f"/hub/v1{path}", json=body, headers=self.token("writer") | headers)

    def ticket(self, title: str, severity: str) -> int:
        """Filed as the vendor's clients do; its number."""
        answer = self.http.post(
            f"/api/v1/projects/beta/feedback/app?apiKey={KEY}",
            json={"title": title, "description": "Steps", "severity": severity},
        )
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def deliveries(self, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/deliveries", **query)["data"]
        return found

    def of_ticket(self, ticket: int, webhook: str) -> dict[str, Any]:
        """The one delivery of a webhook for a ticket, once there is one."""

        def found() -> list[dict[str, Any]]:
            subject = {"type": "ticket", "id": str(ticket)}
            return [one for one in self.deliveries(webhook=webhook, limit=1000) if one["subject"] == subject]

        eventually(found)
        (one,) = found()
        return one


def eventually(what: Callable[[], object], seconds: float = 15.0) -> None:
    processes.eventually(what, seconds)


@contextmanager
def running(postgres: databases.Cluster, folder: Path, *more: str) -> Iterator[Told]:
    """`more` are options of `tellback serve`."""
    url = databases.fresh_database(postgres)
    options = (
        "--files",
        str(folder / "files"),
        "--allow-destination",
        "127.0.0.0/8",
        "--retry-schedule",
        "0s,1s",
        *more,
    )
    with (
        receivers.running() as receiver,
        hubs.running(folder / "log", "--database-url", url, options=options) as hub,
        hub.client() as http,
    ):
        file = folder / "automation.yaml"
        file.write_text(
            FILE.read_text(encoding="utf-8").replace("PORT", str(receiver.port)), encoding="utf-8"
        )
        hub.apply(file)
        yield Told(hub, http, receiver)
    databases.drop(postgres, url)
