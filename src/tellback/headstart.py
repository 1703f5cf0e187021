"""Starting worker processes; the first of them, if wished, before anything else is imported.

A worker imports for half a second before it can do anything. Begun as the very first thing, it imports on
another core while the parent still imports its own, reads the command line and brings up the database. This
module must therefore import next to nothing.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

APPLICATION = "tellback.app:application"

_WORKER = "from tellback.server import worker; worker.main()"
_begun: dict[str, subprocess.Popen[bytes]] = {}


def begin(target: str = APPLICATION) -> None:
    """Start a worker that `worker` will hand out later. It ends with this process if nobody wants it."""
    if target not in _begun:
        _begun[target] = _spawn(target)


def worker(target: str) -> subprocess.Popen[bytes]:
    """A worker process for `target`: the one begun, or a new one. Call it from the main thread.

    (Linux sends the parent-death signal when the *thread* that started a process ends.)
    """
    begun = _begun.pop(target, None)
    return _spawn(target) if begun is None else begun


def _spawn(target: str) -> subprocess.Popen[bytes]:
    # -P: a worker must not import what happens to lie in the current folder.
    arguments = [sys.executable, "-P", "-c", _WORKER, target, str(os.getpid())]
    # Ctrl-C reaches every process of a terminal, and what to do about it is the parent's to decide: the mask
    # is handed down, so a worker has it from its first instant, and a signal of these microseconds waits.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return subprocess.Popen(arguments, stdin=subprocess.PIPE)  # noqa: S603 - our own interpreter and code
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
