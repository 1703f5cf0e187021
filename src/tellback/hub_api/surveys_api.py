"""`/hub/v1/surveys` and `/hub/v1/sessions`: reading surveys and the sessions people take them in."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, get
from litestar.params import Parameter

from tellback.core import paging, surveys
from tellback.core.hub import Hub
from tellback.hub_api import access, filters
from tellback.hub_api.documents import Page
from tellback.hub_api.surveys_documents import SessionDocument, SurveyDocument, session
from tellback.hub_api.surveys_documents import survey as survey_document
from tellback.hub_api.tickets_api import After, Limit


@get("/surveys", summary="Surveys by id, with their sessions counted")
async def list_surveys(
    request: Request[Any, Any, Any], hub: Hub, after: After = None, limit: Limit = None
) -> Page[SurveyDocument]:
    """In every state; archived ones are left out."""
    known = await access.bearer(request, "hub_read")
    access.only(request, "after", "limit")
    place, rows = paging.place("survey", after), paging.limit(limit)
    async with hub.db.reading() as reader:
        found = await surveys.listing_queries.surveys(
            reader, known.workspace.id, hub.settings.session_idle, place, rows + 1
        )
    more, found = len(found) > rows, found[:rows]
    return Page(
        [survey_document(one) for one in found], paging.cursor("survey", found[-1].id) if more else None
    )


@get("/sessions", summary="Sessions, oldest first")
async def list_sessions(
    request: Request[Any, Any, Any],
    hub: Hub,
    after: After = None,
    limit: Limit = None,
    survey: str | None = None,
    standing: Annotated[str | None, Parameter(query="state")] = None,  # Litestar keeps `state` for itself
    channel: str | None = None,
) -> Page[SessionDocument]:
    """`state` is partial, complete or expired; `channel` is api or web."""
    known = await access.bearer(request, "hub_read")
    access.only(request, "survey", "state", "channel", "after", "limit")
    place, rows = paging.place("session", after), paging.limit(limit)
    async with hub.db.reading() as reader:
        found = await surveys.listing_queries.sessions(
            reader,
            known.workspace.id,
            hub.settings.session_idle,
            place,
            rows + 1,
            survey=filters.number("survey", survey),
            state=filters.one_of("state", standing, ("partial", "complete", "expired")),
            channel=filters.one_of("channel", channel, ("api", "web")),
        )
    more, found = len(found) > rows, found[:rows]
    return Page([session(one) for one in found], paging.cursor("session", found[-1].number) if more else None)
