"""`/hub/v1/tickets`: reading tickets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Request, get
from litestar.params import Parameter

from tellback.core import errors, files, paging, tickets
from tellback.core.hub import Hub
from tellback.hub_api import access, documents

After = Annotated[str | None, Parameter(description="The cursor a page gave as `next`.")]
FILTERS = ("project", "type", "status", "submitter", "tag", "assignee", "changed_since", "q")
Limit = Annotated[str | None, Parameter(description="Rows a page, 1 to 1000; 100 without it.")]

Words = Annotated[
    str | None,
    Parameter(
        description="Words that all occur in a ticket: its display id, subject, body, values, answers, notes, captured"
        ' values and names of files, without regard to case and accents. "these words" in a row, this OR that,'
        " -not this, begin*."
    ),
]


@get("/tickets", summary="Tickets, oldest first")
async def list_tickets(
    request: Request[Any, Any, Any],
    hub: Hub,
    after: After = None,
    limit: Limit = None,
    project: str | None = None,
    type: str | None = None,
    status: str | None = None,
    submitter: str | None = None,
    tag: str | None = None,
    assignee: str | None = None,
    changed_since: str | None = None,
    q: Words = None,
) -> documents.Page[documents.TicketDocument]:
    """Filters narrow the list together. Deleted tickets are left out."""
    known = await access.bearer(request, "hub_read")
    access.only(request, *FILTERS, "after", "limit")
    place, rows = paging.place("ticket", after), paging.limit(limit)
    wanted = tickets.Filter(project, type, status, submitter, tag, assignee, _moment(changed_since), q)
    async with hub.db.reading() as reader:
        found = await tickets.listed(reader, known.workspace.id, wanted, place, rows + 1)
        more, found = len(found) > rows, found[:rows]
        attached = await files.of_ticket(reader, known.workspace.id, [ticket.id for ticket in found])
    return documents.Page(
        [documents.ticket(ticket, attached.get(ticket.id, ())) for ticket in found],
        paging.cursor("ticket", found[-1].id) if more else None,
    )


@get("/tickets/{ticket:str}", summary="One ticket with its timeline")
async def read_ticket(request: Request[Any, Any, Any], hub: Hub, ticket: str) -> documents.TicketDocument:
    """By number or display id. A deleted ticket is shown, and says so."""
    known = await access.bearer(request, "hub_read")
    async with hub.db.reading() as reader:
        found = await tickets.find(reader, known.workspace.id, ticket)
        if found is None:
            raise errors.NotFound("There is no such ticket.")
        attached = await files.of_ticket(reader, known.workspace.id, [found.id])
        timeline = await tickets.queries.timeline(reader, known.workspace.id, found.id)
    return documents.ticket(found, attached.get(found.id, ()), timeline)


def _moment(text: str | None) -> datetime | None:
    """A time with its offset. Raises `Malformed`."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))  # a bare + in a query arrives as a space
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):  # an overflow: in UTC it is past the calendar's end
        pass
    raise errors.Malformed("changed_since must be an ISO 8601 time with an offset, as 2026-11-21T20:22:07Z.")
