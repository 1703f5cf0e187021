"""Writing one blob into a bucket: gathered by the part, hashed in a thread, sent by one task."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from functools import partial

from tellback.storage.blobs import objects
from tellback.storage.blobs.store import Stored, path_of
from tellback.storage.blobs.threads import Threads
from tellback.storage.errors import BlobsAway

#: How long an aborted upload keeps its caller; the removal goes on after that.
ABORT_WITHIN_S = 5.0

#: Runs a coroutine to its end, whoever waits for it.
Keep = Callable[[Coroutine[None, None, None]], asyncio.Task[None]]


class BucketWriter:
    """One blob in the making. See `BlobWriter` for the verbs.

    Holds five parts at most: one being gathered, one handed over, and in obstore one taken and those on their way.
    """

    def __init__(self, bucket: objects.Objects, threads: Threads, keep: Keep, name: str) -> None:
        self._objects = bucket
        self._threads = threads
        self._keep = keep
        self._name = name
        self._hash = hashlib.sha256()
        self._hashing: asyncio.Future[None] | None = None
        self._size = 0
        self._gathering = bytearray()
        self._blocks = _Blocks()
        self._upload: asyncio.Task[None] | None = None
        self._ended = False

    async def write(self, chunk: bytes | memoryview) -> None:
        rest = memoryview(chunk)
        while rest:
            if len(self._gathering) == objects.PART:
                await self._hand_over()
            part = rest[: objects.PART - len(self._gathering)]
            self._gathering += part
            rest = rest[len(part) :]

    async def commit(self) -> Stored:
        try:
            if self._upload is None:
                block = await self._taken()
                self._begin(self._objects.put(path_of(self._name), block))
            else:
                await self._hand_over()
                self._blocks.finish()
            assert self._upload is not None
            await asyncio.shield(self._upload)
            await self._hashed()
        except BaseException:
            await self.abort()
            raise
        self._ended = True
        return Stored(self._name, self._size, self._hash.hexdigest())

    async def abort(self) -> None:
        if self._ended:
            return
        self._ended = True
        if self._upload is None:  # nothing has left this process
            return
        # Begun before anything is awaited: a caller that is cancelled again here still leaves nothing behind.
        self._blocks.give_up()
        removing = self._keep(self._remove(self._upload))
        await asyncio.wait({removing}, timeout=ABORT_WITHIN_S)

    async def _hand_over(self) -> None:
        if self._upload is None:
            self._begin(self._objects.upload(path_of(self._name), self._blocks))
        elif self._upload.done():
            self._upload.result()
        await self._blocks.put(await self._taken())

    def _begin(self, sending: Coroutine[None, None, None]) -> None:
        self._upload = self._keep(sending)
        # However it ends, nobody is left waiting for it to take a block.
        self._upload.add_done_callback(lambda _: self._blocks.give_up())

    async def _taken(self) -> bytearray:
        """What was gathered, counted and on its way to be hashed."""
        await self._hashed()
        block, self._gathering = self._gathering, bytearray()
        self._size += len(block)
        self._hashing = self._threads.submit(partial(self._hash.update, block))
        return block

    async def _hashed(self) -> None:
        if self._hashing is not None:
            await asyncio.shield(self._hashing)

    async def _remove(self, upload: asyncio.Task[None]) -> None:
        """Once the upload has ended, however it did: it may be there although it failed, if its answer was lost."""
        await asyncio.wait({upload})
        if isinstance(upload.exception(), objects.GivenUp):
            return
        with suppress(BlobsAway):  # the sweep finds it
            await self._objects.delete([path_of(self._name)])


class _Blocks(AsyncIterator[bytearray]):
    """Blocks on their way from a writer to its upload, one at a time."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytearray | Exception] = asyncio.Queue()
        self._room = asyncio.Semaphore(1)

    async def put(self, block: bytearray) -> None:
        """Returns when the one before is taken, or nobody will take any more."""
        await self._room.acquire()
        self._queue.put_nowait(block)

    def finish(self) -> None:
        self._queue.put_nowait(StopAsyncIteration())

    def give_up(self) -> None:
        self._queue.put_nowait(objects.GivenUp())
        self._room.release()

    async def __anext__(self) -> bytearray:
        block = await self._queue.get()
        if isinstance(block, Exception):
            raise block
        self._room.release()
        return block
