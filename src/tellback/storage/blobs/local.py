"""A file store in a folder of this machine: <folder>/<first two hex digits>/<32 hex digits>.

While it is written, a blob is called <name>.part, in the place where it will stay: nothing is copied, and a
killed upload can be told from a finished one. It gets its name only when its bytes are on disk, and the name
is on disk before `commit` returns.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

from tellback.storage.blobs.store import PREFIXES, Known, is_name, new_name, path_of
from tellback.storage.blobs.threads import Folders, Threads, sync_folder
from tellback.storage.blobs.writer import LocalWriter
from tellback.storage.errors import BlobMissing, StorageError

READ = 256 * 1024
THREADS = 8


class LocalBlobs:
    """Blobs in a folder. See `BlobStore` for the verbs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folders = Folders()
        self._threads = Threads(THREADS)

    @classmethod
    def open(cls, folder: Path) -> LocalBlobs:
        """The store in `folder`, which is made when it is not there. Raises `StorageError`, in one line."""
        check(folder)
        return cls(folder)

    def create(self) -> LocalWriter:
        return LocalWriter(self._threads, self._folders, self._path(new_name()))

    @asynccontextmanager
    async def reading(
        self, name: str, *, offset: int = 0, length: int | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        descriptor = await self._threads.run(partial(_open, self._path(name)))
        try:
            yield self._chunks(descriptor, offset, length)
        finally:
            os.close(descriptor)

    async def delete(self, name: str) -> None:
        path = self._path(name)
        await self._threads.run(partial(_unlink, path.parent, [path.name]))

    async def sweep(
        self, known: Known, *, older_than: timedelta = timedelta(hours=24), prefixes: Sequence[str] = PREFIXES
    ) -> int:
        before = time.time() - older_than.total_seconds()
        removed = 0
        for prefix in prefixes:
            folder = self._folder / prefix
            old = await self._threads.run(partial(_older, folder, before))
            kept: Collection[str] = ()
            if blobs := [name for name in old if is_name(name)]:
                kept = await known(blobs)
            if garbage := [name for name in old if name not in kept]:
                await self._threads.run(partial(_unlink, folder, garbage))
            removed += len(garbage)
        return removed

    async def close(self) -> None:
        await self._threads.close()

    def _path(self, name: str) -> Path:
        return self._folder / path_of(name)

    async def _chunks(self, descriptor: int, offset: int, length: int | None) -> AsyncIterator[bytes]:
        left = length
        while left is None or left > 0:
            wanted = READ if left is None else min(READ, left)
            chunk = await self._threads.run(partial(os.pread, descriptor, wanted, offset))
            if not chunk:
                return
            yield chunk
            offset += len(chunk)
            left = None if left is None else left - len(chunk)


def check(folder: Path) -> None:
    """See that files can be kept in `folder`, and make it. Raises `StorageError`, in one line."""
    try:
        _prepare(folder)
    except OSError as error:
        raise StorageError(f"cannot keep files in {folder}: {error.strerror}") from error


def _prepare(folder: Path) -> None:
    """Make the folder where it is missing, durably, and see that files can be made in it."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True)
        sync_folder(folder.parent)
    probe = folder / f"probe-{secrets.token_hex(8)}"
    os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    os.unlink(probe)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise BlobMissing("the file store holds nothing under this name") from error


def _older(folder: Path, before: float) -> list[str]:
    """Names of files in `folder` that were last written before a time (seconds since 1970)."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if _written_at(entry) < before]
    except FileNotFoundError:  # nothing was ever put there
        return []


def _written_at(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat(follow_symlinks=False).st_mtime
    except FileNotFoundError:  # finished or removed this very moment
        return float("inf")


def _unlink(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        with suppress(FileNotFoundError):
            os.unlink(folder / name)
