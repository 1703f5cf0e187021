"""Verbs on surveys and sessions."""

from __future__ import annotations

from collections.abc import Sequence

from tellback.core import errors, intake
from tellback.core.cache import ConfigurationCache
from tellback.core.surveys import queries
from tellback.core.surveys.model import Move, NewSession, Session, Survey, Version
from tellback.storage.database import Database, Transaction
from tellback.storage.group_read import GroupRead

LOST = "Another reply to this question came first."
TAKEN = "A session with this token is there already."


async def find(
    db: Database, configuration: ConfigurationCache, workspace_id: int, survey_id: int
) -> Survey | None:
    """A compiled survey in whatever state, from memory where it is known."""

    async def load() -> Survey | None:
        async with db.reading() as reader:
            return await queries.survey_by_id(reader, workspace_id, survey_id)

    return await configuration.get(("survey", workspace_id, survey_id), load)


async def find_by_take_token(
    db: Database, configuration: ConfigurationCache, take_token: str
) -> Survey | None:
    """The compiled survey of a public page, in whatever workspace and state."""

    async def load() -> Survey | None:
        async with db.reading() as reader:
            return await queries.survey_by_take_token(reader, take_token)

    return await configuration.get(("take token", take_token), load)


async def deployed(
    db: Database, configuration: ConfigurationCache, workspace_id: int
) -> list[tuple[int, str]]:
    """Id and description of the deployed surveys of a workspace, by id."""

    async def load() -> list[tuple[int, str]]:
        async with db.reading() as reader:
            return await queries.deployed(reader, workspace_id)

    return await configuration.get(("deployed surveys", workspace_id), load)


async def version_of(
    db: Database, configuration: ConfigurationCache, survey: Survey, session: Session
) -> Version:
    """The version a session is about: the survey's own, or an older one."""
    if session.version == survey.version.number:
        return survey.version

    async def load() -> Version | None:
        async with db.reading() as reader:
            return await queries.version(reader, survey.workspace_id, survey.id, session.version)

    key = ("survey version", survey.workspace_id, survey.id, session.version)
    found = await configuration.get(key, load)
    if found is None:  # versions are never deleted
        raise errors.NotFound("There is no such version.")
    return found


class Sessions:
    """Sessions of one process's surface, found by workspace and token; concurrent look-ups share a query."""

    def __init__(self, db: Database) -> None:
        self._read: GroupRead[tuple[int, str], Session] = GroupRead(db, queries.sessions_by_token)

    async def find(self, survey: Survey, token: str) -> Session | None:
        """The session of this survey with that token, as it stands; None for a token of another survey."""
        found = await self._read.get((survey.workspace_id, token))
        return found if found is not None and found.survey_id == survey.id else None


async def _start(
    tx: Transaction, new: Sequence[NewSession], entries: Sequence[intake.NewEntry]
) -> Sequence[errors.HubError | None]:
    started = await queries.start_many(tx, new, entries)
    return [None if place in started else errors.Conflict(TAKEN) for place in range(len(new))]


async def _move(
    tx: Transaction, moves: Sequence[Move], entries: Sequence[intake.NewEntry]
) -> Sequence[Move | errors.HubError]:
    first = await queries.move_many(tx, moves, entries)
    return [move if place in first else errors.Conflict(LOST) for place, move in enumerate(moves)]


#: New sessions with their log entries, many at once. Where the token is taken, a `Conflict`.
START: intake.Intake[NewSession, None] = intake.intake("sessions", _start, single_statement=True)
#: Moves that do not end their session. Of two that were judged at the same step, the later is a `Conflict`.
MOVE: intake.Intake[Move, Move] = intake.intake("session moves", _move, single_statement=True)
