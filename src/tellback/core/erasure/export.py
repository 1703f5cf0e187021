"""All that is held on a person, as one reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tellback.core import errors, intake, people, responses, surveys, tickets
from tellback.core.deliveries import reading_queries as delivery_reading_queries
from tellback.core.deliveries.model import Delivery
from tellback.core.erasure import export_queries, reach_queries, reaching
from tellback.core.erasure.export_queries import Capture, Event, Participation, Run, Written
from tellback.core.erasure.model import Reach
from tellback.core.people import ContactRecord
from tellback.core.subjects import queries as subjects_queries
from tellback.storage.database import Reader

#: A session is shown as it stands by what was answered: it never expires here.
_NEVER = 1e9


@dataclass(frozen=True, slots=True)
class Held:
    """What a workspace holds on a person. `external` is by response id; `written` are answers to their tickets."""

    contact: ContactRecord
    contact_external: dict[str, Any]
    participations: Sequence[Participation]
    tickets: Sequence[tickets.Whole]
    written: Sequence[Written]
    responses: Sequence[responses.Response]
    external: dict[int, dict[str, Any]]
    sessions: Sequence[surveys.SessionRecord]
    captured: Sequence[Capture]
    runs: Sequence[Run]
    deliveries: Sequence[Delivery]
    intake: Sequence[intake.Entry]
    changes: Sequence[Event]


async def held(reader: Reader, workspace_id: int, contact_id: int) -> Held:
    """Everything, as of one moment. Raises `NotFound`."""
    async with reader.transaction(isolation="repeatable_read", readonly=True):
        person = await reach_queries.person(reader, workspace_id, contact_id)
        found = await people.queries.contacts(reader, workspace_id, contact_id - 1, 1)
        if person is None or not found or found[0].id != contact_id:
            raise errors.NotFound("There is no such contact.")
        return await _held(reader, workspace_id, found[0], await reaching.find(reader, workspace_id, person))


async def _held(reader: Reader, workspace_id: int, contact: ContactRecord, reach: Reach) -> Held:
    entries = await reaching.logged(reader, workspace_id, reach)
    sent = await reaching.sent(reader, workspace_id, reach)
    found = await tickets.queries.by_ids(reader, workspace_id, reach.tickets)
    answered = [
        one
        for id in (one.id for one in reach.answered)
        for one in await responses.queries.search(reader, workspace_id, responses.Filter(), id - 1, 1)
    ]
    sessions = [
        one
        for number in (one.number for one in reach.sittings)
        for one in await surveys.listing_queries.sessions(reader, workspace_id, _NEVER, number - 1, 1)
    ]
    deliveries = [await delivery_reading_queries.by_id(reader, workspace_id, id) for id in sent]
    external = {
        one.id: await subjects_queries.external(reader, "response", workspace_id, one.id) for one in answered
    }
    return Held(
        contact,
        await subjects_queries.external(reader, "contact", workspace_id, contact.id),
        await export_queries.participations(reader, workspace_id, contact.id),
        [await tickets.whole(reader, workspace_id, one) for one in sorted(found, key=lambda one: one.id)],
        await export_queries.written(reader, workspace_id, reach.tickets),
        answered,
        external,
        sessions,
        await export_queries.captures(reader, workspace_id, reach.subjects),
        await export_queries.runs(reader, workspace_id, reach.subjects),
        [one for one in deliveries if one is not None],
        await intake.queries.arrived(reader, workspace_id, 2**62, entries, len(entries)),
        await export_queries.events(reader, workspace_id, reach.subjects),
    )
