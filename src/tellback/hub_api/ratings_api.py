"""`/hub/v1/ratings`: reading ratings of pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, get

from tellback.core import paging, reviews
from tellback.core.hub import Hub
from tellback.hub_api import access, filters
from tellback.hub_api.documents import Page
from tellback.hub_api.tickets_api import After, Limit

FILTERS = ("page", "removed")


class Reviewer(msgspec.Struct):
    """Who rated; `id` is the platform's."""

    id: str | None
    name: str | None


class RatingDocument(msgspec.Struct, kw_only=True):
    """A rating. One that was removed keeps no rating, no texts and no reviewer."""

    id: int
    page: str
    story_id: str
    rating: int | None
    recommendation: str | None
    message: str | None
    reviewer: Reviewer | None
    created_at: datetime
    changed_at: datetime
    removed: bool


@get("/ratings", summary="Ratings of pages, in the order in which they were first told of")
async def list_ratings(
    request: Request[Any, Any, Any],
    hub: Hub,
    after: After = None,
    limit: Limit = None,
    page: str | None = None,
    removed: str | None = None,
) -> Page[RatingDocument]:
    """Filters narrow the list together; `page` is a page's key. Removed ratings are listed, and say so."""
    known = await access.bearer(request, "hub_read")
    access.only(request, *FILTERS, "after", "limit")
    place, rows = paging.place("rating", after), paging.limit(limit)
    wanted = reviews.Filter(page, filters.truth("removed", removed))
    async with hub.db.reading() as reader:
        found = await reviews.queries.search(reader, known.workspace.id, wanted, place, rows + 1)
    more, found = len(found) > rows, found[:rows]
    return Page(
        [msgspec.convert(reviews.rules.document(one), RatingDocument) for one in found],
        paging.cursor("rating", found[-1].id) if more else None,
    )
