"""One PostgreSQL server of our own on one data folder."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from tellback.storage.embedded import account as accounts
from tellback.storage.embedded import binaries as programs
from tellback.storage.embedded import cluster
from tellback.storage.embedded.errors import DataFolderBusy, EmbeddedError
from tellback.storage.embedded.folder import Folder
from tellback.storage.embedded.keeper import Keeper, Report

log = logging.getLogger(__name__)


class EmbeddedPostgres:
    """The server on the data folder `data`, run by the programs in `binaries` (see `binaries.find`).

    While it runs it is watched, and started again when it dies. `report` gets a line when there is something
    to tell: a recovery that takes long, a server that died. `settings` go on top of ours, which keep every
    commit: only for data that may be lost (tests).
    """

    def __init__(
        self,
        data: Path,
        binaries: Path | None = None,
        *,
        report: Report = log.warning,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = Folder(data.absolute())
        self._given = binaries
        self._report = report
        self._settings = settings or {}
        self._owner = self.folder.owner_lock()
        self._users = self.folder.users_lock()
        self._keeper: Keeper | None = None
        self._runs = False

    @property
    def url(self) -> str:
        """A DSN for asyncpg and libpq, with the password. It stays the same over restarts."""
        url = self.folder.url()
        if url is None:
            raise EmbeddedError(f"PostgreSQL was never started on {self.folder.path}.")
        return url

    @property
    def runs(self) -> bool:
        """Whether this object has the server: started, and not stopped since."""
        return self._runs

    @property
    def binaries(self) -> programs.Binaries:
        """The programs in use, psql and pg_dump among them. Raises `EmbeddedError` when there are none."""
        return programs.find(self._given)

    def start(self) -> None:
        """Own the data folder, make its cluster where it is missing, and return when it takes connections.

        Waits for crash recovery as long as it takes. Raises `DataFolderBusy` when another process owns the
        folder, `EmbeddedError` when it cannot be used or `stop` is called meanwhile.
        """
        self.folder.prepare()
        if not self.folder.take(self._owner):
            raise DataFolderBusy(f"another tellback process runs the database in {self.folder.path}.")
        try:
            self._keeper = self._prepared()
            self._keeper.start()
            self._runs = True
        except OSError as error:
            self.stop()
            raise EmbeddedError(f"cannot start PostgreSQL in {self.folder.path}: {error}") from error
        except BaseException:
            self.stop()
            raise

    def _prepared(self) -> Keeper:
        found = self.binaries
        exists = cluster.check(self.folder, found)
        account = accounts.for_cluster(self.folder.cluster)
        usable = programs.for_account(found, account)
        self.folder.password()
        run = self.folder.run_directory(account)
        if not exists:
            cluster.make(self.folder, usable, account, run)
        return Keeper(self.folder, usable, account, run, self._report, self._settings)

    def interrupt(self) -> None:
        """From another thread: make a `start` that still waits raise `EmbeddedError`."""
        keeper = self._keeper
        if keeper is not None and not self._runs:
            keeper.stop()

    def stop(self) -> None:
        """Stop the server and let the folder go. May be called twice."""
        if not self._owner.held:
            return
        # Held meanwhile, so that who comes now waits; not to be had while a guest needs the socket's place.
        alone = self.folder.take(self._users)
        if self._keeper is not None:
            self._keeper.stop()
        self._keeper, self._runs = None, False
        if alone:
            self.folder.remove_run_directory()
        self._users.release()
        self._owner.release()
