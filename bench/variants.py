"""The hub's own ASGI application with another writer: what gathered commits are compared with.

Everything before the write (front door, checks, mapping) and after it (rendering) is the hub's own code.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from tellback import app, runtime
from tellback.core import intake, tickets
from tellback.core.hub import Hub
from tellback.settings import Settings
from tellback.storage.database import Database
from tellback.storage.group_commit import Batch

CONNECTIONS = 32


class StoresNothing:
    """Answers every write as if it had been done."""

    waiting = 0

    async def write(self, batch: Batch[Any, Any], item: Any) -> Any:
        return tickets.Filed(4711, "BUG-4711") if isinstance(item, intake.Submission) else None

    async def close(self) -> None:
        pass


class OneTransactionEach:
    """A transaction for every request, each on a connection of its own."""

    waiting = 0

    def __init__(self, db: Database) -> None:
        self._db = db

    async def write(self, batch: Batch[Any, Any], item: Any) -> Any:
        return (await self._db.write(lambda tx: batch.apply(tx, [item])))[0]

    async def close(self) -> None:
        await self._db.close()


def stores_nothing(settings: Settings) -> Any:
    """The application whose writer stores nothing."""

    async def writer() -> StoresNothing:
        return StoresNothing()

    return application(settings, writer)


def one_transaction_each(settings: Settings) -> Any:
    """The application whose writer gathers nothing."""
    url = settings.database_url or ""

    async def writer() -> OneTransactionEach:
        return OneTransactionEach(await Database.open(url, connections=CONNECTIONS))

    return application(settings, writer)


def application(settings: Settings, open_writer: Callable[[], Awaitable[Any]]) -> Any:
    """What a worker of the hub runs, its hub opened with that writer. For a process of the bench alone."""
    opened: Callable[[Settings], AbstractAsyncContextManager[Hub]] = runtime.opened

    @asynccontextmanager
    async def opened_with_writer(settings: Settings) -> AsyncIterator[Hub]:
        async with opened(settings) as hub:
            writer = await open_writer()
            try:
                yield dataclasses.replace(hub, commits=writer)
            finally:
                await writer.close()

    runtime.opened = opened_with_writer
    return app.application(settings)
