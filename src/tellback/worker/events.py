"""Acting on events: this process reads the feed where others do not, and keeps rules' schedules."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from tellback.core.automation import events
from tellback.storage.database import Database
from tellback.storage.errors import StorageError

SHORTEST_POLL_S, LONGEST_POLL_S = 0.05, 0.25
SCHEDULE_EVERY_S = 1.0
#: After so much in a row the loop is left to others for a moment: callers wait in the same process.
_BREATH_S = 0.005

log = structlog.get_logger(__name__)


async def run(db: Database, queued: Callable[[], None], *, first_s: float = 0.0) -> None:
    """Work until cancelled. `queued` is called when there are calls to make, the first in `first_s` seconds."""
    reader = events.Events(first_s)
    reading = asyncio.create_task(_read(db, reader, queued))
    try:
        while True:
            found = await _guarded(lambda: reader.keep_schedule(db))
            queued() if found else None
            await asyncio.sleep(_BREATH_S if found else SCHEDULE_EVERY_S)
    finally:
        reading.cancel()


async def _read(db: Database, reader: events.Events, queued: Callable[[], None]) -> None:
    pause = SHORTEST_POLL_S
    while True:
        before = reader.queued
        read = await _guarded(lambda: reader.catch_up(db))
        if reader.queued != before:
            queued()
        pause = SHORTEST_POLL_S if read else min(pause * 1.5, LONGEST_POLL_S)
        await asyncio.sleep(_BREATH_S if read >= events.AT_MOST else pause)


async def _guarded(work: Callable[[], Awaitable[int]]) -> int:
    try:
        return await work()
    except StorageError as error:
        log.warning("events.put_off", reason=str(error))
    except Exception:
        log.exception("events.failed")
    return 0
