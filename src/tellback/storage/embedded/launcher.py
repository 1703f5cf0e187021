"""Run a PostgreSQL program so that it dies with the process that wanted it.

    python -I -S launcher.py PARENT UID GID SIGNAL LIFELINE PROGRAM ARGUMENT...

PARENT is the pid of the caller; UID and GID whom to become (-1: stay). With LIFELINE -1 the kernel sends
SIGNAL when the caller dies; where no kernel does that, LIFELINE is the reading end of a pipe whose writing
end only the caller holds, and this process stays to watch it. Runs without site packages and imports nothing
of ours: it must start in milliseconds, and works with root's rights until it drops them.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, uid, gid, death, lifeline = map(int, sys.argv[1:6])
    command = sys.argv[6:]
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.umask(0o077)
    # Before the drop: Python itself may lie below root's closed home. Not at the top: it is slow to load.
    prctl = None if lifeline != -1 else find_prctl()
    if uid != -1:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if prctl is None:
        sys.exit(watch(lifeline, death, command))
    # After the drop: the kernel forgets the signal when the user changes.
    if prctl(PR_SET_PDEATHSIG, death, 0, 0, 0):
        sys.exit("prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:  # it died before the kernel was told
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 -- becoming the program is this script's purpose


def find_prctl() -> Callable[..., int]:
    import ctypes

    found: Callable[..., int] = ctypes.CDLL(None).prctl
    return found


def watch(lifeline: int, death: int, command: list[str]) -> int:
    """Run `command` as a child, pass signals on, and send it `death` when the lifeline is cut."""
    passed = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)
    # Blocked until there is a child to pass them to; the child unblocks them for itself.
    signal.pthread_sigmask(signal.SIG_BLOCK, passed)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, passed)
        os.close(lifeline)
        os.execv(command[0], command)  # noqa: S606

    for number in passed:
        signal.signal(number, lambda received, _frame: os.kill(child, received))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, passed)

    def when_cut() -> None:
        os.read(lifeline, 1)
        os.kill(child, death)

    threading.Thread(target=when_cut, daemon=True).start()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF


if __name__ == "__main__":
    main()
