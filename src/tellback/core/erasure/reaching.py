"""Finding all that is a person's, to show it or to erase it."""

from __future__ import annotations

from datetime import datetime

from tellback.core.deliveries import erasure_queries
from tellback.core.erasure import reach_queries, rules, traces_queries
from tellback.core.erasure.model import Person, Reach
from tellback.storage.database import Reader, Transaction


async def hold(tx: Transaction, workspace_id: int, person: Person) -> Reach | None:
    """All of it, locked; None where another was quicker and the contact is gone."""
    sittings = await reach_queries.sittings(tx, workspace_id, person, lock=True)
    if not await reach_queries.lock_person(tx, workspace_id, person.id):
        return None
    held = await reach_queries.person(tx, workspace_id, person.id)
    if held is not None and held != person:  # known by something else since
        return await hold(tx, workspace_id, held)
    return await _rest(tx, workspace_id, Reach(person, sittings), lock=True)


async def hold_left(tx: Transaction, workspace_id: int, contact_id: int) -> Reach:
    """What there is of a contact that is gone, locked."""
    person = Person(contact_id)
    sittings = await reach_queries.sittings(tx, workspace_id, person, lock=True)
    return await _rest(tx, workspace_id, Reach(person, sittings), lock=True)


async def find(reader: Reader, workspace_id: int, person: Person) -> Reach:
    """All of it, as it is."""
    sittings = await reach_queries.sittings(reader, workspace_id, person)
    return await _rest(reader, workspace_id, Reach(person, sittings), lock=False)


async def _rest(reader: Reader, workspace_id: int, reach: Reach, *, lock: bool) -> Reach:
    person = reach.person
    numbers = [one.number for one in reach.sittings]
    reach.answered = await reach_queries.answered(reader, workspace_id, person.id, numbers, lock=lock)
    filed = await reach_queries.filed(reader, workspace_id, person, lock=lock)
    said = [
        *(text for one in reach.answered for text in one.known),
        *(one["text"] for sitting in reach.sittings for one in sitting.answers if one.get("text")),
        *(text for one in reach.sittings for text in rules.leaves([one.metadata, one.respondent])),
    ]
    reach.filed = filed
    quoted = await reach_queries.quoting(
        reader, workspace_id, reach.subjects, rules.identities(person),
        [*rules.needles(person, said), *person.names], lock=lock,
    )  # fmt: skip
    known = {one.id for one in filed}
    reach.filed = [*filed, *(one for one in quoted if one.id not in known)]
    reach.texts = [*said, *(text for one in reach.filed for text in one.known)]
    return reach


async def logged(reader: Reader, workspace_id: int, reach: Reach) -> list[int]:
    """The entries of the intake log that tell of them."""
    sittings: list[tuple[str, datetime, datetime]] = [
        (str(one.survey_id), one.started_at, one.active_at) for one in reach.sittings
    ]
    times = [(str(one.survey_id), at) for one in reach.sittings for at in one.times]
    return await traces_queries.logged(
        reader, workspace_id, reach.subjects, [one.display_id for one in reach.filed], sittings, times,
        rules.identities(reach.person), rules.needles(reach.person, reach.texts),
    )  # fmt: skip


async def sent(reader: Reader, workspace_id: int, reach: Reach) -> list[int]:
    """The deliveries that tell of them."""
    return await erasure_queries.sent(reader, workspace_id, reach.subjects, rules.identities(reach.person))
