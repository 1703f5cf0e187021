"""A folder of the server's own (0700), gone when it ends: the workers' figures, a converted key.

In memory where the system has such a place. A server killed with -9 leaves its folder; the next sweeps it.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder in it is made by mkdtemp
_NAME = re.compile(r"tellback-serve-(\d+)-.+")


@contextmanager
def private() -> Iterator[Path]:
    base = _MEMORY if os.access(_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    _sweep(base)
    folder = Path(tempfile.mkdtemp(prefix=f"tellback-serve-{os.getpid()}-", dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(base: Path) -> None:
    for entry in base.iterdir():
        match = _NAME.fullmatch(entry.name)
        if match and _ours(entry) and not _alive(int(match[1])):
            shutil.rmtree(entry, ignore_errors=True)


def _ours(entry: Path) -> bool:
    try:
        return entry.lstat().st_uid == os.getuid()
    except OSError:
        return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
