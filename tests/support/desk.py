"""A desk where errands come in and are worked on, and the reporting tool that polls them over JSON:API."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
from tests.support import hub as hubs
from tests.support import jsonapi
from tests.support import postgres as databases

from tellback.core import changes, tickets
from tellback.core.tickets import Action, By
from tellback.storage.database import Database, Transaction

C = "/s/demo/capi/json"
AGENT = By("agent System Administrator")

Result = TypeVar("Result")


@dataclass
class Desk:
    """Where errands come in and are worked on, and the tool that polls them."""

    http: httpx.Client
    hub: hubs.Hub

    def file(self, title: str = "test", kind: str = "app", **values: str) -> int:
        """A ticket as a source posts it; its id."""
        answer = self.http.post(
            f"/api/v1/projects/beta/feedback/{kind}",
            params={"apiKey": "mob_6f1d0c8e5a7b4923"},
            json={"title": title, **values},
        )
        assert answer.status_code == 201, answer.text
        id: int = answer.json()["id"]
        return id

    def act(self, errand: int, *actions: Action, by: By = AGENT) -> None:
        """What an agent does to it, by the core's verbs."""

        async def effect(tx: Transaction) -> None:
            workspace = await tx.fetchval("select id from workspaces where slug = 'demo'")
            acted = await tickets.act(tx, workspace, errand, actions, by)
            await changes.record(tx, workspace, acted.news)

        self.store(effect)

    def store(self, effect: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Something done to the hub's database in one transaction."""

        return self.work(lambda db: db.write(effect))

    def work(self, task: Callable[[Database], Awaitable[Result]]) -> Result:
        """Something done with the hub's database."""

        async def work() -> Result:
            db = await Database.open(self.hub.place[1], connections=2)
            try:
                return await task(db)
            finally:
                await db.close()

        return databases.run(work())

    def sql(self, statement: str, *arguments: Any) -> list[dict[str, Any]]:
        async def effect(tx: Transaction) -> list[dict[str, Any]]:
            return [dict(row) for row in await tx.fetch(statement, *arguments)]

        return self.store(effect)

    def headers(self, key: str = "bi") -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.hub.secrets['access_tokens'][key]}",
            "Accept": "application/vnd.api+json",
        }

    def call(self, method: str, path: str, status: int = 200, **options: Any) -> httpx.Response:
        """A call with the tool's token, whose answer is seen to be JSON:API."""
        headers = self.headers() | options.pop("headers", {})
        answer = self.http.request(method, f"{C}/{path}", headers=headers, **options)
        assert answer.status_code == status, answer.text
        if method != "HEAD":
            jsonapi.check(answer)
        return answer

    def get(self, path: str, status: int = 200, **options: Any) -> Any:
        return self.call("GET", path, status, **options).json()

    def report(self, errand: int) -> dict[str, Any]:
        """The attributes of an errand's report."""
        attributes: dict[str, Any] = self.get(f"c3_errand_reports/{errand}")["data"]["attributes"]
        return attributes

    def dirty(self) -> list[int]:
        errands: list[int] = self.get("c3_dirty_errand_list")["data"]["attributes"]["errands"]
        return errands

    def post(
        self, errands: Any, status: int = 201, *, document: Any = None, **options: Any
    ) -> httpx.Response:
        """Mark errands dirty; or post a whole document."""
        sent = document or {"data": {"type": "c3_dirty_errand_list", "attributes": {"errands": errands}}}
        headers = {"Content-Type": "application/vnd.api+json"} | options.pop("headers", {})
        return self.call(
            "POST", "c3_dirty_errand_list", status, content=json.dumps(sent), headers=headers, **options
        )

    def rate(self, verb: str, story: int, at: int, **members: Any) -> None:
        """A rating's change, delivered and signed by the platform."""
        value = {"item": "rating", "verb": verb, "open_graph_story_id": story, "created_time": at, **members}
        change = {"field": "ratings", "value": value}
        body = json.dumps(
            {"object": "page", "entry": [{"id": "1234567890321", "time": at, "changes": [change]}]}
        ).encode()
        signature = "sha256=" + hmac.new(b"0c6f", body, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature-256": signature, "Content-Type": "application/json"}
        answer = self.http.post("/meta/main", content=body, headers=headers)
        assert answer.status_code == 200, answer.text

    def intake(self) -> list[dict[str, Any]]:
        """The intake log's lines of this surface, newest first."""
        answer = self.http.get("/hub/v1/intake", params={"limit": 50}, headers=self.headers("reader"))
        return [line for line in answer.json()["data"] if line["surface"] == "cention"]
