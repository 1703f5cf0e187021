"""`/hub/v1/responses`: reading responses."""

from __future__ import annotations

from typing import Any

from litestar import Request, get

from tellback.core import paging, responses
from tellback.core.hub import Hub
from tellback.hub_api import access, filters
from tellback.hub_api.documents import Page
from tellback.hub_api.surveys_documents import ResponseDocument, response
from tellback.hub_api.tickets_api import After, Limit

FILTERS = ("survey", "channel", "kind", "complete", "contact", "account", "touchpoint")
CHANNELS = ("api_session", "web", "record", "incoming_webhook", "import")
KINDS = ("nps", "csat", "ces", "agent_quality")


@get("/responses", summary="Responses, in the order in which they were stored")
async def list_responses(
    request: Request[Any, Any, Any],
    hub: Hub,
    after: After = None,
    limit: Limit = None,
    survey: str | None = None,
    channel: str | None = None,
    kind: str | None = None,
    complete: str | None = None,
    contact: str | None = None,
    account: str | None = None,
    touchpoint: str | None = None,
) -> Page[ResponseDocument]:
    """Filters narrow the list together; `contact` is an e-mail address or an id, `account` a name or alias."""
    known = await access.bearer(request, "hub_read")
    access.only(request, *FILTERS, "after", "limit")
    place, rows = paging.place("response", after), paging.limit(limit)
    by_id = contact is not None and contact.isascii() and contact.isdigit()  # no address looks like this
    wanted = responses.Filter(
        filters.number("survey", survey),
        filters.one_of("channel", channel, CHANNELS),
        filters.one_of("kind", kind, KINDS),
        filters.truth("complete", complete),
        None if by_id else contact,
        account,
        touchpoint,
        filters.number("contact", contact) if by_id else None,
    )
    async with hub.db.reading() as reader:
        found = await responses.queries.search(reader, known.workspace.id, wanted, place, rows + 1)
    more, found = len(found) > rows, found[:rows]
    return Page([response(one) for one in found], paging.cursor("response", found[-1].id) if more else None)
