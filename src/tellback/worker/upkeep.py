"""What a hub does for itself once a minute: forgets what it has kept long enough, puts away sessions that stood
still, clears the file store.

Every process runs it; a lease lets one of them work at a time.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import structlog

from tellback.core import files, responses
from tellback.core.intake import retention_queries as retention
from tellback.settings import DAY_S
from tellback.storage import jobs
from tellback.storage.blobs import PREFIXES, BlobStore
from tellback.storage.database import Database, Transaction
from tellback.storage.errors import StorageError

EVERY_S = 60.0
LEASE = "upkeep"
LEASE_S = 90.0
#: Rows a transaction deletes or puts away at most, so that it holds nothing up.
BATCH = 1_000

# A large store has millions of files; a few folders a round take them all in about two hours. Together with
# the age that leaves nothing unfinished for more than a day (docs/operations.md).
SWEPT_A_ROUND = 2
GARBAGE_AGE = timedelta(hours=20)

log = structlog.get_logger(__name__)

#: Deletes (or puts away) one batch and gives how many rows that was.
Deletion = Callable[[Transaction], Awaitable[int]]


async def run_upkeep(
    db: Database,
    store: BlobStore,
    *,
    intake_days: int,
    session_idle: int = 30 * DAY_S,
    every_s: float = EVERY_S,
) -> None:
    """Work until cancelled. Log entries are kept `intake_days` days, sessions wait `session_idle` seconds."""
    upkeep = Upkeep(db, store, intake_days=intake_days, session_idle=session_idle)
    while True:
        try:
            await upkeep.once()
        except StorageError as error:
            log.warning("upkeep.put_off", reason=str(error))
        except Exception:
            log.exception("upkeep.failed")
        await asyncio.sleep(every_s)


class Upkeep:
    """The upkeep of one process: its name on the lease, and where it is in the file store."""

    def __init__(
        self, db: Database, store: BlobStore, *, intake_days: int, session_idle: int = 30 * DAY_S
    ) -> None:
        self._db = db
        self._store = store
        self._owner = secrets.token_hex(8)
        # Anywhere: a process that is often started again must come to every folder all the same.
        self._next_folder = secrets.randbelow(len(PREFIXES))
        self._deletions: dict[str, Deletion] = {
            "intake entries": partial(retention.forget_entries, older_than_days=intake_days, at_most=BATCH),
            "kept answers": partial(retention.forget_answers, at_most=BATCH),
            "idle sessions": partial(responses.put_away_idle, longest_idle=session_idle, limit=BATCH),
        }

    async def once(self) -> bool:
        """One round; False when another process holds the lease. Raises `StorageError`."""
        if not await self._hold():
            return False
        removed = {what: await self._delete(deletion) for what, deletion in self._deletions.items()}
        if await self._hold():
            removed["files"] = await self._sweep()
        if any(removed.values()):
            log.info("upkeep.removed", **{what.replace(" ", "_"): count for what, count in removed.items()})
        return True

    async def _hold(self) -> bool:
        return await self._db.write(lambda tx: jobs.take_lease(tx, LEASE, self._owner, LEASE_S))

    async def _delete(self, deletion: Deletion) -> int:
        """Batch after batch, for as long as the lease is ours."""
        deleted = 0
        while await self._hold():
            batch = await self._db.write(deletion)
            deleted += batch
            if batch < BATCH:
                break
        return deleted

    async def _sweep(self) -> int:
        """The next few folders of the store."""
        first = self._next_folder
        self._next_folder = (first + SWEPT_A_ROUND) % len(PREFIXES)
        prefixes = [PREFIXES[number % len(PREFIXES)] for number in range(first, first + SWEPT_A_ROUND)]
        return await files.sweep_unreferenced(
            self._db, self._store, older_than=GARBAGE_AGE, prefixes=prefixes
        )
