"""Starting PostgreSQL's programs: as the right user, on the right directory, dying with us."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tellback.storage.embedded.account import Account

_LAUNCHER = Path(__file__).with_name("launcher.py")
# Nothing of ours leaks in: PG* variables would change what the programs do, a locale what they say.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@functools.cache
def _lifeline() -> int:
    """The reading end of a pipe that the kernel cuts when this process dies; the other end is only ours."""
    reading, writing = os.pipe()
    os.register_at_fork(after_in_child=lambda: os.close(writing))
    return reading


@contextmanager
def directory(path: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    """How a program is to be told `path`, and the descriptors it must inherit.

    On Linux by an open descriptor: no path is too long, and programs that root starts as another user need
    not pass the folders above (a data folder below root's home works, and the home stays closed).
    """
    if not sys.platform.startswith("linux"):
        yield str(path), ()
        return
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield f"/proc/self/fd/{fd}", (fd,)
    finally:
        os.close(fd)


def launch(
    command: Sequence[str],
    account: Account,
    *,
    death: signal.Signals,
    descriptors: Sequence[int] = (),
    stdin: int = subprocess.DEVNULL,
    output: int,
    kernel_tells: bool = sys.platform.startswith("linux"),
) -> subprocess.Popen[bytes]:
    """Start `command` as `account`; when the calling thread ends, or its process dies, it gets `death`.

    Where the kernel does not tell a child of its parent's death, the command runs below a process that does,
    which passes signals on and ends as it does.
    """
    uid, gid = (-1, -1) if account.is_ours else (account.uid, account.gid)
    lifeline = -1 if kernel_tells else _lifeline()
    words = [os.getpid(), uid, gid, int(death), lifeline]
    return subprocess.Popen(  # noqa: S603 -- PostgreSQL's programs with our arguments
        [sys.executable, "-I", "-S", str(_LAUNCHER), *map(str, words), *command],
        stdin=stdin,
        stdout=output,
        stderr=subprocess.STDOUT,
        pass_fds=[*descriptors, *([] if kernel_tells else [lifeline])],
        cwd="/",
        env=_ENVIRONMENT,
        start_new_session=True,  # a Ctrl-C is for us: we stop the server when we have finished
    )
