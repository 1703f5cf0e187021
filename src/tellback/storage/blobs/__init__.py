"""Where the bytes of files lie. A blob gets its generated name, is complete, and never changes."""

from __future__ import annotations

from pathlib import Path

from tellback.storage.blobs.local import LocalBlobs
from tellback.storage.blobs.store import PREFIXES, BlobStore, BlobWriter, Known, Stored
from tellback.storage.errors import StorageError

__all__ = ["PREFIXES", "BlobStore", "BlobWriter", "Known", "LocalBlobs", "Stored", "open_store"]


def open_store(place: str) -> BlobStore:
    """The store at `place`: a folder, made when it is not there. Raises `StorageError`, in one line."""
    if "://" in place:
        scheme = place.partition("://")[0]
        raise StorageError(f"file stores at {scheme}:// are not available in this version; give a folder")
    return LocalBlobs.open(Path(place))
