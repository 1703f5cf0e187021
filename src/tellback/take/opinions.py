"""The one question that follows an answered ticket: showing it, and taking the choice once."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tellback.core import errors, intake
from tellback.core.hub import Hub
from tellback.core.tickets import satisfaction
from tellback.core.tickets.satisfaction import NewOpinion, Page
from tellback.kit import endpoint, faults
from tellback.kit.answers import Answer
from tellback.kit.call import Call
from tellback.storage.errors import StorageError
from tellback.take import forms, headers, pages
from tellback.take.pages import Said
from tellback.take.visit import ENDPOINT, Visit

NOTHING_CHOSEN = "Choose one of the answers."
TRAPPED = "Something filled in a field that people cannot see, so nothing was stored. Please send your answer again."

# As `secrets.token_urlsafe(24)` makes them. Few surveys' tokens look so; those cost one look more.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


@dataclass(frozen=True, slots=True)
class Opinions:
    """The handler of `/take/<token>` where the token is an answer's."""

    hub: Hub

    async def page(self, token: str) -> Page | None:
        """The page that a token opens. Raises `StorageError`."""
        if not _TOKEN.fullmatch(token):
            return None
        async with self.hub.db.reading() as reader:
            return await satisfaction.find_page(reader, token)

    async def answer(self, call: Call, page: Page) -> Answer:
        """One request for a page that is there."""
        here = Visit(call)
        try:
            call.require_method("GET", "HEAD", "POST")
            if call.method == "POST":
                return await self._sent(here, page)
        except (errors.HubError, StorageError) as fault:
            return await self._refused(here, page, endpoint.as_hub_error(fault))
        if page.chosen is not None:
            return pages.opined(page, page.chosen)
        return pages.opinion(page, here.address, Said())

    async def _sent(self, here: Visit, page: Page) -> Answer:
        """A choice. Whatever it is, the first one that was stored counts; the redirect shows it."""
        here.call.require_media_type("application/x-www-form-urlencoded")
        here.sent = sent = forms.read(await here.call.read_body())
        if here.from_elsewhere:
            raise errors.Forbidden("The form was sent by another site's page.")
        if page.chosen is None:
            if sent.trapped:
                return await self._again(here, page, 400, TRAPPED)
            if sent.choice is None or not 1 <= sent.choice <= len(page.question.answers):
                return await self._again(here, page, 422, NOTHING_CHOSEN)
            new = NewOpinion(page, page.question.answers[sent.choice - 1])
            submission: intake.Submission[NewOpinion, bool] = intake.Submission(new, _entry(here, page, 303))
            await self.hub.commits.write(satisfaction.OPINE.plain, submission)
        location = (b"location", here.address.encode())
        return Answer(303, b"", pages.HTML, (*headers.page(), location))

    async def _again(self, here: Visit, page: Page, status: int, error: str) -> Answer:
        await self.hub.commits.write(intake.RECORD, _entry(here, page, status, error))
        return pages.opinion(page, here.address, Said(error=error), status)

    async def _refused(self, here: Visit, page: Page, error: errors.HubError) -> Answer:
        if isinstance(error, errors.Unavailable):
            return pages.kept(error, None, here.address, here.sent) if here.sent else pages.refusal(error)
        try:
            entry = _entry(here, page, faults.status_of(error), error.message)
            await self.hub.commits.write(intake.RECORD, entry)
        except StorageError as away:
            return pages.refusal(endpoint.as_hub_error(away))
        return pages.refusal(error)


def _entry(here: Visit, page: Page, status: int, error: str | None = None) -> intake.NewEntry:
    """The request as the intake log shows it, without the page's address."""
    call = here.call
    return intake.NewEntry(
        workspace_id=page.workspace_id,
        request_id=call.peer.request_id,
        surface=call.surface,
        method=call.method,
        endpoint=ENDPOINT,
        credential=None,
        target=page.display_id,
        status=status,
        error=error,
        hint=intake.rules.hint(status),
        body=intake.rules.loggable_body(call.body) if call.body else None,
    )
