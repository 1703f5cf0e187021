"""Starting PostgreSQL's programs: as the right user, on the right directory, dying with us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tellback.storage.embedded.account import Account

_LAUNCHER = Path(__file__).with_name("launcher.py")
HAS_DEATH_SIGNAL = sys.platform.startswith("linux")
# Nothing of ours leaks in: PG* variables would change what the programs do, a locale what they say.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class Lifeline:
    """A pipe that the kernel cuts when this process dies. Only where there is no parent-death signal."""

    def __init__(self, *, wanted: bool = not HAS_DEATH_SIGNAL) -> None:
        self.reading, self._writing = os.pipe() if wanted else (-1, -1)
        if wanted:
            os.register_at_fork(after_in_child=self.let_go)

    def given(self) -> None:
        """The child has the reading end."""
        if self.reading != -1:
            os.close(self.reading)
            self.reading = -1

    def let_go(self) -> None:
        if self._writing != -1:
            os.close(self._writing)
            self._writing = -1


@contextmanager
def directory(path: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    """How a program is to be told `path`, and the descriptors it must inherit.

    On Linux by an open descriptor, so that root's programs, running as another user, need not pass the folders
    above (a data folder below root's home works, and the home stays closed), and no path is too long.
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
    descriptors: tuple[int, ...] = (),
    lifeline: Lifeline | None = None,
    stdin: int | None = None,
    output: int | IO[bytes],
) -> subprocess.Popen[bytes]:
    """Start `command` as `account`; when the calling thread ends, or its process dies, it gets `death`."""
    uid, gid = (-1, -1) if account.is_ours else (account.uid, account.gid)
    reading = lifeline.reading if lifeline else -1
    words = [os.getpid(), uid, gid, int(death), reading]
    return subprocess.Popen(  # noqa: S603 -- PostgreSQL's programs with our arguments
        [sys.executable, "-I", "-S", str(_LAUNCHER), *map(str, words), *command],
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        stdout=output,
        stderr=subprocess.STDOUT,
        pass_fds=(*descriptors, *((reading,) if reading != -1 else ())),
        cwd="/",
        env=_ENVIRONMENT,
        start_new_session=True,  # a Ctrl-C is for us: we stop the server when we have finished
    )
