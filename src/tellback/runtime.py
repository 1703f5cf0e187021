"""The composition root: settings in, an open hub out. Server, worker, command line and tests all start here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tellback.core.cache import ConfigurationCache
from tellback.core.hub import Hub
from tellback.settings import Settings
from tellback.storage.blobs import open_store
from tellback.storage.database import Database
from tellback.storage.errors import StorageError
from tellback.storage.group_commit import GroupCommit


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Hub]:
    """A hub on `settings.database_url`, closed at the end. It opens while the database is away, too."""
    assert settings.database_url is not None
    db = await Database.open(settings.database_url)
    commits = await GroupCommit.open(settings.database_url)
    configuration = ConfigurationCache(db)
    blobs = open_store(settings.files or str(settings.data / "files"))
    with suppress(StorageError):
        await configuration.refresh()
    following = asyncio.create_task(configuration.follow())
    try:
        yield Hub(settings, db, commits, configuration, blobs)
    finally:
        following.cancel()
        await commits.close()
        await blobs.close()
        await db.close()
