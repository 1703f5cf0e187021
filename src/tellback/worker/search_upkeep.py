"""Keeping the search index up: every process adds what happened to tickets, about a second after it happened."""

from __future__ import annotations

import asyncio

import structlog

from tellback.core import tickets
from tellback.storage.database import Database
from tellback.storage.errors import StorageError

#: What waits longer makes searches slower, not wrong: they look through it ticket by ticket.
EVERY_S = 1.0

log = structlog.get_logger(__name__)


async def run(db: Database, *, every_s: float = EVERY_S) -> None:
    """Work until cancelled. Workspaces are locked one by one, so processes share the work."""
    while True:
        try:
            while await tickets.search.keep_up(db):
                pass
        except StorageError as error:
            log.warning("search.put_off", reason=str(error))
        except Exception:
            log.exception("search.failed")
        await asyncio.sleep(every_s)
