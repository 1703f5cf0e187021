"""Erasing a person: one transaction that leaves nothing of them, then the bytes of their files."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from tellback.core import cache_queries, changes, errors, intake, reviews, tickets, workspaces
from tellback.core.automation import erasure_queries as automation_queries
from tellback.core.changes import NewChange
from tellback.core.deliveries import erasure_queries
from tellback.core.deliveries import queries as delivery_queries
from tellback.core.erasure import (
    mentions_queries,
    people_queries,
    reach_queries,
    reaching,
    rules,
    tickets_queries,
    traces_queries,
)
from tellback.core.erasure.model import Reach
from tellback.core.erasure.places import PLACES
from tellback.storage.blobs import BlobStore
from tellback.storage.database import Database, Transaction

#: Seconds in which a process may still take the person for a contact: it knew them when they were erased, and
#: looks at the configuration's version once a second. What it stores by then is erased, too.
SETTLE_S = 2.0


@dataclass(frozen=True, slots=True)
class Order:
    """Whom to erase, on whose word; `entry` is the call's line in the intake log."""

    workspace_id: int
    contact_id: int
    actor: str
    entry: intake.NewEntry


async def erase(db: Database, blobs: BlobStore, order: Order, *, settle_s: float = SETTLE_S) -> None:
    """Erase a contact; once more is no fault, and ends what an interrupted erasure has left to do.

    Raises `NotFound` for one that never was, `Conflict` for one that the configuration relies on,
    `DatabaseAway`, `BlobsAway`.
    """
    if await db.write(lambda tx: _first(tx, order)):
        await asyncio.sleep(settle_s)
    await db.write(lambda tx: _again(tx, order))
    async with db.reading() as reader:
        marked = await tickets_queries.marked_files(reader, order.workspace_id)
    for one in marked:  # the rows go last: they say which bytes are left
        await blobs.delete(one.blob)
    ids = [one.id for one in marked]
    await db.write(lambda tx: tickets_queries.forget_files(tx, order.workspace_id, ids))


async def _first(tx: Transaction, order: Order) -> bool:
    """Erase the person who is there; False for one who was erased before."""
    workspace_id = order.workspace_id
    person = await reach_queries.person(tx, workspace_id, order.contact_id)
    if person is None:
        return await _was_erased(tx, order)
    relied_on = await reach_queries.relied_on(tx, workspace_id, person.id)
    if relied_on:
        raise errors.Conflict(
            f"This contact is the default submitter of {', '.join(relied_on)}; give that another one first."
        )
    await automation_queries.hold_readers(tx, workspace_id)
    reach = await reaching.hold(tx, workspace_id, person)
    if reach is None:
        return await _was_erased(tx, order)
    configured = await people_queries.forget_contact(tx, workspace_id, person.id)
    news = await _take_out(tx, order, reach)
    if configured:
        await cache_queries.raise_version(tx)
    await intake.queries.record(tx, [order.entry])
    erased = NewChange("contact.erased", "contact", str(person.id), order.actor)
    await changes.record(tx, workspace_id, [*news, erased])
    return True


async def _was_erased(tx: Transaction, order: Order) -> bool:
    """False, logged, for one who was erased before. Raises `NotFound` for one who never was."""
    if not await reach_queries.was_erased(tx, order.workspace_id, order.contact_id):
        raise errors.NotFound("There is no such contact.")
    await intake.queries.record(tx, [order.entry])
    return False


async def _again(tx: Transaction, order: Order) -> None:
    """Erase what came in for the contact from those who did not know yet that it is gone."""
    await reach_queries.wait_for_imports(tx, order.workspace_id)
    await automation_queries.hold_readers(tx, order.workspace_id)
    reach = await reaching.hold_left(tx, order.workspace_id, order.contact_id)
    if reach.answered or reach.filed:
        news = await _take_out(tx, order, reach)
        await changes.record(tx, order.workspace_id, news)


async def _take_out(tx: Transaction, order: Order, reach: Reach) -> list[NewChange]:
    """Erase all that was reached; the feed's rows of what is another thing for it."""
    workspace_id, person = order.workspace_id, reach.person
    identities = rules.identities(person)
    # Found while it can still be told whose it is.
    logged = await reaching.logged(tx, workspace_id, reach)
    sent = await reaching.sent(tx, workspace_id, reach)
    await people_queries.erase_sittings(tx, workspace_id, reach.sittings)
    await people_queries.erase_answered(tx, workspace_id, person, reach.answered)
    await tickets_queries.erase(tx, workspace_id, reach.filed, order.actor)
    await tickets_queries.mark_files(tx, workspace_id, reach.tickets)
    await erasure_queries.erase_captured(tx, workspace_id, reach.subjects)
    await automation_queries.erase_runs(tx, workspace_id, reach.subjects)
    mentioned = await _mentions(tx, workspace_id, reach)
    mentioned["tickets"] += await tickets_queries.detach(tx, workspace_id, person.id)
    await _empty_queues(tx, workspace_id, sent)
    await traces_queries.erase_logged(tx, workspace_id, logged)
    await traces_queries.erase_feed(tx, workspace_id, reach.subjects, identities)
    shown = [f'"display_id":"{one.display_id}"' for one in reach.filed]
    await traces_queries.erase_kept(tx, workspace_id, [*identities, *shown])
    await traces_queries.erase_rejects(tx, workspace_id, identities)
    return await _news(tx, order, reach, mentioned)


async def _empty_queues(tx: Transaction, workspace_id: int, sent: list[int]) -> None:
    destinations = await erasure_queries.destinations(tx, workspace_id, sent)
    await delivery_queries.lock_destinations(tx, workspace_id, destinations)
    await erasure_queries.erase_sent(tx, workspace_id, sent)
    await delivery_queries.wake(tx, workspace_id, destinations)  # what stood behind one may be due


async def _mentions(tx: Transaction, workspace_id: int, reach: Reach) -> dict[str, list[int]]:
    """Take address and number out of what others said; ids of the tickets and ratings where they stood."""
    known = rules.identified(reach.person)
    changed: dict[str, list[int]] = {"tickets": [], "timeline": [], "answers": [], "ratings": []}
    if known is not None:
        looked_for = rules.identities(reach.person)
        for place in PLACES:
            keys = await mentions_queries.replace(tx, workspace_id, place, looked_for, known)
            if place.table in changed:
                changed[place.table] = [key[0] for key in keys]
        await mentions_queries.replace_tags(tx, workspace_id, looked_for, known)
    beside = {*changed["timeline"], *changed["answers"]}
    untouched = sorted(beside.difference(reach.tickets, changed["tickets"]))
    await tickets.queries.touch_many(tx, [workspace_id] * len(untouched), untouched)
    return {"tickets": sorted(beside.union(changed["tickets"])), "ratings": changed["ratings"]}


async def _news(
    tx: Transaction, order: Order, reach: Reach, mentioned: dict[str, list[int]]
) -> list[NewChange]:
    workspace_id, actor = order.workspace_id, order.actor
    automated = await workspaces.queries.is_automated(tx, workspace_id)
    theirs = set(reach.tickets)
    told = sorted(theirs.union(mentioned["tickets"]))
    await tickets_queries.forget_words(tx, workspace_id, told)
    news = [
        NewChange("response.erased", "response", str(one.id), actor)
        for one in reach.answered
        if not one.erased
    ]
    for id, shown in sorted((await tickets.documents(tx, workspace_id, told)).items()):
        about = {name: shown[name] for name in ("display_id", "project", "type", "status")}
        data = {**about, "changed": ["erased"]}
        if id in theirs:
            shown["files"] = []  # their rows stay until the bytes are gone
        news.append(NewChange("ticket.changed", "ticket", str(id), actor, data, shown if automated else None))
    for id in mentioned["ratings"]:
        rating = await reviews.queries.rating(tx, workspace_id, id)
        snapshot = reviews.rules.document(rating) if rating and automated else None
        news.append(NewChange("rating.changed", "rating", str(id), actor, {}, snapshot))
    return news
