"""`/hub/v1/intake`: the intake log."""

from __future__ import annotations

from typing import Any

from litestar import Request, get

from tellback.core import intake, paging
from tellback.core.hub import Hub
from tellback.hub_api import access, documents
from tellback.hub_api.tickets_api import After, Limit


@get("/intake", summary="What came in, newest first")
async def list_intake(
    request: Request[Any, Any, Any], hub: Hub, after: After = None, limit: Limit = None
) -> documents.Page[documents.IntakeEntry]:
    """Every request to a vendor surface that wrote, and every refused one of this workspace."""
    known = await access.bearer(request, "hub_read")
    access.only(request, "after", "limit")
    place, rows = paging.place("intake", after), paging.limit(limit)
    async with hub.db.reading() as reader:
        found = await intake.newest(reader, known.workspace.id, rows + 1, before=place)
    more, found = len(found) > rows, found[:rows]
    return documents.Page(
        [documents.intake_entry(entry) for entry in found],
        paging.cursor("intake", found[-1].id) if more else None,
    )
