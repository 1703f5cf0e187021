"""Figures of deliveries for metrics: what came of attempts, and how the queues stand.

At the queues one process at a time looks and tells, the others say 0.
"""

from __future__ import annotations

import asyncio
import secrets

import structlog

from tellback.core.deliveries import reading_queries as queries
from tellback.core.deliveries.reading_queries import Queues
from tellback.kit import metrics
from tellback.storage import jobs
from tellback.storage.database import Database
from tellback.storage.errors import StorageError

EVERY_S = 10.0
LEASE = "delivery figures"
LEASE_S = 25.0
_NONE = Queues(0, 0.0, 0)

log = structlog.get_logger(__name__)


ATTEMPTS = metrics.REGISTRY.counter(
    "tellback_delivery_attempts_total", "Attempts to deliver, by what came of them.", "outcome"
)
DURATIONS = metrics.REGISTRY.histogram("tellback_delivery_attempt_seconds", "How long an attempt took.")


class _Seen:
    """What the last look found."""

    queues = _NONE


metrics.REGISTRY.gauge(
    "tellback_deliveries_waiting", "Deliveries that wait for an attempt.", lambda: _Seen.queues.waiting
)
metrics.REGISTRY.gauge(
    "tellback_deliveries_oldest_due_seconds",
    "For how long the delivery that is longest due has been so.",
    lambda: _Seen.queues.oldest_due_s,
)
metrics.REGISTRY.gauge(
    "tellback_destinations_disabled",
    "Webhooks and subscriptions that were disabled.",
    lambda: _Seen.queues.disabled,
)


async def run(db: Database, *, every_s: float = EVERY_S) -> None:
    """Look until cancelled."""
    owner = secrets.token_hex(8)
    while True:
        try:
            held = await db.write(lambda tx: jobs.take_lease(tx, LEASE, owner, LEASE_S))
            _Seen.queues = await _look(db) if held else _NONE
        except StorageError as error:
            log.warning("delivery_figures.put_off", reason=str(error))
        except Exception:
            log.exception("delivery_figures.failed")
        await asyncio.sleep(every_s)


async def _look(db: Database) -> Queues:
    async with db.reading() as reader:
        return await queries.queues(reader)
