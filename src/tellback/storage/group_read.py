"""Group read: look-ups that come in at the same time share one query.

While one query is under way the next keys collect; a lone caller is asked for at once. Many clients that each
need one row by its key cost a query a batch instead of a query each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

from tellback.storage.database import Database, Reader

Key = TypeVar("Key")
Value = TypeVar("Value")

LARGEST = 256


class GroupRead(Generic[Key, Value]):
    """Look-ups by key through `fetch`, which gives what it found by key."""

    def __init__(
        self, db: Database, fetch: Callable[[Reader, Sequence[Key]], Awaitable[Mapping[Key, Value]]]
    ) -> None:
        self._db = db
        self._fetch = fetch
        self._waiting: list[tuple[Key, asyncio.Future[Value | None]]] = []
        self._reading: asyncio.Task[None] | None = None

    async def get(self, key: Key) -> Value | None:
        """What is stored under `key` at some moment after this call. Raises `DatabaseAway`."""
        answered: asyncio.Future[Value | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, answered))
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        return await answered

    async def _read(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting[:LARGEST], self._waiting[LARGEST:]
                await self._answer(taken)
        finally:
            self._reading = None

    async def _answer(self, taken: Sequence[tuple[Key, asyncio.Future[Value | None]]]) -> None:
        try:
            async with self._db.reading() as reader:
                found = await self._fetch(reader, [key for key, _ in taken])
        except Exception as error:
            for _, answered in taken:
                if not answered.done():
                    answered.set_exception(error)
            return
        for key, answered in taken:
            if not answered.done():  # its caller may have gone away
                answered.set_result(found.get(key))
