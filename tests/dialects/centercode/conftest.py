"""A hub with listeners, lookups and packages, and the outside system that uses them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support import hub as hubs
from tests.support import postgres as databases

WINDOWS = Path(__file__).with_name("windows.yaml")
TRACKER = "trk_6f1d0c8e5a7b4923"


@dataclass
class Outside:
    """An outside system with its API key."""

    http: httpx.Client
    hub: hubs.Hub
    key: str = TRACKER

    def file(self, source: str = "beta/app", **values: Any) -> dict[str, Any]:
        """A ticket in `<project>/<source>`, as it was created."""
        project, _, name = source.partition("/")
        body = {"title": uuid.uuid4().hex, **values}
        answer = self.post(f"/api/v1/projects/{project}/feedback/{name}", body)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        if body is not None:
            options["json"] = body
        return self.http.post(path, params={"apiKey": self.key}, **options)

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.http.get(path, params={"apiKey": self.key, **query})

    def ticket(self, number: int) -> dict[str, Any]:
        """The ticket as the hub's own API shows it."""
        shown: dict[str, Any] = self.http.get(f"/hub/v1/tickets/{number}", headers=self.hub.reader()).json()
        return shown

    def rows(self, kind: str, **query: str) -> list[dict[str, Any]]:
        answer = self.http.get(f"/hub/v1/{kind}", params=query, headers=self.hub.reader())
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()["data"]
        return rows


@pytest.fixture(scope="session")
def windows_hub(postgres: databases.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[hubs.Hub]:
    """Provisioned, on a database of its own; shared, so tests look at what they made alone."""
    folder = tmp_path_factory.mktemp("windows")
    url = databases.fresh_database(postgres)
    options = ("--files", str(folder / "files"))
    with hubs.running(folder / "log", "--database-url", url, options=options) as hub:
        hub.apply(WINDOWS)
        yield hub
    databases.drop(postgres, url)


@pytest.fixture(scope="session")
def outside(windows_hub: hubs.Hub) -> Iterator[Outside]:
    with windows_hub.client() as client:
        yield Outside(client, windows_hub)
