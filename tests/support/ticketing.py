"""Tickets worked on through the core alone, on a real database: what a surface does, without one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from tellback.core import changes, intake, projects, provisioning, tickets
from tellback.core.cache import ConfigurationCache
from tellback.core.tickets import Acted, Action, By, Filed, NewTicket, Opened, Ticket, ToOpen
from tellback.storage.database import Database
from tellback.storage.group_commit import GroupCommit

#: Alice answers, Aron helps her out; Ada runs the hub.
HUB = """
workspace: {slug: demo, name: Demo Ltd}
members:
  - {email: alice@demo.example, name: Alice Agent, role: agent, password: a good long password}
  - {email: aron@demo.example, name: Aron Agent, role: agent, password: a good long password}
api_keys:
  - {name: Mobile apps, key: mob_6f1d0c8e5a7b4923}
projects:
  - key: beta
    participants:
      - {email: bo@example.com, name: Bo Tester}
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
          - {key: title, label: Title, type: text, required: true, role: subject}
          - {key: steps, label: Steps, type: text, role: body}
          - {key: severity, label: Severity, type: single_choice, options: [Low, {label: High, internal: P1}]}
          - {key: devices, label: Devices, type: multiple_choice, options: [Phone, Tablet]}
          - {key: stars, label: Stars, type: rating_scale, min: 1, max: 5}
          - {key: log, label: Log, type: file}
        sla: {response: 4h, handling: 2d, warn_before: 1h}
        satisfaction: {text: How did we do?, answers: [{text: Good, value: 1}, {text: Bad, value: 0}]}
        external_sources:
          - key: app
            name: App
            api_key: Mobile apps
            status: New
            default_submitter: bo@example.com
            fields: {title: title}
      - key: ideas
        name: Idea
        prefix: IDEA
        statuses: [{name: Open, kind: open}]
        elements: [{key: text, label: Your idea, type: text, role: subject}]
"""

ALICE = By("Alice Agent")
ARON = By("Aron Agent")


@dataclass
class Office:
    """One process's way to a workspace's tickets. `url` is for looking at the tables."""

    url: str
    db: Database
    commits: GroupCommit
    workspace_id: int = 0

    async def apply(self, text: str = HUB) -> None:
        await provisioning.apply(self.db, provisioning.read(text, "hub.yaml"), prune=False)
        self.workspace_id = await self.value("select id from workspaces where slug = 'demo'")

    async def automate(self) -> None:
        await self.rows("update workspaces set automated = true where id = $1", self.workspace_id)

    async def file(self, title: str = "It crashes", *, type: str = "bugs", **more: Any) -> Filed:
        """A ticket as a source brings it."""
        project = await projects.find(self.db, ConfigurationCache(self.db), self.workspace_id, "beta")
        assert project is not None
        async with self.db.reading() as reader:
            types = await projects.queries.feedback_types(reader, self.workspace_id, project.id)
        of = next(one for one in types.values() if one.key == type)
        members: dict[str, Any] = {
            "source_id": project.sources[0].id, "source_key": "app", "status": of.statuses[0].name,
            "status_kind": of.statuses[0].kind, "subject": title, "body": None, "values": {"title": title},
            "submitter_id": project.participants["bo@example.com"].contact_id, "submitter_given": None,
            "actor": "source App",
        }  # fmt: skip
        new = NewTicket(
            self.workspace_id, project.id, "beta", of.id, of.key, of.prefix, of.digits, "external_source",
            **(members | more),
        )  # fmt: skip
        return await self.commits.write(tickets.FILE.plain, intake.Submission(new, self.entry()))

    async def act(self, ticket_id: int, *actions: Action, by: By = ALICE) -> Acted:
        """Some actions in a transaction that records their news, as every caller's does."""

        async def effect(tx: Any) -> Acted:
            acted = await tickets.act(tx, self.workspace_id, ticket_id, actions, by)
            await changes.record(tx, self.workspace_id, acted.news)
            return acted

        return await self.db.write(effect)

    async def open(self, new: ToOpen, by: By = ALICE) -> Opened:
        async def effect(tx: Any) -> Opened:
            opened = await tickets.open_ticket(tx, self.workspace_id, new, by)
            await changes.record(tx, self.workspace_id, opened.news)
            return opened

        return await self.db.write(effect)

    async def ticket(self, ticket_id: int) -> Ticket:
        async with self.db.reading() as reader:
            found = await tickets.queries.by_id(reader, self.workspace_id, ticket_id)
        assert found is not None
        return found

    async def row(self, ticket_id: int) -> dict[str, Any]:
        [row] = await self.rows(
            "select * from tickets where workspace_id = $1 and id = $2", self.workspace_id, ticket_id
        )
        return row

    async def notes(self, ticket_id: int) -> list[str]:
        async with self.db.reading() as reader:
            items = await tickets.queries.timeline(reader, self.workspace_id, ticket_id)
        return [item.note for item in items]

    async def feed(self, ticket_id: int) -> list[changes.Change]:
        async with self.db.reading() as reader:
            found = await changes.queries.after(reader, self.workspace_id, 0, 1000)
        return [one for one in found if (one.subject_type, one.subject_id) == ("ticket", str(ticket_id))]

    def entry(self) -> intake.NewEntry:
        return intake.NewEntry(self.workspace_id, "r1", "test", "POST", "/t", "App", "app", 201)

    async def rows(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        connection = await asyncpg.connect(self.url)
        try:
            return [dict(row) for row in await connection.fetch(query, *arguments)]
        finally:
            await connection.close()

    async def value(self, query: str, *arguments: Any) -> Any:
        [row] = await self.rows(query, *arguments)
        return next(iter(row.values()))


@asynccontextmanager
async def office(url: str) -> AsyncIterator[Office]:
    """An office with the workspace above."""
    db, commits = await Database.open(url), await GroupCommit.open(url)
    try:
        opened = Office(url, db, commits)
        await opened.apply()
        yield opened
    finally:
        await commits.close()
        await db.close()
