"""Disk work off the event loop, with its faults named."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from tellback.storage.errors import BlobsAway

Result = TypeVar("Result")


class Threads:
    """A few threads of the file store's own, so that a slow disk holds up nobody who needs none."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="blobs")

    def submit(self, work: Callable[[], Result]) -> asyncio.Future[Result]:
        """Begin `work`; it runs to its end whoever stops waiting for it. Its OSErrors become `BlobsAway`."""

        def named() -> Result:
            try:
                return work()
            except OSError as error:
                raise BlobsAway(f"the file store failed: {error.strerror}") from error

        return asyncio.get_running_loop().run_in_executor(self._pool, named)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do `work`; returns when it is over, also when the caller is cancelled meanwhile."""
        future = self.submit(work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait({future})
            raise

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.shutdown)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable. Blocks."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
