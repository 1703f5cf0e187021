"""What a file store is, wherever it keeps its bytes."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from tellback.storage.errors import BlobMissing

#: Tells which of some blob names have a row.
Known = Callable[[Sequence[str]], Awaitable[Collection[str]]]

#: Every blob's name begins with one of these; a sweep may take them in shares.
PREFIXES = tuple(f"{number:02x}" for number in range(256))

_NAME = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Stored:
    """A blob that is kept: the store's name of it, its size in bytes, its SHA-256 in hex."""

    name: str
    size: int
    sha256: str


class BlobWriter(Protocol):
    """One blob in the making. Ends with `commit` or `abort`; after a fault only `abort` is left."""

    async def write(self, chunk: bytes | memoryview) -> None:
        """Append; the chunk is the caller's again afterwards. Raises `BlobsAway`."""

    async def commit(self) -> Stored:
        """Make what was written durable, under its name. Raises `BlobsAway`; then nothing is left of it."""

    async def abort(self) -> None:
        """Remove what was written. Never raises; may come at any time; after `commit` it does nothing."""


class BlobStore(Protocol):
    """Blobs by name. All methods may be called from one event loop only and never block it."""

    def create(self) -> BlobWriter:
        """Begin a new blob, under a name that nobody can guess."""

    def reading(
        self, name: str, *, offset: int = 0, length: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The blob's bytes from `offset` on, `length` of them or to the end, in chunks.

        Raises `BlobMissing` or `BlobsAway` on entering.
        """

    async def delete(self, name: str) -> None:
        """Remove a blob; one that is not there is no fault. Raises `BlobsAway`."""

    async def sweep(
        self, known: Known, *, older_than: timedelta = timedelta(hours=24), prefixes: Sequence[str] = PREFIXES
    ) -> int:
        """Remove what is older and has no row, as unfinished uploads. Gives the count; raises `BlobsAway`."""

    async def close(self) -> None:
        """Finish what is running and let go of the threads."""


def new_name() -> str:
    """A name that nobody can guess."""
    return secrets.token_hex(16)


def is_name(text: str) -> bool:
    """Whether `new_name` could have made it."""
    return _NAME.fullmatch(text) is not None


def path_of(name: str) -> str:
    """Where a blob lies in its store: <first two hex digits>/<32 hex digits>. Raises `BlobMissing`."""
    if not is_name(name):
        raise BlobMissing("no file can have this name")
    return f"{name[:2]}/{name}"
