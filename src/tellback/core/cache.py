"""Compiled configuration, kept per process and dropped when it changes.

Credentials, sources and mappings are read and compiled once, then found in memory, so that taking feedback in
reads nothing. Every change of configuration raises one version row; each process looks at it once a second
and forgets everything it compiled (docs/operations.md: a running server acts on a change within 2 s).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

import structlog

from tellback.core import cache_queries as queries
from tellback.storage.database import Database
from tellback.storage.errors import StorageError

Value = TypeVar("Value")

POLL_S = 1.0
LARGEST = 50_000

log = structlog.get_logger(__name__)


class ConfigurationCache:
    """Least recently used entries, all forgotten at once when the configuration's version moves."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._entries: OrderedDict[Hashable, Any] = OrderedDict()
        self._generation = 0
        self._version: int | None = None

    async def get(self, key: Hashable, load: Callable[[], Awaitable[Value]]) -> Value:
        """The value under `key`, loaded on the first ask.

        None is answered and not kept: a stranger's guesses must not fill the cache. A value whose loading
        began before the last change is answered to its asker and not kept either, for it may be stale.
        """
        if key in self._entries:
            self._entries.move_to_end(key)
            return self._entries[key]  # type: ignore[no-any-return]
        generation = self._generation
        value = await load()
        if value is not None and generation == self._generation:
            self._entries[key] = value
            if len(self._entries) > LARGEST:
                self._entries.popitem(last=False)
        return value

    def forget(self) -> None:
        """Drop everything."""
        self._generation += 1
        self._entries.clear()

    async def refresh(self) -> None:
        """Look at the version row; forget everything if it moved."""
        async with self._db.reading() as reader:
            version = await queries.version(reader)
        if version != self._version:
            self._version = version
            self.forget()

    async def follow(self) -> None:
        """Refresh until cancelled. While the database is away, what is known stays in use."""
        while True:
            await asyncio.sleep(POLL_S)
            try:
                await self.refresh()
            except StorageError as away:
                log.warning("configuration.not_refreshed", reason=str(away))
