"""What callers from outside order of deliveries, with its log entry and, where they like, an idempotency key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tellback.core import changes, deliveries, errors, intake
from tellback.core.automation import trying
from tellback.core.deliveries.model import Delivery, DestinationKind
from tellback.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Replay:
    delivery_id: int


@dataclass(frozen=True, slots=True)
class Cancel:
    delivery_id: int


@dataclass(frozen=True, slots=True)
class TryOut:
    """One call of a webhook, for a ticket or for sample data."""

    webhook: str
    ticket_id: int | None


@dataclass(frozen=True, slots=True)
class Enable:
    kind: DestinationKind
    key: str


@dataclass(frozen=True, slots=True)
class Order:
    workspace_id: int
    what: Replay | Cancel | TryOut | Enable
    actor: str


Outcome = Delivery | None


async def _obey(
    tx: Transaction, orders: Sequence[Order], entries: Sequence[intake.NewEntry]
) -> Sequence[Outcome | errors.HubError]:
    outcomes: list[Outcome | errors.HubError] = []
    news: dict[int, list[changes.NewChange]] = {}
    for order in orders:
        try:
            outcomes.append(await _done(tx, order, news.setdefault(order.workspace_id, [])))
        except errors.HubError as refused:  # before anything of it was stored
            outcomes.append(refused)
    done = [
        entry for entry, one in zip(entries, outcomes, strict=True) if not isinstance(one, errors.HubError)
    ]
    await intake.queries.record(tx, done)
    for workspace_id in sorted(news):
        if news[workspace_id]:
            await changes.record(tx, workspace_id, news[workspace_id])
    return outcomes


async def _done(tx: Transaction, order: Order, news: list[changes.NewChange]) -> Outcome:
    match order.what:
        case Replay(delivery_id):
            return await deliveries.replay(tx, order.workspace_id, delivery_id)
        case Cancel(delivery_id):
            return await deliveries.cancel(tx, order.workspace_id, delivery_id)
        case TryOut(webhook, ticket_id):
            return await trying.try_out(tx, order.workspace_id, webhook, ticket_id, order.actor)
        case Enable(kind, key):
            news += await deliveries.enable(tx, order.workspace_id, kind, key, order.actor)
            return None


#: Orders with their log entries; a delivery is given as it is then.
OBEY: intake.Intake[Order, Outcome] = intake.intake("delivery orders", _obey)


async def _log(
    tx: Transaction, counts: Sequence[int], entries: Sequence[intake.NewEntry]
) -> Sequence[int | errors.HubError]:
    await intake.queries.record(tx, entries)
    return counts


#: How many deliveries were replayed together, with the log entry of that.
REPLAYED: intake.Intake[int, int] = intake.intake("replays of many", _log)
