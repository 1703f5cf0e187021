"""Listing surveys, starting a session, replying to it, asking how it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tellback.core import errors, intake, responses, surveys
from tellback.core.responses import Completed, Completion
from tellback.core.surveys import Move, NewSession, Session, Survey
from tellback.dialects.centracx import auth, wire
from tellback.kit import answers, strict_json
from tellback.kit.answers import Answer
from tellback.kit.call import Call
from tellback.kit.endpoint import Runner

_ID = re.compile(r"[1-9][0-9]{0,9}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Surveys:
    """The handlers of `/surveys` and `/surveys/<surveyId>`."""

    runner: Runner
    sessions: surveys.Sessions

    @classmethod
    def of(cls, runner: Runner) -> Surveys:
        return cls(runner, surveys.Sessions(runner.hub.db))

    async def list(self, call: Call) -> Answer:
        """GET: every deployed survey (seed 002, "Listing All Surveys")."""
        known = await auth.credential(call, self.runner.limits)
        call.require_method("GET", "HEAD")
        found = await surveys.deployed(call.hub.db, call.hub.configuration, known.workspace.id)
        return answers.of_json(200, wire.listed(found))

    async def take(self, call: Call) -> Answer:
        """POST starts a session or, with a `sessionId`, replies to it; GET with one asks how it stands."""
        known = await auth.credential(call, self.runner.limits)
        survey = await self._survey(call, known.workspace.id)
        token = call.query_value("sessionId")
        if call.method == "POST":
            if token is None:
                return await self._start(call, survey)
            return await self._reply(call, survey, token)
        if not token:
            raise errors.MethodNotAllowed(("POST",))
        call.require_method("GET", "HEAD", "POST")
        return answers.of_json(200, wire.status(await self._session(survey, token)))

    async def _survey(self, call: Call, workspace_id: int) -> Survey:
        """The survey in the address, deployed or closed. Raises `NotFound`."""
        text = call.path_part("survey")
        found = None
        if _ID.fullmatch(text):
            found = await surveys.find(call.hub.db, call.hub.configuration, workspace_id, int(text))
        if found is None or found.state == "draft":
            raise errors.NotFound("There is no such survey.")
        call.notes.target = str(found.id)
        return found

    async def _start(self, call: Call, survey: Survey) -> Answer:
        """A new session on the survey's version (seed 002, "Initiating a Session")."""
        await call.read_body()

        async def begin(key: intake.Key | None) -> Answer:
            # Only now: a start that is repeated under its key is answered as before, closed or not.
            if not surveys.rules.startable(survey, "api"):
                raise errors.NotFound("There is no such survey to be taken over the API.")
            body = _json(call)
            call.notes.mapped = wire.arrived(body, wire.START_MEMBERS)
            respondent, metadata = wire.start(body)
            token = surveys.rules.new_token()
            new = NewSession(
                survey.workspace_id, token, survey.id, survey.version.number, "api", respondent, metadata
            )
            rendered = answers.of_json(200, wire.started(survey, token))
            return await self.runner.store(call, surveys.START, new, lambda _: rendered, key, 200)

        return await self.runner.once(call, call.fingerprint, begin)

    async def _reply(self, call: Call, survey: Survey, token: str) -> Answer:
        """An answer to the session's current question (seed 002, "Replying to Session")."""
        if "api" not in survey.channels:
            raise errors.NotFound("There is no such survey to be taken over the API.")
        await call.read_body()
        body = _json(call)
        call.notes.mapped = wire.arrived(body, wire.REPLY_MEMBERS)

        async def answer(key: intake.Key | None) -> Answer:
            session = await self._session(survey, token)
            if session is None:
                raise errors.NotFound("There is no such session.")
            completion = await self._judged(call, survey, session, body)
            move = completion.move
            rendered = answers.of_json(200, wire.moved(move.next))

            def taken(_: Move | Completed) -> Answer:
                return rendered

            if move.next is None:
                return await self.runner.store(call, responses.COMPLETE, completion, taken, key, 200)
            return await self.runner.store(call, surveys.MOVE, move, taken, key, 200)

        return await self.runner.once(call, call.fingerprint, answer)

    async def _judged(self, call: Call, survey: Survey, session: Session, body: dict[str, Any]) -> Completion:
        """Where the reply takes the session. Raises `Conflict`, `Gone`, `Invalid`."""
        version = await surveys.version_of(call.hub.db, call.hub.configuration, survey, session)
        idle = call.hub.settings.session_idle
        try:
            move = surveys.rules.judge(session, version, wire.reply(body), longest_idle=idle)
        except errors.Invalid as refused:
            raise wire.in_their_words(refused) from None
        return Completion(survey, version, move, call.hops)

    async def _session(self, survey: Survey, token: str) -> Session | None:
        """The session of this survey that was started over the API."""
        if not _TOKEN.fullmatch(token):
            return None
        found = await self.sessions.find(survey, token)
        return found if found is not None and found.channel == "api" else None


def _json(call: Call) -> dict[str, Any]:
    """The body, once read, as a JSON object; none at all is an empty one. Raises `Unsupported`, `Malformed`."""
    if not call.body:
        return {}
    call.require_media_type("application/json")
    value = strict_json.loads(call.body)
    if not isinstance(value, dict):
        raise errors.Malformed("The body must be a JSON object.")
    return value
