"""Keeping figures quick: every process adds new responses to their hours, seconds after they are recorded."""

from __future__ import annotations

import asyncio

import structlog

from tellback.core import responses
from tellback.storage.database import Database
from tellback.storage.errors import StorageError

#: What waits longer makes questions slower, not wrong: they read it response by response.
EVERY_S = 2.0

log = structlog.get_logger(__name__)


async def run(db: Database, *, every_s: float = EVERY_S) -> None:
    """Work until cancelled. Workspaces are locked one by one, so processes share the work."""
    while True:
        try:
            await responses.metrics.add_up(db)
        except StorageError as error:
            log.warning("figures.put_off", reason=str(error))
        except Exception:
            log.exception("figures.failed")
        await asyncio.sleep(every_s)
