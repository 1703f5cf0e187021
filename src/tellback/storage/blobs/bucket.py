"""A file store in an S3-compatible bucket: <prefix>/<first two hex digits>/<32 hex digits>.

An object is there when its upload is complete, and not before: the store itself sees to that. What unfinished
uploads leave behind where nobody could remove it, a rule of the bucket has to (docs/operations.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from tellback.storage.blobs.objects import Objects
from tellback.storage.blobs.place import Bucket
from tellback.storage.blobs.store import PREFIXES, Known, is_name, new_name, path_of
from tellback.storage.blobs.threads import Threads
from tellback.storage.blobs.uploads import BucketWriter

#: Bytes a reader asks for at once: no connection is open while a slow client takes them.
READ = 4 * 1024 * 1024
THREADS = 4
#: For removals under way; what is left of them the sweep finds.
CLOSE_WITHIN_S = 2.0


class BucketBlobs:
    """Blobs in a bucket. See `BlobStore` for the verbs."""

    def __init__(self, bucket: Bucket) -> None:
        """Asks nobody anything yet: it opens while the bucket is away, too. Raises `StorageError`."""
        self._objects = Objects(bucket)
        self._threads = Threads(THREADS)
        self._kept: set[asyncio.Task[None]] = set()

    async def check(self) -> None:
        """See that everything can be done that has to be. Raises `StorageError`, in one line."""
        path = f"probe/{new_name()}"
        await self._objects.put(path, b"tellback")
        await self._objects.read(path, 0, await self._objects.size(path))
        await self._objects.look()
        await self._objects.delete([path])

    def create(self) -> BucketWriter:
        return BucketWriter(self._objects, self._threads, self._keep, new_name())

    @asynccontextmanager
    async def reading(
        self, name: str, *, offset: int = 0, length: int | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        size = await self._objects.size(path_of(name))
        yield self._chunks(name, offset, size if length is None else min(size, offset + length))

    async def delete(self, name: str) -> None:
        await self._objects.delete([path_of(name)])

    async def sweep(
        self, known: Known, *, older_than: timedelta = timedelta(hours=24), prefixes: Sequence[str] = PREFIXES
    ) -> int:
        before = datetime.now(UTC) - older_than
        removed = 0
        for prefix in prefixes:
            async for page in self._objects.listed(prefix):
                # The bucket may hold more than ours: what has no name of ours stays.
                old = [one.name for one in page if one.stored_at < before and is_name(one.name)]
                kept = await known(old) if old else ()
                garbage = [path_of(name) for name in old if name not in kept]
                if garbage:
                    await self._objects.delete(garbage)
                removed += len(garbage)
        return removed

    async def close(self) -> None:
        if self._kept:
            await asyncio.wait(self._kept, timeout=CLOSE_WITHIN_S)
        await self._threads.close()

    def _keep(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._kept.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[None]) -> None:
        """Its fault, too, even where nobody waits for it any more: asyncio would report it as forgotten."""
        self._kept.discard(task)
        if not task.cancelled():
            task.exception()

    async def _chunks(self, name: str, offset: int, end: int) -> AsyncIterator[bytes]:
        while offset < end:
            chunk = await self._objects.read(path_of(name), offset, min(end, offset + READ))
            if not chunk:
                return
            yield chunk
            offset += len(chunk)
