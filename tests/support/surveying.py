"""Surveys taken through the core alone, on a real database: what a surface does, without one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from tellback.core import intake, provisioning, responses, surveys
from tellback.core.cache import ConfigurationCache
from tellback.core.responses import Completed, Completion
from tellback.core.surveys import Move, NewSession, Reply, Respondent, Session, Survey
from tellback.storage.database import Database
from tellback.storage.group_commit import GroupCommit

IDLE = 30 * 86_400.0
HUB = """
workspace: {slug: demo}
projects:
  - key: beta
    feedback_types:
      - key: bugs
        prefix: BUG
        statuses: [{name: New, kind: open}, {name: Closed, kind: closed}]
        elements:
          - {key: title, type: text, role: subject}
          - {key: steps, type: text, role: body}
surveys:
  - id: 7
    title: How was it?
    channels: [api, web]
    state: deployed
    questions:
      - title: Recommend
        text: Would you recommend us?
        type: choose_one
        metric: nps
        answers: [{id: 1, text: "10", value: 10}, {id: 2, text: "0", value: 0}]
      - {title: Why, text: Why?, type: enter_text, metric: feedback}
      - {title: More, text: Anything else?, type: enter_text, metric: feedback}
    tickets: {project: beta, type: bugs, when: {score_below: 7}, default_submitter: desk@demo.example}
"""


@dataclass
class Desk:
    """One process's way to a workspace's surveys. `url` is for looking at the tables."""

    url: str
    db: Database
    commits: GroupCommit
    workspace_id: int = 0

    async def apply(self, text: str = HUB, *, prune: bool = False) -> provisioning.Outcome:
        outcome = await provisioning.apply(self.db, provisioning.read(text, "hub.yaml"), prune=prune)
        self.workspace_id = await self.value("select id from workspaces where slug = 'demo'")
        return outcome

    async def survey(self, id: int = 7) -> Survey:
        found = await surveys.find(self.db, ConfigurationCache(self.db), self.workspace_id, id)
        assert found is not None
        return found

    async def start(self, survey: Survey, respondent: Respondent | None = None) -> Session:
        token = surveys.rules.new_token()
        new = NewSession(self.workspace_id, token, survey.id, survey.version.number, "api", respondent)
        await self.commits.write(surveys.START.plain, intake.Submission(new, self.entry()))
        return await self.look(survey, token)

    async def look(self, survey: Survey, token: str) -> Session:
        found = await surveys.Sessions(self.db).find(survey, token)
        assert found is not None
        return found

    async def judged(self, survey: Survey, session: Session, reply: Reply) -> Completion:
        """The move that a reply to the session as it was read would be."""
        version = await surveys.version_of(self.db, ConfigurationCache(self.db), survey, session)
        return Completion(survey, version, surveys.rules.judge(session, version, reply, longest_idle=IDLE))

    async def store(self, judged: Completion) -> Move | Completed:
        if judged.move.next is None:
            return await self.commits.write(responses.COMPLETE.plain, intake.Submission(judged, self.entry()))
        return await self.commits.write(surveys.MOVE.plain, intake.Submission(judged.move, self.entry()))

    async def take(
        self, survey: Survey, *replies: Reply, respondent: Respondent | None = None
    ) -> Completed | None:
        """A session through these replies; what it became when it came to its end."""
        session = await self.start(survey, respondent)
        outcome: Move | Completed | None = None
        for reply in replies:
            session = await self.look(survey, session.token)
            outcome = await self.store(await self.judged(survey, session, reply))
        return outcome if isinstance(outcome, Completed) else None

    def entry(self) -> intake.NewEntry:
        return intake.NewEntry(self.workspace_id, "r1", "test", "POST", "/t", "Kiosk", "7", 200)

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
async def desk(url: str) -> AsyncIterator[Desk]:
    db, commits = await Database.open(url), await GroupCommit.open(url)
    try:
        yield Desk(url, db, commits)
    finally:
        await commits.close()
        await db.close()
