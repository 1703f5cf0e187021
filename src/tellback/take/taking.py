"""Showing a survey's questions and taking the answers."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from tellback.core import errors, surveys
from tellback.core.hub import Hub
from tellback.core.surveys import Question, Session, Survey, Version
from tellback.kit import answers, endpoint, faults
from tellback.kit.answers import Answer
from tellback.kit.call import Call
from tellback.kit.limits import Limiter
from tellback.storage.errors import StorageError, Unstorable
from tellback.take import forms, headers, pages, steps
from tellback.take.forms import Sent
from tellback.take.pages import Said
from tellback.take.steps import Standing
from tellback.take.store import Lost, Store
from tellback.take.visit import Visit, is_stored

#: How often an answer is judged anew because another was stored between its judging and its storing.
ATTEMPTS = 4

AGAIN = "You have answered this question already, and that answer is kept. Send again to replace it and what came after."
LEFT = "Your answers were changed meanwhile, perhaps in another window, and led here. This is the question to go on with."
CHANGED = "The survey was changed meanwhile. Please look at the question again."
EXPIRED = "You were away for long, so this begins anew. What you had answered is kept."
TRAPPED = "Something filled in a field that people cannot see, so nothing was stored. Please send your answer again."

NOTHING = Said()

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Taking:
    """The handler of `/take/<token>`."""

    hub: Hub
    store: Store

    @classmethod
    def of(cls, hub: Hub, starts: Limiter | None) -> Taking:
        """`starts` limits how many sessions one address begins."""
        return cls(hub, Store(hub, surveys.Sessions(hub.db), starts))

    async def app(self, scope: answers.Scope, receive: answers.Receive, send: answers.Send) -> None:
        """One request."""
        here = Visit(Call(self.hub, "take", dict(scope), receive))
        try:
            answer = await self._handled(here)
        except (errors.HubError, StorageError) as fault:
            answer = await self._refused(here, endpoint.as_hub_error(fault))
        await answers.send_answer(send, answer)

    async def _handled(self, here: Visit) -> Answer:
        call = here.call
        here.survey = survey = await self._survey(here)
        if survey is None or survey.state == "draft" or "web" not in survey.channels:
            raise errors.NotFound("There is no survey to be taken at this address.")
        call.require_method("GET", "HEAD", "POST")
        if call.method == "POST":
            here.sent = sent = await _form(call)
            return await self._sent(here, survey, sent)
        here.token = forms.cookie(call.scope["headers"]) or surveys.rules.new_token()
        return await self._look(here, survey, forms.place(call.query_value("question")))

    async def _survey(self, here: Visit) -> Survey | None:
        token = here.call.path_part("token")
        try:
            return await surveys.find_by_take_token(self.hub.db, self.hub.configuration, token)
        except Unstorable:  # U+0000 in an address leads nowhere
            return None
        except StorageError:
            if here.call.method == "POST":
                here.sent = await _form(here.call)  # to be handed back
            raise

    async def _look(self, here: Visit, survey: Survey, wanted: int | None, said: Said = NOTHING) -> Answer:
        """The question `wanted`, if it was answered, or the one to answer next; or the end."""
        session = await self.store.session(here, survey)
        if session.complete:
            return self._finish(here, survey)
        if self._expired(session):
            return self._anew(here, survey)
        if here.names_no_question:
            version = await self.store.version(survey, session)
            return self._led(here, survey, surveys.rules.current(version, session.answers))
        return await self._question(here, survey, session, wanted, said)

    async def _sent(self, here: Visit, survey: Survey, sent: Sent) -> Answer:
        """What a form wants."""
        if here.from_elsewhere:
            raise errors.Forbidden("The form was sent by another site's page.")
        here.token = sent.token or forms.cookie(here.call.scope["headers"]) or surveys.rules.new_token()
        if sent.again:
            return self._restart(here, survey)
        if sent.go is not None:
            return await self._look(here, survey, sent.go)
        for _ in range(ATTEMPTS):
            try:
                return await self._answered(here, survey, sent)
            except Lost:
                continue
        raise errors.Unavailable()

    async def _answered(self, here: Visit, survey: Survey, sent: Sent) -> Answer:
        """The answer judged and stored, or the reason why not shown beside it. Raises `Lost`."""
        session = await self.store.session(here, survey)
        if session.complete:
            here.call.notes.hint = "The session is complete; nothing was changed."
            return await self._onward(here, survey, None)
        if self._expired(session):
            await self.store.log(here, survey, 410, "The session has expired.")
            return self._anew(here, survey)
        if sent.trapped:
            return await self._again(here, survey, session, sent, 400, Said(error=TRAPPED))
        if not is_stored(session) and sent.version not in (None, session.version):
            return await self._again(here, survey, session, sent, 200, Said(notice=CHANGED))
        version = await self.store.version(survey, session)
        match steps.standing(session, version, sent):
            case Standing.REPEATED:
                return await self._onward(here, survey, surveys.rules.current(version, session.answers))
            case Standing.DIFFERENT:
                return await self._again(here, survey, session, sent, 200, Said(notice=AGAIN))
            case Standing.LEFT:
                return await self._left(here, survey, session)
        return await self._judged(here, survey, session, version, sent)

    async def _judged(
        self, here: Visit, survey: Survey, session: Session, version: Version, sent: Sent
    ) -> Answer:
        idle = self.hub.settings.session_idle
        try:
            move = surveys.rules.judge(session, version, sent.reply, longest_idle=idle, at=sent.question)
        except errors.Invalid as invalid:
            said = Said(error=_in_words(invalid, sent))
            return await self._again(here, survey, session, sent, 422, said)
        except errors.Conflict:
            return await self._left(here, survey, session)
        await self.store.keep(here, survey, version, move)
        return await self._onward(here, survey, move.next)

    async def _onward(self, here: Visit, survey: Survey, following: Question | None) -> Answer:
        """To the next question: by a redirect, so that going back and reloading send nothing again.

        A browser that keeps no cookie would arrive there as a stranger; it is shown the question right away.
        """
        if not here.has_cookie:
            return await self._look(here, survey, None)
        return self._led(here, survey, following)

    def _led(self, here: Visit, survey: Survey, following: Question | None) -> Answer:
        """A redirect to a question, or to the end."""
        query = "" if following is None else f"?question={following.place + 1}"
        location = (b"location", f"{here.address}{query}".encode())
        more = (*headers.page(survey.embed_origins), location, here.cookie())
        return Answer(303, b"", pages.HTML, more)

    async def _question(
        self,
        here: Visit,
        survey: Survey,
        session: Session,
        wanted: int | None,
        said: Said,
        status: int = 200,
    ) -> Answer:
        version = await self.store.version(survey, session)
        at = steps.step_at(version, session.answers, wanted)
        assert at is not None  # a session whose answers lead to the end is complete
        if said.error is None and said.notice is None and at.given:
            said = Said(at.given.text or "", at.given.answer)
        hidden = pages.Hidden(here.token, session.version, at.question.place, session.step)
        return pages.step(
            survey,
            here.address,
            at,
            hidden,
            said,
            with_cookie=here.has_cookie,
            status=status,
            more=(here.cookie(),),
        )

    async def _again(
        self, here: Visit, survey: Survey, session: Session, sent: Sent, status: int, said: Said
    ) -> Answer:
        """The same question with what was sent in it, and why it is asked again. Nothing was stored."""
        await self.store.log(here, survey, status, said.error or said.notice)
        kept = Said(sent.text or "", sent.choice, said.error, said.notice)
        return await self._question(here, survey, session, sent.question, kept, status)

    async def _left(self, here: Visit, survey: Survey, session: Session) -> Answer:
        await self.store.log(here, survey, 200, LEFT)
        return await self._question(here, survey, session, None, Said(notice=LEFT))

    def _finish(self, here: Visit, survey: Survey) -> Answer:
        again = surveys.rules.startable(survey, "web")
        return pages.finish(survey, here.address, again=again, more=(here.cookie(),))

    def _restart(self, here: Visit, survey: Survey) -> Answer:
        """A new session in the same browser. Raises `NotFound` where the survey takes none."""
        here.renew()
        return self._beginning(here, survey, NOTHING)

    def _anew(self, here: Visit, survey: Survey) -> Answer:
        """The beginning, for one whose session has expired. Raises `Gone` where the survey has ended, too."""
        if not surveys.rules.startable(survey, "web"):
            raise errors.Gone("The session has expired, and the survey has ended.")
        here.renew()
        return self._beginning(here, survey, Said(notice=EXPIRED))

    def _beginning(self, here: Visit, survey: Survey, said: Said) -> Answer:
        if not surveys.rules.startable(survey, "web"):
            raise errors.NotFound("The survey has ended.")
        at = steps.step_at(survey.version, ())
        assert at is not None  # a survey has at least one question
        hidden = pages.Hidden(here.token, survey.version.number, at.question.place, 0)
        return pages.step(
            survey, here.address, at, hidden, said, with_cookie=here.has_cookie, more=(here.cookie(),)
        )

    def _expired(self, session: Session) -> bool:
        return session.expired or session.idle > self.hub.settings.session_idle

    async def _refused(self, here: Visit, error: errors.HubError) -> Answer:
        """The page for a refusal, after it is in the intake log where a survey is known."""
        survey = here.survey
        if isinstance(error, errors.Unavailable | errors.RateLimited):
            if here.sent is not None:
                return pages.kept(error, survey, here.address, here.sent)
            return pages.refusal(error, survey, here.address)
        if survey is not None:
            try:
                await self.store.log(here, survey, faults.status_of(error), error.message)
            except Unstorable:
                log.info("refusal.not_logged", survey=survey.id)
            except StorageError as away:
                return await self._refused(here, endpoint.as_hub_error(away))
        opens = here.address if isinstance(error, errors.Forbidden) else None
        return pages.refusal(error, survey, opens)


async def _form(call: Call) -> Sent:
    """The form in the body. Raises `Unsupported`, `TooLarge`, `Malformed`."""
    call.require_media_type("application/x-www-form-urlencoded")
    return forms.read(await call.read_body())


def _in_words(invalid: errors.Invalid, sent: Sent) -> str:
    """A reply's fault for the person who made it."""
    if invalid.faults[0].where == surveys.rules.CHOICE:
        return "Choose one of the answers."
    length = len(sent.text or "")
    if length > surveys.rules.TEXT_LIMIT:
        return (
            f"Your text is {length:,} characters long. At most {surveys.rules.TEXT_LIMIT:,} fit; "
            "please shorten it."
        )
    return "Write an answer to go on."
