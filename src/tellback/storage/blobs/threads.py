"""Disk work off the event loop, with its faults named; folders that stay."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
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


class Folders:
    """Folders that are there and stay there: made where needed, durably, each looked at once by a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._durable: set[Path] = set()

    def ensure(self, folder: Path) -> None:
        """Blocks. Raises `OSError`, also when the folder's own parent is missing."""
        with self._lock:
            if folder in self._durable:
                return
            with suppress(FileExistsError):
                os.mkdir(folder, 0o700)
            # Also where it was there: whoever made it may have been killed before it came to this.
            sync_folder(folder.parent)
            self._durable.add(folder)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable. Blocks."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
