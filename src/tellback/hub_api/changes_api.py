"""`/hub/v1/changes`: the change feed, from where a reader left it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.params import Parameter

from tellback.core import changes, errors, paging
from tellback.core.hub import Hub
from tellback.hub_api import access
from tellback.hub_api.tickets_api import After, Limit

LONGEST_WAIT_S = 30
_SECONDS = re.compile(r"[0-9]{1,2}(\.[0-9]{1,6})?")

Wait = Annotated[
    str | None,
    Parameter(description="Seconds, 0 to 30, to hold the answer until there is a change; 0 without it."),
]


class Subject(msgspec.Struct):
    """`id` as it stands in the address of the thing, or in its document."""

    type: str
    id: str


class ChangeDocument(msgspec.Struct):
    """What happened to what; `cursor` is the place after it."""

    cursor: str
    kind: str
    subject: Subject
    at: datetime
    actor: str
    data: dict[str, Any]


class Feed(msgspec.Struct):
    """A piece of the feed; `next` is where to go on, also at the end."""

    data: list[ChangeDocument]
    next: str


@get("/changes", summary="The change feed: everything that happened, in the order it was stored")
async def read_changes(
    request: Request[Any, Any, Any],
    hub: Hub,
    watch: changes.Watch,
    after: After = None,
    limit: Limit = None,
    wait: Wait = None,
) -> Feed:
    """A reader that goes on from `next` sees every change once, deletions included."""
    known = await access.bearer(request, "hub_read")
    access.only(request, "after", "limit", "wait")
    place, rows, seconds = paging.place("change", after) or 0, paging.limit(limit), _seconds(wait)
    found = await _read(hub, known.workspace.id, place, rows)
    if not found and seconds:
        await _hold(request, watch.until_after(known.workspace.id, place, seconds))
        found = await _read(hub, known.workspace.id, place, rows)
    return Feed(
        [_document(change) for change in found],
        paging.cursor("change", found[-1].seq if found else place),
    )


async def _read(hub: Hub, workspace_id: int, place: int, rows: int) -> Sequence[changes.Change]:
    """Raises `Malformed` for a place the feed has not come to: a reader that went on there would miss changes."""
    async with hub.db.reading() as reader:
        found = await changes.queries.told(reader, workspace_id, place, rows)
        if not found and place > (await changes.queries.counted(reader, [workspace_id])).get(workspace_id, 0):
            raise errors.Malformed("The cursor is ahead of this feed. Was the hub restored from a backup?")
    return found


async def _hold(request: Request[Any, Any, Any], wait: Coroutine[Any, Any, None]) -> None:
    """Wait, but for no one: it ends when the client leaves."""
    waiting, leaving = asyncio.ensure_future(wait), asyncio.ensure_future(_left(request))
    try:
        done, _ = await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
    finally:
        waiting.cancel()
        leaving.cancel()


async def _left(request: Request[Any, Any, Any]) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _seconds(text: str | None) -> float:
    """Raises `Malformed` outside 0 to 30."""
    if text is None:
        return 0
    if _SECONDS.fullmatch(text) and float(text) <= LONGEST_WAIT_S:
        return float(text)
    raise errors.Malformed(f"wait must be a number of seconds from 0 to {LONGEST_WAIT_S}.")


def _document(change: changes.Change) -> ChangeDocument:
    return ChangeDocument(
        paging.cursor("change", change.seq),
        change.kind,
        Subject(change.subject_type, change.subject_id),
        change.at,
        change.actor,
        dict(change.data),
    )
