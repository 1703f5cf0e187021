"""Whether a bucket can be used: found out by a process of its own.

So a command that only wants to know does not load what talks to buckets, with threads that it could not end.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import subprocess
import sys

from tellback.storage.blobs import place
from tellback.storage.errors import StorageError

ANSWER_WITHIN_S = 60.0
_PROGRAM = "from tellback.storage.blobs import probe; probe.main()"
_REFUSED = 3


def check(bucket: place.Bucket) -> None:
    """Put an object into it, read it, list it, delete it. Blocks. Raises `StorageError`, in one line."""
    # -P: it must not import what happens to lie in the current folder.
    command = [sys.executable, "-P", "-c", _PROGRAM, str(bucket)]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and code
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ANSWER_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise StorageError(f"cannot keep files in {bucket}: it does not answer") from error
    if done.returncode == _REFUSED:
        raise StorageError(done.stdout.strip())
    if done.returncode != 0:
        raise StorageError(f"cannot keep files in {bucket}: looking at it ended with {done.returncode}")


def main() -> None:
    """The whole life of the process; `sys.argv` holds the bucket. What is wrong goes to standard output."""
    bucket = place.bucket(sys.argv[1])
    assert bucket is not None
    said = _looked(bucket)
    sys.stdout.write(said)
    sys.stdout.flush()
    os._exit(_REFUSED if said else 0)


def _looked(bucket: place.Bucket) -> str:
    """What is wrong, in one line; empty when nothing is."""
    try:
        module = importlib.import_module("tellback.storage.blobs.bucket")
    except ImportError:
        return place.NEEDS_EXTRA
    try:
        asyncio.run(module.BucketBlobs(bucket).check())
    except StorageError as error:
        return f"cannot keep files in {bucket}: {error}"
    return ""
