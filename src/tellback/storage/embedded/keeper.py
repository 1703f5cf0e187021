"""The thread that starts the server, waits for it, and starts it again when it dies.

One thread does all of it because the kernel ties the parent-death signal to the thread that started the
process, not to its process: the server ends when this thread does.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path

from tellback.storage.embedded import leftovers, probe, programs
from tellback.storage.embedded.account import Account
from tellback.storage.embedded.binaries import Binaries
from tellback.storage.embedded.errors import EmbeddedError
from tellback.storage.embedded.folder import DATABASE, USER, Folder

Report = Callable[[str], None]

# Not the operator's to change: on these stand the promise of a 2xx, and who may connect.
_FIXED = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": str(probe.PORT),
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "password_encryption": "scram-sha-256",
    "logging_collector": "off",  # the log is a descriptor the server inherits: one process less
    "log_destination": "stderr",
    # No statements and no DETAIL ("Key (email)=(...) already exists"): they carry what people wrote.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
_FAST_STOP_S = 5.0
_IMMEDIATE_STOP_S = 7.0  # PostgreSQL itself ends by force what is left after 5 s
_LOG_CHECK_S = 60.0
_FIRST_START_S = 15.0  # for a start that keeps failing; recovery is waited for without a limit
_REPORT_EVERY_S = 5.0
_LONGEST_PAUSE_S = 1.0


class _StopWanted(Exception):
    pass


class _DidNotStart(Exception):
    """The server ended before it took connections; the text is its last complaint."""


class Keeper:
    """Keeps the server of one cluster running from `start` to `stop`; used once."""

    def __init__(
        self,
        folder: Folder,
        binaries: Binaries,
        account: Account,
        run: Path,
        report: Report,
        settings: Mapping[str, str],
    ) -> None:
        self._folder = folder
        self._binaries = binaries
        self._account = account
        self._run = run
        self._report = report
        self._settings = {**_FIXED, "unix_socket_directories": str(run), **settings}
        self._ready: Future[None] = Future()
        self._stopping = threading.Event()
        self._guard = threading.Lock()  # between starting a process and deciding to stop
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="postgresql-keeper", daemon=True)

    def start(self) -> None:
        """Return when connections are taken. Raises `EmbeddedError`, also when `stop` is called meanwhile."""
        self._thread.start()
        self._ready.result()

    def stop(self) -> None:
        """End the server: orderly within 5 s, else at once, and the next start replays the log."""
        with self._guard:
            self._stopping.set()
            process = self._process
        if process is not None:
            _end(process)
        if self._thread.is_alive():
            self._thread.join()

    def _keep(self) -> None:
        try:
            process = self._first_start()
        except _StopWanted:
            self._ready.set_exception(EmbeddedError("PostgreSQL was stopped before it had started."))
            return
        except BaseException as error:
            self._ready.set_exception(error)
            return
        self._ready.set_result(None)
        try:
            while True:
                self._watch(process)
                process = self._start_again(process.returncode)
        except _StopWanted:
            return

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Return when the server has ended by itself."""
        while not _ended(process, _LOG_CHECK_S):
            self._folder.bound_log()
        if self._stopping.is_set():
            raise _StopWanted

    def _first_start(self) -> subprocess.Popen[bytes]:
        """Try for a while: right after a crash, what is left of the old server may stand in the way."""
        deadline = time.monotonic() + _FIRST_START_S
        while True:
            began = time.monotonic()
            try:
                return self._start()
            except _DidNotStart as error:
                # A server that fails as soon as it starts is not in anybody's way but broken.
                if time.monotonic() > deadline or not _may_pass(str(error)):
                    raise EmbeddedError(
                        f"PostgreSQL does not start: {error} (see {self._folder.log})"
                    ) from error
            self._pause(0.1 - (time.monotonic() - began))

    def _start_again(self, code: int) -> subprocess.Popen[bytes]:
        self._report(f"PostgreSQL ended unexpectedly ({_in_words(code)}); starting it again.")
        pause = 0.05
        while True:
            try:
                process = self._start()
            except (_DidNotStart, EmbeddedError, OSError) as error:
                self._report(f"PostgreSQL does not start: {error}; trying again.")
                self._pause(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)
            else:
                self._report("PostgreSQL takes connections again.")
                return process

    def _pause(self, seconds: float) -> None:
        if self._stopping.wait(max(seconds, 0)):
            raise _StopWanted

    def _start(self) -> subprocess.Popen[bytes]:
        """Start once and wait until it takes connections. Raises `_DidNotStart`."""
        leftovers.clear(self._folder.cluster, self._run)
        self._folder.bound_log()
        with self._folder.open_log() as log:
            before = os.fstat(log.fileno()).st_size
            with self._guard:
                if self._stopping.is_set():
                    raise _StopWanted
                self._process = process = self._launch(log.fileno())
        self._await(process, before)
        return process

    def _launch(self, log: int) -> subprocess.Popen[bytes]:
        options = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        with programs.directory(self._folder.cluster) as (where, descriptors):
            return programs.launch(
                [self._binaries.program("postgres"), "-D", where, *options],
                self._account,
                # Not SIGINT: an orderly shutdown writes everything out first, which has no bound, and of a
                # killed hub nothing may be left after 5 s. The log makes an immediate one just as safe.
                death=signal.SIGQUIT,
                descriptors=descriptors,
                output=log,
            )

    def _await(self, process: subprocess.Popen[bytes], log_before: int) -> None:
        began = time.monotonic()
        report_at = began + _REPORT_EVERY_S
        while probe.ask(self._run, USER, DATABASE) is not probe.Answer.READY:
            now = time.monotonic()
            # Every question costs the server a process and a line in its log: seldom in a long recovery.
            if _ended(process, min(0.005 + (now - began) / 10, 0.5)):
                if self._stopping.is_set():
                    raise _StopWanted
                raise _DidNotStart(self._folder.last_complaint(log_before) or _in_words(process.returncode))
            if now > report_at:
                self._report(
                    f"PostgreSQL is still starting ({now - began:.0f} s); after a crash it replays its log."
                )
                report_at = now + _REPORT_EVERY_S


def _may_pass(complaint: str) -> bool:
    """Whether this is about another process that is about to end."""
    return "lock file" in complaint or "shared memory block" in complaint


def _end(process: subprocess.Popen[bytes]) -> None:
    for number, patience in ((signal.SIGINT, _FAST_STOP_S), (signal.SIGQUIT, _IMMEDIATE_STOP_S)):
        process.send_signal(number)
        if _ended(process, patience):
            return
    process.kill()
    process.wait()


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait up to `seconds` for the process to end, without waking up meanwhile where that can be done."""
    if hasattr(os, "pidfd_open") and process.poll() is None:
        try:
            fd = os.pidfd_open(process.pid)
        except OSError:
            pass  # it ended this instant
        else:
            try:
                poll = select.poll()
                poll.register(fd, select.POLLIN)
                poll.poll(seconds * 1000)
            finally:
                os.close(fd)
            seconds = 0
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _in_words(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    return f"signal {-code}, {signal.strsignal(-code) or 'unknown'}"
