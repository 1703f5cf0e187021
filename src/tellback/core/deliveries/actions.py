"""What people do to deliveries and destinations: replay, cancel, enable."""

from __future__ import annotations

from tellback.core import changes, errors
from tellback.core.deliveries import erasure_queries, queries, reading_queries
from tellback.core.deliveries.model import Chosen, Delivery, DestinationKind
from tellback.storage.database import Database, Reader, Transaction

#: Deliveries that a replay of many puts back in one transaction.
BATCH = 1_000


async def find(reader: Reader, workspace_id: int, delivery_id: int) -> Delivery:
    """A delivery with its attempts. Raises `NotFound`."""
    found = await reading_queries.by_id(reader, workspace_id, delivery_id)
    if found is None:
        raise errors.NotFound("There is no such delivery.")
    return found


async def replay(tx: Transaction, workspace_id: int, delivery_id: int) -> Delivery:
    """Send a delivery anew, whatever became of it: the same bytes and id, at once.

    Raises `NotFound`, and `Conflict` for one whose bytes are erased.

    In an ordered destination it goes to its old place, which is before everything that came later.
    """
    destination = await _held_destination(tx, workspace_id, delivery_id)
    if await erasure_queries.unsendable(tx, workspace_id, [delivery_id]):
        raise errors.Conflict("What was sent is erased, with the person it told of.")
    await reading_queries.put_back(tx, workspace_id, [delivery_id])
    await queries.wake(tx, workspace_id, [destination])
    return await find(tx, workspace_id, delivery_id)


async def replay_many(db: Database, workspace_id: int, wanted: Chosen) -> int:
    """Send all anew that fit `wanted` and wait no more; how many. Raises `NotFound` for an unknown destination.

    Without a state: those that failed; since a time, those that were delivered, too, but none that was cancelled.
    """
    async with db.reading() as reader:
        for kind, key in (("webhook", wanted.webhook), ("subscription", wanted.subscription)):
            if key is not None:
                await known(reader, workspace_id, kind, key)  # type: ignore[arg-type]
    count, above = 0, 0
    while True:
        async with db.reading() as reader:
            found = await reading_queries.finished_ids(reader, workspace_id, wanted, above, BATCH)
        if not found:
            return count
        count += await db.write(lambda tx, these=found: _put_back(tx, workspace_id, these))  # type: ignore[misc]
        above = found[-1][1]


async def _put_back(tx: Transaction, workspace_id: int, found: list[tuple[int, int]]) -> int:
    destinations = {destination for destination, _ in found}
    await queries.lock_destinations(tx, workspace_id, destinations)
    ids = [delivery for _, delivery in found]
    erased = await erasure_queries.unsendable(tx, workspace_id, ids)
    count = await reading_queries.put_back(tx, workspace_id, [id for id in ids if id not in erased])
    await queries.wake(tx, workspace_id, destinations)
    return count


async def cancel(tx: Transaction, workspace_id: int, delivery_id: int) -> Delivery:
    """Have a delivery wait no more. Raises `NotFound`, and `Conflict` for one that does not wait."""
    destination = await _held_destination(tx, workspace_id, delivery_id)
    if not await reading_queries.cancel(tx, workspace_id, delivery_id):
        raise errors.Conflict("This delivery does not wait any more.")
    await queries.wake(tx, workspace_id, [destination])  # what stood behind it may be due
    return await find(tx, workspace_id, delivery_id)


async def _held_destination(tx: Transaction, workspace_id: int, delivery_id: int) -> int:
    destination = await reading_queries.destination_of(tx, workspace_id, delivery_id)
    if destination is None:
        raise errors.NotFound("There is no such delivery.")
    await queries.lock_destinations(tx, workspace_id, [destination])
    return destination


async def known(reader: Reader, workspace_id: int, kind: DestinationKind, key: str) -> tuple[int, str]:
    """The id and state of a destination. Raises `NotFound`."""
    found = await reading_queries.destination_id(reader, workspace_id, kind, key)
    if found is None:
        raise errors.NotFound(f"There is no {kind} '{key[:100]}'.")
    return found


async def enable(
    tx: Transaction, workspace_id: int, kind: DestinationKind, key: str, actor: str
) -> list[changes.NewChange]:
    """Send to a destination again: its queue goes on at once. Raises `NotFound`.

    Returns the feed's rows for the caller to record last; none where it was not disabled.
    """
    id, state = await known(tx, workspace_id, kind, key)
    await go_on(tx, workspace_id, id)
    if state != "disabled":
        return []
    slug = await queries.slug(tx, workspace_id)
    about = {kind: key, "state": "active"}
    return [changes.NewChange("configuration.changed", "configuration", slug, actor, about)]


async def go_on(tx: Transaction, workspace_id: int, destination_id: int) -> None:
    """Have a destination active and its queue looked at: it was enabled, or its configuration changed."""
    await queries.lock_destinations(tx, workspace_id, [destination_id])
    await reading_queries.enable(tx, workspace_id, destination_id)
