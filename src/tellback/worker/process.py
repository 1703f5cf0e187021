"""Everything that one process does in the background, from its begin to its end."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from types import ModuleType

import structlog

from tellback.core.hub import Hub
from tellback.settings import networks
from tellback.storage.database import Database
from tellback.worker import delivery_figures, events, figures_upkeep, search_upkeep, sla_upkeep, upkeep

#: For calls under way when the process is told to stop, of the 10 s it has.
STOP_S = 4.0
#: What happened meanwhile is acted on then; a process that starts answers callers first.
BEGINS_AFTER_S = 0.5
#: Of its own, so that what is delivered never waits for callers, nor they for it.
CONNECTIONS = 3

log = structlog.get_logger(__name__)


@asynccontextmanager
async def working(hub: Hub, *, delivers: bool, stop_s: float = STOP_S) -> AsyncIterator[None]:
    """Upkeep, events and, where the process `delivers`, deliveries, until the end of the block."""
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
    ending = asyncio.Event()
    acting = asyncio.create_task(_act(hub, delivers, stop_s, ending))
    try:
        yield
    finally:
        ending.set()
        await acting
        for task in tasks:
            task.cancel()


async def _act(hub: Hub, delivers: bool, stop_s: float, ending: asyncio.Event) -> None:
    """Act on events until the end: what rules do to tickets is not to wait for a process that delivers."""
    url, first_s = hub.settings.database_url, float(hub.settings.retry_schedule[0])
    assert url is not None
    with suppress(TimeoutError):
        await asyncio.wait_for(ending.wait(), BEGINS_AFTER_S)
        return
    await _loaded("core.templates.liquid")
    db = await Database.open(url, connections=CONNECTIONS)
    sending = _sending(hub, db, url, stop_s) if delivers else nullcontext(_left_to_others)
    try:
        async with sending as queued:
            reading = asyncio.create_task(events.run(db, queued, first_s=first_s))
            try:
                await ending.wait()
            finally:
                reading.cancel()
    except Exception:
        log.exception("background.failed")
        raise
    finally:
        await db.close()


@asynccontextmanager
async def _sending(hub: Hub, db: Database, url: str, stop_s: float) -> AsyncIterator[Callable[[], None]]:
    delivery, egress = await _loaded("worker.delivery"), await _loaded("worker.egress")
    schedule = tuple(map(float, hub.settings.retry_schedule))
    connector = egress.connector(networks(hub.settings.allow_destinations))
    async with delivery.sending(db, url, schedule, connector, stop_s=stop_s) as deliveries:
        yield deliveries.wake


async def _loaded(name: str) -> ModuleType:
    """A module of ours that stands on a large library.

    Not at the top, and in a thread: together these take a third of what starting takes, and nobody who calls the hub
    has to wait for them.
    """
    return await asyncio.to_thread(importlib.import_module, f"tellback.{name}")


def _left_to_others() -> None:
    """Calls are queued; the processes that deliver look for them themselves."""
