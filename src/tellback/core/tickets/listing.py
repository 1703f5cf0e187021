"""Lists of tickets by filter, a page at a time."""

from __future__ import annotations

import itertools
from dataclasses import fields

from tellback.core.tickets import listing_queries, queries, search
from tellback.core.tickets.model import Filter, Ticket
from tellback.storage.database import Reader

#: How many ids are gone through at a time: about 10 ms in the first slice, rarely a second in the largest.
SLICES = (5_000, 50_000, 200_000)


async def listed(
    reader: Reader, workspace_id: int, wanted: Filter, after: int | None, limit: int
) -> list[Ticket]:
    """Tickets above id `after`, ascending, deleted ones left out; without files and timelines.

    Raises `Malformed` for a question that names no word, `Unavailable` while the search index is far behind.
    """
    ids = await _ids(reader, workspace_id, wanted, after or 0, limit)
    # One that is deleted meanwhile stays: a page that came out short would pass for the last one.
    return sorted(await queries.by_ids(reader, workspace_id, ids), key=lambda ticket: ticket.id)


async def _ids(reader: Reader, workspace_id: int, wanted: Filter, after: int, limit: int) -> list[int]:
    given = {field.name for field in fields(wanted) if getattr(wanted, field.name) is not None}
    if not given:
        return await listing_queries.in_order(reader, workspace_id, after, limit)
    if given <= {"project", "type", "status"}:
        return await listing_queries.of_standing(
            reader, workspace_id, wanted.project, wanted.type, wanted.status, after, limit
        )
    if given == {"submitter"} and wanted.submitter is not None:
        contact = await listing_queries.submitter(reader, workspace_id, wanted.submitter)
        return await _of_person(reader, workspace_id, "submitter_id", contact, after, limit)
    if given == {"assignee"} and wanted.assignee is not None:
        member = await listing_queries.assignee(reader, workspace_id, wanted.assignee)
        return await _of_person(reader, workspace_id, "assignee_id", member, after, limit)
    asked = None if wanted.q is None else await search.ask(reader, workspace_id, wanted.q, after)
    question = listing_queries.Question(workspace_id, wanted, asked)
    newest = await listing_queries.newest(reader, workspace_id)
    found: list[int] = []
    sizes = itertools.chain(SLICES, itertools.repeat(SLICES[-1]))
    async with listing_queries.planned_anew(reader):
        while after < newest and len(found) < limit:
            up_to = after + next(sizes)
            found += await question.within(reader, after, up_to, limit - len(found))
            after = up_to
    return found


async def _of_person(
    reader: Reader, workspace_id: int, column: str, person_id: int | None, after: int, limit: int
) -> list[int]:
    if person_id is None:
        return []
    return await listing_queries.of_person(reader, workspace_id, column, person_id, after, limit)
