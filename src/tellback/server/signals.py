"""The signals a parent hears, as something its loop can wait for."""

from __future__ import annotations

import select
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Stopped(BaseException):
    """A signal to stop came while the parent was busy getting ready."""


class Bell:
    """Signals, noted: one to stop sets `stopping`, a second `forced`; any ends a `wait`, SIGCHLD too."""

    def __init__(self, wake: socket.socket) -> None:
        self._wake = wake
        self._interrupts = False
        self.stopping = False
        self.forced = False

    def ring(self, _signum: int, _frame: FrameType | None) -> None:
        self.forced = self.stopping
        self.stopping = True
        if self._interrupts:
            raise Stopped

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Within, a signal to stop raises `Stopped`: what is done there may take long."""
        self._interrupts = True
        try:
            if self.stopping:
                raise Stopped
            yield
        finally:
            self._interrupts = False

    def wait(self, seconds: float | None) -> None:
        select.select([self._wake], [], [], seconds)
        try:
            self._wake.recv(4096)
        except BlockingIOError:
            return


@contextmanager
def installed() -> Iterator[Bell]:
    hear, tell = socket.socketpair()
    hear.setblocking(False)
    tell.setblocking(False)
    bell = Bell(hear)
    before = {number: signal.signal(number, bell.ring) for number in STOPPING}
    before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
    fd = signal.set_wakeup_fd(tell.fileno(), warn_on_full_buffer=False)
    try:
        yield bell
    finally:
        signal.set_wakeup_fd(fd)
        for number, handler in before.items():
            signal.signal(number, handler)
        hear.close()
        tell.close()
