"""Everything that one process does in the background, from its begin to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tellback.core.hub import Hub
from tellback.settings import networks
from tellback.storage.database import Database
from tellback.worker import (
    delivery,
    delivery_figures,
    egress,
    events,
    figures_upkeep,
    search_upkeep,
    sla_upkeep,
    upkeep,
)

#: For calls under way when the process is told to stop, of the 10 s it has.
STOP_S = 4.0
#: Of its own, so that what is delivered never waits for callers, nor they for it.
CONNECTIONS = 3


@asynccontextmanager
async def working(hub: Hub, *, delivers: bool, stop_s: float = STOP_S) -> AsyncIterator[None]:
    """Upkeep and, where the process `delivers`, events and deliveries, until the end of the block."""
    settings = hub.settings
    tasks = [
        asyncio.create_task(work)
        for work in (
            upkeep.run_upkeep(
                hub.db,
                hub.blobs,
                intake_days=settings.intake_retention_days,
                session_idle=settings.session_idle,
            ),
            figures_upkeep.run(hub.db),
            sla_upkeep.run(hub.db),
            search_upkeep.run(hub.db),
            delivery_figures.run(hub.db),
        )
    ]
    try:
        if delivers:
            async with _delivering(hub, stop_s):
                yield
        else:
            yield
    finally:
        for task in tasks:
            task.cancel()


@asynccontextmanager
async def _delivering(hub: Hub, stop_s: float) -> AsyncIterator[None]:
    url, schedule = hub.settings.database_url, tuple(map(float, hub.settings.retry_schedule))
    assert url is not None
    db = await Database.open(url, connections=CONNECTIONS)
    connector = egress.connector(networks(hub.settings.allow_destinations))
    try:
        async with delivery.sending(db, url, schedule, connector, stop_s=stop_s) as deliveries:
            reading = asyncio.create_task(events.run(db, deliveries.wake, first_s=schedule[0]))
            try:
                yield
            finally:
                reading.cancel()
    finally:
        await db.close()
