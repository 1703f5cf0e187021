"""The data folder: what lies in it, and the short-pathed run directory with the socket beside it.

    <data>/postgresql/            the cluster, mode 0700, of the user PostgreSQL runs as
    <data>/postgresql.password    the superuser's password, mode 0600
    <data>/postgresql.run         where the run directory is, and of which folder (device, inode)
    <data>/postgresql.log[.1]     what the server says, bounded
    <data>/*.lock                 who owns the cluster, who uses it, who serves

No folder that tellback did not make has its mode or owner changed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tellback.storage.embedded import probe
from tellback.storage.embedded.account import Account
from tellback.storage.embedded.errors import EmbeddedError
from tellback.storage.embedded.locks import FileLock

USER = "tellback"
DATABASE = "tellback"
LOG_LIMIT = 8 * 1024 * 1024  # bytes; as much again in the file before
# sun_path holds 108 bytes on Linux, 104 on macOS, with a NUL; ".s.PGSQL.5432.lock" goes behind the directory.
_LONGEST_RUN_PATH = 104 - 1 - len("/.s.PGSQL.5432.lock")


@dataclass(frozen=True)
class Folder:
    path: Path

    @property
    def cluster(self) -> Path:
        return self.path / "postgresql"

    @property
    def log(self) -> Path:
        return self.path / "postgresql.log"

    def owner_lock(self) -> FileLock:
        return FileLock(self.path / "owner.lock")

    def users_lock(self) -> FileLock:
        return FileLock(self.path / "users.lock")

    def serve_lock(self) -> FileLock:
        return FileLock(self.path / "serve.lock")

    def prepare(self) -> None:
        """Make the folder where it is missing. Raises `EmbeddedError` when it cannot be used."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not os.access(self.path, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except (FileExistsError, NotADirectoryError) as error:
            raise EmbeddedError(f"the data folder {self.path} is not a directory.") from error
        except OSError as error:
            raise EmbeddedError(f"cannot write to the data folder {self.path}: {error.strerror}.") from error

    def url(self) -> str | None:
        """Where the cluster answers when it runs; None before it was ever started."""
        run, password = self.recorded_run(), self._kept("postgresql.password")
        if run is None or password is None:
            return None
        return f"postgresql://{USER}:{password}@/{DATABASE}?host={run}&port={probe.PORT}"

    def password(self) -> str:
        """The superuser's password, made at the first call."""
        kept = self._kept("postgresql.password")
        if kept is None and self.cluster.exists():
            raise EmbeddedError(
                f"{self.path / 'postgresql.password'} is missing, and without it nobody gets into "
                f"{self.cluster}; put it back."
            )
        if kept is None:
            kept = secrets.token_urlsafe(32)
            self._keep("postgresql.password", kept)
        return kept

    def recorded_run(self) -> Path | None:
        """Where the run directory was last. A copied data folder must not take the original's: it has none."""
        path, _, identity = (self._kept("postgresql.run") or "").partition("\n")
        return Path(path) if path and identity == self._identity() else None

    def run_directory(self, account: Account) -> Path:
        """A 0700 directory of `account` with a short path, the same as last time where that can be had.

        The same, because other processes have the address; theirs must stay good when the owner changes.
        """
        recorded = self.recorded_run()
        if recorded is not None and _made_or_ours(recorded, account):
            return recorded
        run = _new_run_directory(account)
        self._keep("postgresql.run", f"{run}\n{self._identity()}")
        return run

    def remove_run_directory(self) -> None:
        """After an orderly stop, when nobody uses the address any more."""
        run = self.recorded_run()
        if run is not None:
            with contextlib.suppress(OSError):
                run.rmdir()

    def open_log(self) -> BinaryIO:
        fd = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        return os.fdopen(fd, "ab")

    def last_complaint(self, since: int) -> str | None:
        """The last fatal line the server wrote behind the first `since` bytes of its log."""
        with self.log.open("rb") as log:
            log.seek(since)
            lines = log.read(65536).decode(errors="replace").splitlines()
        fatal = [line.partition("FATAL:")[2].strip() for line in lines if "FATAL:" in line]
        # "The database system is starting up" was said to us, who asked too early.
        fatal = [line for line in fatal if "database system is" not in line]
        return fatal[-1] if fatal else (lines[-1].strip() if lines else None)

    def take(self, lock: FileLock, *, shared: bool = False) -> bool:
        """`lock.take`, with its faults in words. Raises `EmbeddedError` when we may not open the file."""
        try:
            return lock.take(shared=shared)
        except OSError as error:
            raise EmbeddedError(f"cannot use the data folder {self.path}: {error}.") from error

    def bound_log(self) -> None:
        """Move a log that has grown too long aside. The server keeps writing to the same, now empty, file."""
        with contextlib.suppress(OSError):
            if self.log.stat().st_size > LOG_LIMIT:
                shutil.copyfile(self.log, self.log.with_suffix(".log.1"), follow_symlinks=False)
                os.truncate(self.log, 0)

    def _identity(self) -> str:
        found = self.path.stat()
        return f"{found.st_dev} {found.st_ino}"

    def _kept(self, name: str) -> str | None:
        try:
            return (self.path / name).read_text().strip() or None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise EmbeddedError(f"cannot read {self.path / name}: {error.strerror}.") from error

    def _keep(self, name: str, text: str) -> None:
        fd, temporary = tempfile.mkstemp(dir=self.path, prefix=f".{name}-")  # mode 0600
        with os.fdopen(fd, "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(fd)
        os.replace(temporary, self.path / name)
        sync_directory(self.path)


def sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _made_or_ours(run: Path, account: Account) -> bool:
    """Make `run` again, or see that what lies there is exactly what we would have made."""
    try:
        run.mkdir(mode=0o700)
        account.give(run)
    except FileExistsError:
        found = run.lstat()
        return (
            stat.S_ISDIR(found.st_mode)
            and stat.S_IMODE(found.st_mode) == 0o700
            and found.st_uid == account.uid
        )
    except OSError:
        return False
    return True


def _new_run_directory(account: Account) -> Path:
    wanted = [Path("/run") if account.uid != os.getuid() else None, os.environ.get("XDG_RUNTIME_DIR")]
    for parent in (*wanted, tempfile.gettempdir(), "/tmp"):  # noqa: S108 -- mkdtemp below makes it private
        if not parent or not Path(parent).is_dir() or not account.reaches(Path(parent)):
            continue
        if len(os.fsencode(f"{parent}/tellback-12345678")) > _LONGEST_RUN_PATH:
            continue
        with contextlib.suppress(OSError):
            run = Path(tempfile.mkdtemp(prefix="tellback-", dir=parent))
            account.give(run)
            return run
    raise EmbeddedError("found no directory for PostgreSQL's socket; set TMPDIR to one with a short path.")
