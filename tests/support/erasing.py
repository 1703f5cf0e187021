"""A person who leaves traces in every way there is, by the hub's real surfaces, and a look at all that is stored."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from tests.support import hub as hubs
from tests.support import postgres as databases
from tests.support import receiver as receivers
from tests.support import taking
from tests.support.automation import eventually

FILE = Path(__file__).with_name("erasure.yaml")
KEY = "mob_e7a5e0c8e5a7b4923"
CREATE = "/api/v1/projects/beta/feedback/app"
#: Columns that hold no texts of anybody, and bytes whose look as text means nothing.
TEXTS = ("text", "jsonb", "bytea", "tsvector", "ARRAY")


@dataclass
class Place:
    """A hub, a client of it as seen through a proxy with TLS, its receiver, its database and its files."""

    hub: hubs.Hub
    http: httpx.Client
    receiver: receivers.Receiver
    url: str
    files: Path

    def token(self, key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.hub.secrets['access_tokens'][key]}"}

    def get(self, path: str, **query: Any) -> Any:
        answer = self.http.get(f"/hub/v1{path}", params=query, headers=self.token("reader"))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def erase(self, contact: int) -> httpx.Response:
        return self.http.delete(f"/hub/v1/contacts/{contact}", headers=self.token("writer"))

    def act(self, ticket: int, **body: Any) -> None:
        headers = self.token("writer") | {"Idempotency-Key": uuid.uuid4().hex}
        answer = self.http.post(f"/hub/v1/tickets/{ticket}/actions", json=body, headers=headers)
        assert answer.status_code == 200, answer.text

    def figures(self) -> list[Any]:
        """NPS as everything it is asked by, and how many of everything there are."""
        asked: list[dict[str, str]] = [
            {}, {"group_by": "day"}, {"group_by": "account"}, {"group_by": "touchpoint"}, {"group_by": "survey"},
            {"group_by": "segment.tier"},
        ]  # fmt: skip
        figures = [self.get("/metrics", kind="nps", **one) for one in asked]
        counted = (
            "tickets",
            "responses",
            "sessions",
            "ratings",
            "deliveries",
            "intake",
            "attempts",
            "timeline",
        )
        return [*figures, *(len(self.rows(f"select 1 from {name}")) for name in counted[:3])]

    def rows(self, sql: str, *arguments: Any) -> list[dict[str, Any]]:
        async def ask() -> list[dict[str, Any]]:
            connection = await asyncpg.connect(self.url)
            try:
                return [dict(row) for row in await connection.fetch(sql, *arguments)]
            finally:
                await connection.close()

        return asyncio.run(ask())

    def said(self) -> dict[str, str]:
        """All texts that are stored: by table and column, and by file."""
        columns = self.rows(
            """
            select table_name, column_name, data_type from information_schema.columns
            where table_schema = 'public' and data_type = any($1::text[])
            """,
            list(TEXTS),
        )  # fmt: skip
        found = {}
        for one in columns:
            shown = f'"{one["column_name"]}"'
            shown = f"encode({shown}, 'escape')" if one["data_type"] == "bytea" else f"{shown}::text"
            rows = self.rows(f"select {shown} as text from {one['table_name']} where {shown} is not null")
            found[f"{one['table_name']}.{one['column_name']}"] = "\n".join(row["text"] for row in rows)
        for path in self.files.rglob("*"):
            if path.is_file():
                found[f"files/{path.name}"] = path.read_bytes().decode("latin-1")
        return found

    def holding(self, *words: str) -> set[str]:
        """Where any of these stands, in any case."""
        return {
            where
            for where, text in self.said().items()
            if any(word.lower() in text.lower() for word in words)
        }

    def settled(self) -> None:
        """Wait until every event was acted on and everything that can be sent was sent."""
        behind = """
        select 1 from workspace_counters c where exists (
          select from unnest(array['automation', 'search']) as k (reader)
          left join feed_readers r on r.workspace_id = c.workspace_id and r.name = k.reader
          where coalesce(r.seq, 0) < c.changes)
        """
        eventually(lambda: not self.rows(behind), 30)


@dataclass
class Somebody:
    """Who is known by a word that stands nowhere else."""

    place: Place
    word: str = field(default_factory=lambda: f"canary{uuid.uuid4().hex[:12]}")
    digits: str = field(default_factory=lambda: str(uuid.uuid4().int)[:12])

    @property
    def email(self) -> str:
        return f"Ann.{self.word}@Example.com"

    @property
    def phone(self) -> str:
        return f"+{self.digits[:2]} {self.digits[2:6]}-{self.digits[6:]}"

    def text(self, what: str) -> str:
        """Something they say, with what JSON and forms write otherwise."""
        return f'It "{what}" with\n{self.word}, für Ännchen: 100 % \\ done'

    @property
    def contact(self) -> int:
        """The id of their contact."""
        found: int = self.place.get("/contacts", email=self.email)["data"][0]["id"]
        return found

    def record(self, score: int = 9, **more: Any) -> int:
        """A response by the incoming webhook; its id."""
        body = {
            "Account": "Acme", "Email": self.email, "Phone": self.phone, "First": f"Ann {self.word}",
            "Last": f"Tester {self.word}", "Title": f"Boss of {self.word}", "Language": f"sv-{self.word}",
            "Tier": "gold", "Nick": f"Ann {self.word}", "Sent": "2026-01-01", "Done": "2026-01-02", "Score": score,
            "Comment": self.text("crashed"), "Where": "Support", "Details": self.text("details"),
            "Ref": f"order {self.word}", "Speed": 4, "Said": self.text("drove"),
        }  # fmt: skip
        answer = self.place.http.post("/hooks/0b8f1c7e9d", json=body | more, auth=("shop", "2f7a"))
        assert answer.status_code == 200, answer.text
        newest: int = self.place.rows("select max(id) as id from responses")[0]["id"]
        return newest

    def ticket(self, **more: Any) -> int:
        """A ticket in their name, with a file; its number."""
        body = {"title": self.text("title"), "steps": self.text("steps"), "severity": "High", "stars": 4}
        answer = self.place.http.post(
            CREATE, params={"apiKey": KEY}, json=body | {"submitter": self.email} | more,
            headers={"Idempotency-Key": uuid.uuid4().hex},
        )  # fmt: skip
        assert answer.status_code == 201, answer.text
        made = answer.json()
        address = "/api/v1/" + made["fileElements"][0]["url"].partition("/api/v1/")[2]
        files = [("file", (f"{self.word}.log", self.text("log").encode(), "text/plain"))]
        sent = self.place.http.post(address, params={"apiKey": KEY}, files=files)
        assert sent.status_code in (200, 201), sent.text
        return int(made["id"])

    def session(self, *bodies: dict[str, Any]) -> str:
        """A session that they take as far as these replies go."""
        respondent = {"email": self.email, "phone": self.phone, "firstName": f"Ann {self.word}"}
        token = taking.session(
            self.place.http, 7, {"respondent": respondent, "metadata": {"device": f"{self.word}'s phone"}}
        )
        for body in bodies:
            answer = taking.reply(self.place.http, token, body, 7)
            assert answer.status_code == 200, answer.text
        return token

    def rating(self) -> None:
        """A public word about them, by somebody whom nobody knows here."""
        value = {
            "item": "rating", "verb": "add", "open_graph_story_id": uuid.uuid4().int % 10**15, "rating": 2,
            "review_text": f"Ask {self.email} or {self.phone}!", "reviewer_name": "Dee",
        }  # fmt: skip
        body = json.dumps(
            {"object": "page", "entry": [{"id": "1234567890321", "time": 1_500_000_000,
                                          "changes": [{"field": "ratings", "value": value}]}]}
        ).encode()  # fmt: skip
        signed = "sha256=" + hmac.new(b"0c6f", body, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature-256": signed, "Content-Type": "application/json"}
        answer = self.place.http.post("/meta/erasing", content=body, headers=headers)
        assert answer.status_code == 200, answer.text


@contextmanager
def running(postgres: databases.Cluster, folder: Path) -> Iterator[Place]:
    url = databases.fresh_database(postgres)
    files = folder / "files"
    options = (
        "--files", str(files), "--trusted-proxy", "127.0.0.1/32", "--allow-destination", "127.0.0.0/8",
        "--retry-schedule", "0s,1h",
    )  # fmt: skip
    with (
        receivers.running() as receiver,
        hubs.running(folder / "log", "--database-url", url, options=options) as hub,
        hub.client(headers={"X-Forwarded-Proto": "https"}) as http,
    ):
        file = folder / "erasure.yaml"
        file.write_text(
            FILE.read_text(encoding="utf-8").replace("PORT", str(receiver.port)), encoding="utf-8"
        )
        hub.apply(file)
        yield Place(hub, http, receiver, url, files)
    databases.drop(postgres, url)
