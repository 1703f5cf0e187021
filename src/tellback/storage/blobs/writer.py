"""Writing one blob into a folder: gathered on the event loop, hashed and written in threads."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import mmap
import os
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from tellback.storage.blobs.store import Stored
from tellback.storage.blobs.threads import Folders, Threads, sync_folder
from tellback.storage.errors import BlobsAway

#: Bytes a writer gathers before it hands them to threads: so many that the hand-over costs nothing, so few
#: that two blocks are nothing beside the memory a request may take.
BLOCK = 2 * 1024 * 1024

UNFINISHED = ".part"
_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC


class LocalWriter:
    """One blob in the making, at `path` once it is complete. See `BlobWriter` for the verbs."""

    def __init__(self, threads: Threads, folders: Folders, path: Path) -> None:
        self._threads = threads
        self._name = path.name
        self._file = _File(folders, path)
        self._hash = hashlib.sha256()
        self._size = 0
        # Two blocks take turns for the writer's whole life: the kernel clears new memory before it gives it.
        self._gathering = _block()
        self._gathered = 0
        self._spare: mmap.mmap | None = None
        self._writing: asyncio.Future[Any] | None = None
        self._ended = False

    async def write(self, chunk: bytes | memoryview) -> None:
        rest = memoryview(chunk)
        while rest:
            if self._gathered == BLOCK:
                await self._hand_over()
            part = rest[: BLOCK - self._gathered]
            self._gathering[self._gathered : self._gathered + len(part)] = part
            self._gathered += len(part)
            rest = rest[len(part) :]

    async def commit(self) -> Stored:
        try:
            await self._hand_over()
            await self._settle()
            self._writing = self._threads.submit(self._file.publish)
            await self._settle()
        except BaseException:
            await self.abort()
            raise
        self._ended = True
        return Stored(self._name, self._size, self._hash.hexdigest())

    async def abort(self) -> None:
        if self._ended:
            return
        self._ended = True
        # Begun before anything is awaited: a caller that is cancelled again here still leaves nothing behind.
        removed = self._threads.submit(self._file.remove)
        with suppress(BlobsAway):
            await asyncio.shield(removed)

    async def _hand_over(self) -> None:
        """Give what was gathered to threads, once they are done with what they were given before."""
        await self._settle()
        block = memoryview(self._gathering)[: self._gathered]
        self._gathering, self._spare = self._spare or _block(), self._gathering
        self._gathered = 0
        self._size += len(block)
        self._writing = asyncio.gather(
            self._threads.submit(partial(self._file.append, block)),
            self._threads.submit(partial(self._hash.update, block)),
        )
        self._writing.add_done_callback(_noted)

    async def _settle(self) -> None:
        if self._writing is not None:
            await asyncio.shield(self._writing)


def _noted(future: asyncio.Future[Any]) -> None:
    """Look at a fault even where nobody will wait for it any more, or asyncio reports it as forgotten."""
    if not future.cancelled():
        future.exception()


def _block() -> mmap.mmap:
    """Memory that costs nothing until it is touched (most files are small), aligned as O_DIRECT wants it."""
    return mmap.mmap(-1, BLOCK)


class _File:
    """The part of a writer that blocks. Called from threads; `remove` may come while another call runs."""

    def __init__(self, folders: Folders, path: Path) -> None:
        self._folders = folders
        self._final = path
        self._partial = path.with_name(path.name + UNFINISHED)
        self._lock = threading.Lock()
        self._removed = False
        self._descriptor = -1
        self._direct = False
        self._may_be_direct = hasattr(os, "O_DIRECT")

    def append(self, block: memoryview) -> None:
        with self._lock:
            if self._removed:
                return
            if self._descriptor < 0:
                self._folders.ensure(self._partial.parent)
                self._descriptor = os.open(self._partial, _NEW, 0o600)
            self._set_direct(len(block) == BLOCK)
            while block:
                block = block[self._write(block) :]

    def publish(self) -> None:
        """Bytes first, then the name: what has its name is complete."""
        with self._lock:
            if self._removed:
                return
            os.fsync(self._descriptor)
            os.rename(self._partial, self._final)
            sync_folder(self._final.parent)
            self._close()

    def remove(self) -> None:
        """Undo whatever was done, and whatever was about to be."""
        with self._lock:
            self._removed = True
            self._close()
            for path in (self._partial, self._final):
                with suppress(FileNotFoundError):
                    os.unlink(path)

    def _write(self, block: memoryview) -> int:
        try:
            return os.write(self._descriptor, block)
        except OSError as error:
            if error.errno != errno.EINVAL or not self._direct:
                raise
        self._may_be_direct = False
        self._set_direct(False)
        return os.write(self._descriptor, block)

    def _set_direct(self, wanted: bool) -> None:
        """Whole blocks go around the page cache, where the file system can do that.

        Filling the cache takes more processor time than all else here, and leaves the last fsync everything
        to do (docs/decisions/0005).
        """
        wanted = wanted and self._may_be_direct
        if wanted == self._direct:
            return
        try:
            fcntl.fcntl(self._descriptor, fcntl.F_SETFL, os.O_DIRECT if wanted else 0)
            self._direct = wanted
        except OSError:
            self._may_be_direct = False

    def _close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)
