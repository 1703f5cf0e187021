"""The hub's own surveys over the API, with sessions that live in the process's memory and nowhere else.

Front door, credentials, survey, the rules that judge a reply, and rendering are the hub's own code; a session
is read from a dictionary and written to it. One worker only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bench import variants
from tellback.core import intake, responses, surveys
from tellback.core.surveys import Move, NewSession, Session, Survey
from tellback.settings import Settings
from tellback.storage.database import Database
from tellback.storage.group_commit import Batch

COMPLETED = responses.Completed(4711, None)


class Remembered:
    """Sessions under way, by workspace and token; what ends is forgotten."""

    waiting = 0

    def __init__(self) -> None:
        self._open: dict[tuple[int, str], Session] = {}

    async def find(self, survey: Survey, token: str) -> Session | None:
        """As `surveys.Sessions.find`."""
        found = self._open.get((survey.workspace_id, token))
        return found if found is not None and found.survey_id == survey.id else None

    async def write(self, batch: Batch[Any, Any], item: Any) -> Any:
        """As `GroupCommit.write`."""
        if not isinstance(item, intake.Submission):
            return None
        said = item.item
        if isinstance(said, NewSession):
            self._open[said.workspace_id, said.token] = _session(said)
            return None
        if isinstance(said, Move):
            session = said.session
            moved = replace(session, answers=said.answers, step=session.step + 1)
            self._open[session.workspace_id, session.token] = moved
            return said
        session = said.move.session
        del self._open[session.workspace_id, session.token]
        return COMPLETED

    async def close(self) -> None:
        pass


def _session(new: NewSession) -> Session:
    metadata: Mapping[str, Any] = new.metadata
    return Session(
        workspace_id=new.workspace_id,
        number=1,
        token=new.token,
        survey_id=new.survey_id,
        version=new.version,
        channel=new.channel,
        step=0,
        answers=(),
        respondent=new.respondent,
        metadata=metadata,
        started_at=datetime.now(UTC),
        idle=0.0,
        complete=False,
        expired=False,
    )


def stores_nothing(settings: Settings) -> Any:
    """The application whose sessions are remembered by its writer. For a process of the bench alone."""
    remembered = Remembered()

    async def writer() -> Remembered:
        return remembered

    def sessions(_db: Database) -> Remembered:
        return remembered

    surveys.Sessions = sessions  # type: ignore[assignment,misc]
    return variants.application(settings, writer)
