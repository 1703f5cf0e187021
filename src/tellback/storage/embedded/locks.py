"""Locks on files, which the kernel gives back when their holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import weakref
from pathlib import Path


class FileLock:
    """One `flock` on one file, held by this object and not by the processes forked from it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None
        _all_locks.add(self)

    @property
    def held(self) -> bool:
        return self._fd is not None

    def take(self, *, shared: bool = False) -> bool:
        """Try once; True when this object has the lock now. Raises `OSError` when the file does not open."""
        if self._fd is not None:
            return True
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        return True

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


_all_locks: weakref.WeakSet[FileLock] = weakref.WeakSet()


def _let_go_in_forked_child() -> None:
    """A forked worker must not keep the lock of a parent that died; its copy closed, the parent's holds."""
    for lock in _all_locks:
        lock.release()


os.register_at_fork(after_in_child=_let_go_in_forked_child)
