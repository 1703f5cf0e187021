"""Where a store of files is, as the operator wrote it: a folder, or a bucket."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from tellback.storage.errors import StorageError

#: Said where what talks to buckets is not installed.
NEEDS_EXTRA = (
    "files at s3:// need tellback's extra of that name; install it from its checkout: pip install '.[s3]'"
)

_SCHEME = "s3"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}")
_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()-]+(/[A-Za-z0-9!_.*'()-]+)*")


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, and what the names of all objects in it begin with (no slash at its ends; may be empty)."""

    name: str
    prefix: str

    def __str__(self) -> str:
        return f"{_SCHEME}://{self.name}/{self.prefix}".removesuffix("/")


def bucket(place: str) -> Bucket | None:
    """The bucket that `place` names as `s3://bucket/prefix`; None for a folder. Raises `StorageError`."""
    scheme, separator, rest = place.partition("://")
    if not separator:
        return None
    if scheme != _SCHEME:
        raise StorageError(f"there are no file stores at {scheme}://; give a folder, or s3://bucket/prefix")
    name, _, prefix = rest.partition("/")
    prefix = prefix.removesuffix("/")
    steps = prefix.split("/")
    if not _BUCKET.fullmatch(name) or (prefix and not _PREFIX.fullmatch(prefix)) or {".", ".."} & {*steps}:
        # Not repeated: people write keys into addresses.
        raise StorageError("the file store's address is none of a bucket; write it like s3://bucket/prefix")
    return Bucket(name, prefix)


def is_web_address(text: str) -> bool:
    """Whether `text` is an http or https address that names a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[^!-~]", text)
    except ValueError:
        return False
