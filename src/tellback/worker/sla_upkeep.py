"""Keeping what was promised in view: every process computes the SLA of tickets that changed, once a minute."""

from __future__ import annotations

import asyncio

import structlog

from tellback.core import tickets
from tellback.storage.database import Database
from tellback.storage.errors import StorageError

#: Reports show no SLA in between, so that nobody takes an old one for a new one.
EVERY_S = 60.0

log = structlog.get_logger(__name__)


async def run(db: Database, *, every_s: float = EVERY_S) -> None:
    """Work until cancelled. Workspaces are locked one by one, so processes share the work."""
    while True:
        try:
            while await tickets.promises.keep_up(db) > 0:
                pass
        except StorageError as error:
            log.warning("sla.put_off", reason=str(error))
        except Exception:
            log.exception("sla.failed")
        await asyncio.sleep(every_s)
