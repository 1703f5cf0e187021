"""Sessions found and stored, with their lines in the intake log."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tellback.core import errors, intake, responses, surveys
from tellback.core.hub import Hub
from tellback.core.responses import Completion
from tellback.core.surveys import Move, NewSession, Session, Survey, Version
from tellback.kit.limits import Limiter
from tellback.take.visit import Visit, is_stored, not_yet_started


class Lost(Exception):
    """Another request of the session was first."""


@dataclass(frozen=True, slots=True)
class Store:
    """The sessions of the page. `starts` limits how many one address begins; None is no limit."""

    hub: Hub
    sessions: surveys.Sessions
    starts: Limiter | None

    async def session(self, here: Visit, survey: Survey) -> Session:
        """The visit's session, or one that is yet to be stored. Raises `NotFound` where none may start."""
        found = await self._found(survey, here.token)
        if found is not None:
            return found
        if not surveys.rules.startable(survey, "web"):
            raise errors.NotFound("The survey has ended.")
        return not_yet_started(survey, here.token)

    async def version(self, survey: Survey, session: Session) -> Version:
        """The version that a session is about."""
        return await surveys.version_of(self.hub.db, self.hub.configuration, survey, session)

    async def keep(self, here: Visit, survey: Survey, version: Version, move: Move) -> None:
        """Store a move, the first one with its session. Raises `Lost`, `RateLimited`."""
        if not is_stored(move.session):
            started = await self._start(here, survey)
            if started.step != move.session.step:  # answered since it was started: by a double click, say
                raise Lost
            move = replace(move, session=started)
        entry = here.entry(survey, 303 if here.has_cookie else 200)
        try:
            if move.next is None:
                completion = Completion(survey, version, move)
                await self.hub.commits.write(responses.COMPLETE.plain, intake.Submission(completion, entry))
            else:
                await self.hub.commits.write(surveys.MOVE.plain, intake.Submission(move, entry))
        except errors.Conflict:
            raise Lost from None

    async def log(self, here: Visit, survey: Survey, status: int, error: str | None) -> None:
        """A line about a request that stored nothing."""
        await self.hub.commits.write(intake.RECORD, here.entry(survey, status, error))

    async def _start(self, here: Visit, survey: Survey) -> Session:
        peer = here.call.peer
        if self.starts is not None and (self.hub.settings.limit_loopback or not peer.loopback):
            self.starts.check(peer.address)
        new = NewSession(survey.workspace_id, here.token, survey.id, survey.version.number, "web")
        try:
            await self.hub.commits.write(surveys.START.plain, intake.Submission(new, here.entry(survey, 200)))
        except errors.Conflict:
            if await self._found(survey, here.token) is None:  # another survey's session, or the API's
                here.renew()
            raise Lost from None
        started = await self._found(survey, here.token)
        assert started is not None  # sessions are never deleted
        return started

    async def _found(self, survey: Survey, token: str) -> Session | None:
        found = await self.sessions.find(survey, token)
        return found if found is not None and found.channel == "web" else None
