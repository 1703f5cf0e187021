"""Where the bytes of files lie. A blob gets its generated name, is complete, and never changes."""

from __future__ import annotations

import importlib
from pathlib import Path

from tellback.storage.blobs import local, place, probe
from tellback.storage.blobs.local import LocalBlobs
from tellback.storage.blobs.store import PREFIXES, BlobStore, BlobWriter, Known, Stored
from tellback.storage.errors import StorageError

__all__ = [
    "PREFIXES",
    "BlobStore",
    "BlobWriter",
    "Known",
    "LocalBlobs",
    "Stored",
    "check",
    "in_bucket",
    "open_store",
]


def open_store(where: str) -> BlobStore:
    """The store at `where`: a folder, made when it is not there, or `s3://bucket/prefix`, which may be away.

    Raises `StorageError`, in one line.
    """
    bucket = place.bucket(where)
    if bucket is None:
        return LocalBlobs.open(Path(where))
    try:
        module = importlib.import_module("tellback.storage.blobs.bucket")
    except ImportError as error:
        raise StorageError(place.NEEDS_EXTRA) from error
    store: BlobStore = module.BucketBlobs(bucket)
    return store


def check(where: str) -> None:
    """See that files can be kept at `where`; a folder is made. Blocks. Raises `StorageError`, in one line."""
    bucket = place.bucket(where)
    if bucket is None:
        local.check(Path(where))
    else:
        probe.check(bucket)


def in_bucket(where: str) -> bool:
    """Whether `where` is no folder. Raises `StorageError` where it is neither."""
    return place.bucket(where) is not None
