"""A workspace with rules, for the tests of the reader that acts on events: the core alone, without a surface."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from tests.support.outbox import Outbox

from tellback.core import changes, provisioning, tickets
from tellback.core.automation import events
from tellback.core.automation.model import Action, Rule
from tellback.core.deliveries.definitions import Subscription
from tellback.storage.database import Database, Transaction

HUB = """
workspace: {slug: demo, name: Demo Ltd}
members: [{email: ada@demo.example, name: Ada, role: agent, password: correct-horse-battery}]
projects:
  - key: beta
    name: Beta programme
    participants: [{email: ann@example.com, name: Ann Tester}]
    feedback_types:
      - key: bugs
        name: Bug report
        prefix: BUG
        statuses:
          - {name: New, kind: open}
          - {name: In progress, kind: open}
          - {name: Fixed, kind: answered}
          - {name: Closed, kind: closed}
        elements:
          - {key: title, label: Title, type: text, role: subject}
          - {key: steps, label: Steps, type: text, role: body}
          - {key: severity, label: Severity, type: single_choice, options: [Low, High]}
"""


class Automat(Outbox):
    """The workspace, its queues and its reader."""

    reader = events.Events()

    async def rule(
        self, key: str, on: str, *do: tuple[str, Any], when: dict[str, Any] | None = None, **more: Any
    ) -> None:
        """A rule that does these (verb, argument) pairs."""
        rule = Rule(key, on, when or {}, tuple(Action(verb, argument) for verb, argument in do), **more)  # type: ignore[arg-type]
        due = "now()" if more.get("every") else "null"
        await self._made(
            f"insert into rules (workspace_id, key, definition, next_at) values (1, $1, $2, {due})",
            key, msgspec.json.encode(rule).decode(),
        )  # fmt: skip

    async def webhook(self, key: str, url: str, **more: Any) -> int:
        made = await self.destination(url, **more)
        await self._made(
            """
            update destinations set key = $1::text,
                   definition = jsonb_set(definition, '{key}', to_jsonb($1::text)) where id = $2
            """,
            key, made,
        )  # fmt: skip
        return made

    async def subscription(
        self, key: str, url: str, *kinds: str, when: dict[str, Any] | None = None, secrets: Sequence[str] = ()
    ) -> None:
        told = msgspec.json.encode(Subscription(key, url, kinds, when or {})).decode()
        await self._made(
            """
            insert into destinations (workspace_id, kind, key, definition, secrets)
            values (1, 'subscription', $1, $2, $3)
            """,
            key, told, list(secrets),
        )  # fmt: skip

    async def on_entering(self, status: str, webhook: str) -> None:
        """Have a status of the bugs send a webhook."""
        await self._made(
            """
            update feedback_types set statuses = (
              select jsonb_agg(case when s->>'name' = $1 then s || jsonb_build_object('webhook', $2::text) else s end)
              from jsonb_array_elements(statuses) s)
            where key = 'bugs'
            """,
            status, webhook,
        )  # fmt: skip

    async def _made(self, sql: str, *values: object) -> None:
        await self.rows(sql, *values)
        await self.rows("update configuration_version set version = version + 1")

    async def ticket(
        self, subject: str = "It broke", origin: dict[str, Any] | None = None, body: str = "Steps"
    ) -> int:
        """A ticket of the bugs, opened by Ada; its number."""

        async def effect(tx: Transaction) -> int:
            new = tickets.ToOpen("beta", "bugs", subject, body)
            opened = await tickets.open_ticket(tx, 1, new, tickets.By("Ada", origin))
            await changes.record(tx, 1, opened.news)
            return opened.id

        return await self.db.write(effect)

    async def act(self, ticket: int, *actions: tickets.Action) -> None:
        async def effect(tx: Transaction) -> None:
            acted = await tickets.act(tx, 1, ticket, actions, tickets.By("Ada"))
            await changes.record(tx, 1, acted.news)

        await self.db.write(effect)

    async def catch_up(self) -> None:
        """Until nothing is left to act on."""
        while await self.reader.catch_up(self.db):
            pass

    async def document(self, ticket: int) -> dict[str, Any]:
        async with self.db.reading() as reader:
            return (await tickets.documents(reader, 1, [ticket]))[ticket]

    async def runs(self) -> list[tuple[str, str, str | None]]:
        """(rule, outcome, detail), in order."""
        found = await self.rows(
            "select r.key, n.outcome, n.detail from rule_runs n join rules r on r.id = n.rule_id order by n.id"
        )
        return [(row["key"], row["outcome"], row["detail"]) for row in found]

    async def requests(self) -> list[dict[str, Any]]:
        """What is queued, in order."""
        found = await self.rows("select request from deliveries order by id")
        return [msgspec.json.decode(row["request"]) for row in found]

    async def timeline(self, ticket: int) -> list[str]:
        found = await self.rows("select note from timeline where ticket_id = $1 order by id", ticket)
        return [row["note"] for row in found]


@asynccontextmanager
async def automat(database_url: str) -> AsyncIterator[Automat]:
    db = await Database.open(database_url, connections=4)
    made = Automat(db, database_url)
    made.reader = events.Events()
    await provisioning.apply(db, provisioning.read(HUB, "hub.yaml"), prune=False)
    await made.rows("update workspaces set automated = true")
    await made.catch_up()
    try:
        yield made
    finally:
        await db.close()
