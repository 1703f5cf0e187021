"""Verbs on ratings: taking in what a platform delivers, and marking what was reported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tellback.core import changes, intake, tickets
from tellback.core.cache import ConfigurationCache
from tellback.core.reviews import queries, rules
from tellback.core.reviews.model import Delivered, Delivery, Held, Page, Received, Seen
from tellback.core.tickets import NewTicket
from tellback.storage.database import Database, Transaction
from tellback.storage.group_commit import Batch

_Story = tuple[int, int, str]


async def find_page(db: Database, configuration: ConfigurationCache, key: str) -> Page | None:
    """The page at that address, from memory where it is known; keys are the whole hub's."""

    async def load() -> Page | None:
        async with db.reading() as reader:
            return await queries.page_by_key(reader, key)

    return await configuration.get(("page", key.lower()), load)


@dataclass(slots=True)
class _Work:
    """What a batch of deliveries comes to, while it is gone through."""

    held: dict[_Story, Held]
    now: datetime
    automated: set[int]
    touched: set[_Story] = field(default_factory=set)
    news: dict[int, list[changes.NewChange]] = field(default_factory=dict)
    filing: dict[_Story, NewTicket] = field(default_factory=dict)


def _story(page: Page, change: Delivered) -> _Story:
    return (page.workspace.id, page.id, change.story_id)


async def _receive(
    tx: Transaction, deliveries: Sequence[Delivery], entries: Sequence[intake.NewEntry]
) -> Sequence[Received]:
    stories = {_story(one.page, change) for one in deliveries for change in one.changes}
    received = [Received(()) for _ in deliveries]
    if stories:
        held, now = await queries.hold_many(tx, stories)
        work = _Work(held, now, await queries.automated(tx, {story[0] for story in stories}))
        received = [_taken(work, delivery) for delivery in deliveries]
        await _file_tickets(tx, work)
        await queries.put_many(tx, [(story[0], work.held[story]) for story in sorted(work.touched)])
    await intake.queries.record(tx, list(_logged(entries, received)))
    if stories:
        for workspace_id in sorted(work.news):
            await changes.record(tx, workspace_id, work.news[workspace_id])
    return received


#: Deliveries with their log entries, many at once. Saying a thing twice, or late, changes nothing.
RECEIVE: intake.Intake[Delivery, Received] = intake.intake("ratings", _receive)


def _taken(work: _Work, delivery: Delivery) -> Received:
    """Merge one delivery into what is held; readers are told once of each rating it changed."""
    page = delivery.page
    before = {_story(page, change): work.held[_story(page, change)] for change in delivery.changes}
    for change in delivery.changes:
        story = _story(page, change)
        known = work.held[story]
        standing = rules.merged(known.standing, change)
        if standing is not known.standing:
            work.held[story] = replace(known, standing=standing)
            work.touched.add(story)
    told = [story for story, known in before.items() if _told(work, page, story, known)]
    return Received(tuple(work.held[story].id for story in told))


def _told(work: _Work, page: Page, story: _Story, before: Held) -> bool:
    """Whether a rating is another now; then it has a new revision, a feed row, and perhaps a ticket."""
    held = work.held[story]
    standing = held.standing
    assert standing is not None
    kind = rules.news(before.standing, standing)
    if kind is None:
        return False
    held = work.held[story] = replace(held, revision=held.revision + 1)
    shown = rules.as_read(page, held.id, standing, work.now, held.revision)
    told = rules.told(page, kind, shown, automated=page.workspace.id in work.automated)
    work.news.setdefault(page.workspace.id, []).append(told)
    wanted = rules.ticket(page, standing) if held.ticket_id is None else None
    if wanted is not None:
        work.filing.setdefault(story, wanted)
    return True


async def _file_tickets(tx: Transaction, work: _Work) -> None:
    """A low rating becomes a ticket, once: what is edited later stays with it."""
    if not work.filing:
        return
    filed = await tickets.queries.file_many(tx, list(work.filing.values()), ())
    for story, one in zip(work.filing, filed, strict=True):
        work.held[story] = replace(work.held[story], ticket_id=one.id)


def _logged(entries: Sequence[intake.NewEntry], received: Sequence[Received]) -> Iterable[intake.NewEntry]:
    """The log entries, each with the first rating its delivery changed."""
    for entry, one in zip(entries, received, strict=True):
        first = str(one.ratings[0]) if one.ratings else None
        yield replace(entry, created_type="rating", created_id=first) if first else entry


async def _clear(tx: Transaction, seen: Sequence[Seen]) -> Sequence[None]:
    await queries.clear_many(tx, seen)
    return [None] * len(seen)


#: Reports of ratings that were given out: what changed after its revision was read stays dirty.
CLEAR: Batch[Seen, None] = Batch("reported ratings", _clear, single_statement=True)
