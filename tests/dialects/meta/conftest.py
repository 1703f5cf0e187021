"""One hub for the tests of this dialect, and a platform that signs what it sends."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support import hub as hubs
from tests.support import postgres as databases

PAGES = Path(__file__).with_name("meta.yaml")
PAGE_ID, SECRET = "1234567890321", "0c6f"
#: Every test has stories of its own, so that one hub serves them all.
STORIES = itertools.count(1)


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def delivered(*values: Mapping[str, Any], at: int = 1_500_000_000) -> dict[str, Any]:
    """A delivery of the page with these values as its changes."""
    changes = [{"field": "ratings", "value": dict(value)} for value in values]
    return {"object": "page", "entry": [{"id": PAGE_ID, "time": at, "changes": changes}]}


@dataclass
class Platform:
    """What stands on the other side of `/meta/<page>`."""

    http: httpx.Client
    hub: hubs.Hub
    story: int = field(default_factory=lambda: 10**14 + next(STORIES))

    def send(self, payload: Any, page: str = "main") -> httpx.Response:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        headers = {"X-Hub-Signature-256": signature(body), "Content-Type": "application/json"}
        return self.http.post(f"/meta/{page}", content=body, headers=headers)

    def told(self, verb: str, at: int, page: str = "main", **members: Any) -> None:
        """Deliver one change of this platform's story; 5 stars where nothing else is said."""
        value = {"item": "rating", "verb": verb, "open_graph_story_id": self.story, **members}
        if verb != "remove" and not {"rating", "recommendation_type"} & members.keys():
            value["rating"] = 5
        answer = self.send(delivered(value, at=at), page)
        assert answer.status_code == 200, answer.text

    def rows(self, kind: str, **query: str) -> list[dict[str, Any]]:
        answer = self.http.get(
            f"/hub/v1/{kind}", params={"limit": "1000", **query}, headers=self.hub.reader()
        )
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()["data"]
        return rows

    def rating(self, page: str = "main") -> dict[str, Any] | None:
        """The story's rating as the hub's own API shows it."""
        found = [row for row in self.rows("ratings", page=page) if row["story_id"] == str(self.story)]
        assert len(found) < 2
        return found[0] if found else None


@pytest.fixture(scope="session")
def meta_hub(postgres: databases.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[hubs.Hub]:
    """Provisioned, on a database of its own; shared, so tests look at what they made alone."""
    folder = tmp_path_factory.mktemp("meta")
    url = databases.fresh_database(postgres)
    options = ("--files", str(folder / "files"))
    with hubs.running(folder / "log", "--database-url", url, options=options) as hub:
        hub.apply(PAGES)
        yield hub
    databases.drop(postgres, url)


@pytest.fixture(scope="session")
def meta_http(meta_hub: hubs.Hub) -> Iterator[httpx.Client]:
    with meta_hub.client() as client:
        yield client


@pytest.fixture
def platform(meta_http: httpx.Client, meta_hub: hubs.Hub) -> Platform:
    return Platform(meta_http, meta_hub)
