"""Keeping the search index up: every process adds what happened to tickets, about a second after it happened."""

from __future__ import annotations

import asyncio
import time

import structlog

from tellback.core import changes, tickets
from tellback.storage.database import Database
from tellback.storage.errors import StorageError

#: What waits longer makes searches slower, not wrong: they look through it ticket by ticket.
EVERY_S = 1.0
#: Callers wait in the same process and on the same database, so of its time a reader that is behind takes a part.
SHARE = 0.5

log = structlog.get_logger(__name__)


async def run(db: Database, *, every_s: float = EVERY_S) -> None:
    """Work until cancelled. Workspaces are locked one by one, so processes share the work."""
    while True:
        try:
            began = time.monotonic()
            while await tickets.search.keep_up(db) >= changes.readers.PIECE:  # there is more
                await asyncio.sleep((time.monotonic() - began) * (1 / SHARE - 1))
                began = time.monotonic()
        except StorageError as error:
            log.warning("search.put_off", reason=str(error))
        except Exception:
            log.exception("search.failed")
        await asyncio.sleep(every_s)
