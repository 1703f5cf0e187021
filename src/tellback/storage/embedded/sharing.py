"""Many processes, one server: who comes first owns it, the others join it and take over when the owner goes.

Three locks, all given back by the kernel when a process dies: `owner` (exclusive: who runs the server),
`users` (shared: who has joined; exclusive while an owner stops the server), `serve` (exclusive: the hub).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tellback.storage.embedded import probe
from tellback.storage.embedded.binaries import Binaries
from tellback.storage.embedded.errors import DataFolderBusy, EmbeddedError
from tellback.storage.embedded.folder import DATABASE, USER, Folder
from tellback.storage.embedded.keeper import Report
from tellback.storage.embedded.locks import FileLock
from tellback.storage.embedded.server import EmbeddedPostgres, log

LINGER_S = 30.0
SERVE_LINGERS_S = 2.0  # it must be gone 10 s after SIGTERM
SERVE_WAITS_S = 10.0
_OWNER_SILENT_S = 60.0
_INSTANT_S = 0.2
_POLL_S = 0.02
_TAKEOVER_POLL_S = 0.1


@contextmanager
def joined(data: Path, binaries: Path | None = None, *, report: Report = log.warning) -> Iterator[Membership]:
    """The running database of `data`: started here when nobody runs it, and then stopped at the end.

    At the end an owner waits up to 30 s for those who have joined. Raises `EmbeddedError`.
    """
    membership = Membership(data, binaries, report, serves=False)
    try:
        membership.enter(patience=0)
        yield membership
    finally:
        membership.leave()


@contextmanager
def serving(
    data: Path, binaries: Path | None = None, *, report: Report = log.warning
) -> Iterator[Membership]:
    """As `joined`, for the hub, of which there is one on a data folder; it prefers to own the server.

    Raises `DataFolderBusy` when a hub serves `data` already, and `EmbeddedError`.
    """
    membership = Membership(data, binaries, report, serves=True)
    membership.folder.prepare()
    serve = membership.folder.serve_lock()
    if not _taken_soon(membership.folder, serve):
        raise DataFolderBusy(f"another tellback serves {data} already; stop it, or use another --data.")
    try:
        membership.enter(patience=SERVE_WAITS_S)
        yield membership
    finally:
        membership.leave()
        serve.release()


def _taken_soon(folder: Folder, serve: FileLock) -> bool:
    """Whether the hub's place is free; a leaving owner that looks for a hub holds the lock for an instant."""
    deadline = time.monotonic() + _INSTANT_S
    while not folder.take(serve):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S / 4)
    return True


class Membership:
    """One process's part in a server: its owner or a guest, who becomes the owner when the owner goes."""

    def __init__(self, data: Path, programs: Path | None, report: Report, *, serves: bool) -> None:
        self._server = EmbeddedPostgres(data, programs, report=report)
        self.folder = self._server.folder
        self._report = report
        self._serves = serves
        self._joined = self.folder.users_lock()
        self._leaving = threading.Event()
        self._heir: threading.Thread | None = None

    @property
    def url(self) -> str:
        """A DSN for asyncpg and libpq. It stays good when the owner changes; connections break then."""
        return self._server.url

    @property
    def binaries(self) -> Binaries:
        """PostgreSQL's programs, for psql, pg_dump and pg_restore."""
        return self._server.binaries

    @property
    def owns(self) -> bool:
        """Whether the server is this process's at the moment."""
        return self._server.runs

    def enter(self, patience: float) -> None:
        """Own the server, or, after trying that for `patience` seconds, join it."""
        began = heard = time.monotonic()
        while True:
            try:
                self._server.start()
            except DataFolderBusy:
                pass
            else:
                return
            answer = self._ask()
            now = time.monotonic()
            if answer is not probe.Answer.NOBODY:
                heard = now
            if answer is probe.Answer.READY and now - began >= patience and self._join():
                return
            if now - heard > _OWNER_SILENT_S:
                raise EmbeddedError(
                    f"another tellback holds {self.folder.path}, and its database does not answer."
                )
            time.sleep(_POLL_S)

    def leave(self) -> None:
        """Stop the server when it is ours, after waiting for the guests; else only go."""
        self._leaving.set()
        if self._heir is not None:
            while self._heir.is_alive():
                self._server.interrupt()  # it may be waiting for a recovery
                self._heir.join(_POLL_S)
            self._heir = None
        self._joined.release()
        if self._server.runs:
            self._linger()
        self._server.stop()

    def _ask(self) -> probe.Answer:
        run = self.folder.recorded_run()
        return probe.ask(run, USER, DATABASE) if run else probe.Answer.NOBODY

    def _join(self) -> bool:
        if not self.folder.take(self._joined, shared=True):  # the owner is stopping the server
            return False
        if self._ask() is not probe.Answer.READY:
            self._joined.release()
            return False
        self._heir = threading.Thread(target=self._inherit, name="postgresql-heir", daemon=True)
        self._heir.start()
        return True

    def _inherit(self) -> None:
        """Wait for the owner to go, then be the owner."""
        pause = _TAKEOVER_POLL_S
        while not self._leaving.wait(pause):
            try:
                self._server.start()
            except DataFolderBusy:
                pause = _TAKEOVER_POLL_S
            except EmbeddedError as error:
                if not self._leaving.is_set():
                    self._report(f"cannot take the database over: {error}")
                pause = 1.0
            else:
                self._joined.release()
                return

    def _linger(self) -> None:
        """Let guests finish; but a hub among them takes over at once and would stay longer than we wait."""
        deadline = time.monotonic() + (SERVE_LINGERS_S if self._serves else LINGER_S)
        users = self.folder.users_lock()
        while time.monotonic() < deadline and not self._hub_is_guest() and not self.folder.take(users):
            time.sleep(_POLL_S)
        users.release()

    def _hub_is_guest(self) -> bool:
        if self._serves:
            return False
        serve = self.folder.serve_lock()
        free = self.folder.take(serve)
        serve.release()
        return not free
