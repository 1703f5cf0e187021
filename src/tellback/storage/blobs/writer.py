"""Writing one blob into a folder: gathered on the event loop, hashed and written in a thread."""

from __future__ import annotations

import asyncio
import hashlib
import mmap
import os
import threading
from contextlib import suppress
from pathlib import Path

from tellback.storage.blobs.store import Stored
from tellback.storage.blobs.threads import Threads, sync_folder
from tellback.storage.errors import BlobsAway

#: What a writer gathers before it hands it to a thread: large enough that the hand-over costs nothing, small
#: enough that two of them (one gathered, one written) are nothing beside the memory a request may take.
BLOCK = 2 * 1024 * 1024
#: Bytes after which the kernel is told to write them out, so that the last fsync finds little to do.
WRITE_BACK = 8 * 1024 * 1024

UNFINISHED = ".part"
_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC


class LocalWriter:
    """One blob in the making, at `path` once it is complete. See `BlobWriter` for the verbs."""

    def __init__(self, threads: Threads, path: Path) -> None:
        self._threads = threads
        self._file = _File(path)
        # Two blocks take turns for the writer's whole life: the kernel clears new memory before it gives it.
        self._gathering = _block()
        self._gathered = 0
        self._spare: mmap.mmap | None = None
        self._writing: asyncio.Future[None] | None = None
        self._ended = False

    async def write(self, chunk: bytes | memoryview) -> None:
        end = self._gathered + len(chunk)
        if end <= BLOCK:
            self._gathering[self._gathered : end] = chunk
            self._gathered = end
            return
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
        return self._file.stored()

    async def abort(self) -> None:
        if self._ended:
            return
        self._ended = True
        # Begun before anything is awaited: a caller that is cancelled again here still leaves nothing behind.
        removed = self._threads.submit(self._file.remove)
        with suppress(BlobsAway):
            await asyncio.shield(removed)

    async def _hand_over(self) -> None:
        """Give what was gathered to a thread, once it is done with what it was given before."""
        await self._settle()
        full, size = self._gathering, self._gathered
        self._gathering, self._gathered = self._spare or _block(), 0
        self._spare = full
        self._writing = self._threads.submit(lambda: self._file.append(memoryview(full)[:size]))

    async def _settle(self) -> None:
        if self._writing is not None:
            await asyncio.shield(self._writing)


def _block() -> mmap.mmap:
    """Memory that costs nothing until it is touched: most files are small."""
    return mmap.mmap(-1, BLOCK)


class _File:
    """The part of a writer that blocks. Called from threads; `remove` may come while another call runs."""

    def __init__(self, path: Path) -> None:
        self._final = path
        self._partial = path.with_name(path.name + UNFINISHED)
        self._lock = threading.Lock()
        self._removed = False
        self._descriptor = -1
        self._hash = hashlib.sha256()
        self._size = 0
        self._written_back = 0

    def append(self, block: memoryview) -> None:
        with self._lock:
            if self._removed:
                return
            if self._descriptor < 0:
                self._descriptor = os.open(self._partial, _NEW, 0o600)
            self._hash.update(block)
            self._size += len(block)
            while block:
                block = block[os.write(self._descriptor, block) :]
            if self._size - self._written_back >= WRITE_BACK:
                self._write_back()

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

    def stored(self) -> Stored:
        return Stored(self._final.name, self._size, self._hash.hexdigest())

    def _write_back(self) -> None:
        """Have the kernel start writing: that is what DONTNEED does with pages not yet written."""
        if hasattr(os, "posix_fadvise"):
            length = self._size - self._written_back
            os.posix_fadvise(self._descriptor, self._written_back, length, os.POSIX_FADV_DONTNEED)
        self._written_back = self._size

    def _close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)
