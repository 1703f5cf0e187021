"""Making a cluster, whole or not at all, and refusing one that these programs cannot run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from tellback.storage.embedded import binaries, programs
from tellback.storage.embedded.account import Account
from tellback.storage.embedded.errors import EmbeddedError
from tellback.storage.embedded.folder import DATABASE, USER, Folder, sync_directory

# Written once, so that an operator may change them in postgresql.conf.
_TUNABLE = """
# --- tellback: yours to change ---
max_connections = 100
shared_buffers = 128MB
max_wal_size = 2GB
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
log_checkpoints = off
"""
_BUILTIN_LOCALE_SINCE = 17
_INITDB = (
    f"--username={USER}",
    "--auth-local=scram-sha-256",
    "--auth-host=scram-sha-256",
    "--encoding=UTF8",
    "--data-checksums",
    "--no-instructions",
)
_HALF_MADE = ".postgresql-"


def check(folder: Folder, programs_: binaries.Binaries) -> bool:
    """Whether there is a cluster. Raises `EmbeddedError` when there is one that cannot be used."""
    try:
        held = (folder.cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        if folder.cluster.exists():
            raise EmbeddedError(
                f"{folder.cluster} is there and holds no PostgreSQL cluster; move it away."
            ) from None
        return False
    except OSError as error:
        raise EmbeddedError(f"cannot read {folder.cluster}: {error.strerror}.") from error
    if held != str(programs_.major):
        raise EmbeddedError(
            f"{folder.cluster} was made by PostgreSQL {held} and these programs are {programs_.version}: set "
            f"{binaries.VARIABLE} to the programs of PostgreSQL {held}, or upgrade it with pg_upgrade."
        )
    return True


def make(folder: Folder, programs_: binaries.Binaries, account: Account, run: Path) -> None:
    """initdb beside the cluster's place, create the database, then rename: killed half-way, nothing is there.

    Raises `EmbeddedError` with initdb's words.
    """
    for half_made in folder.path.glob(f"{_HALF_MADE}*"):
        shutil.rmtree(half_made, ignore_errors=True)
    staging = Path(tempfile.mkdtemp(dir=folder.path, prefix=_HALF_MADE))  # mode 0700
    try:
        account.give(staging)
        _initdb(staging, programs_, account, run, folder.password())
        with (staging / "postgresql.conf").open("a") as settings:
            settings.write(_TUNABLE)
            os.fsync(settings.fileno())
        _create_database(staging, programs_, account)
        staging.rename(folder.cluster)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    sync_directory(folder.path)


def _initdb(staging: Path, programs_: binaries.Binaries, account: Account, run: Path, password: str) -> None:
    password_file = run / "initdb-password"
    password_file.unlink(missing_ok=True)  # of an initdb that was killed
    try:
        with os.fdopen(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(password + "\n")
        account.give(password_file)
        for locale in _locales(programs_.major):
            complaint = _run(
                [programs_.program("initdb"), "-D", "{}", f"--pwfile={password_file}", *_INITDB, *locale],
                staging,
                account,
            )
            if complaint is None:
                return
    finally:
        password_file.unlink(missing_ok=True)
    raise EmbeddedError(f"PostgreSQL's initdb failed: {complaint}")


def _locales(major: int) -> list[list[str]]:
    """To be tried in order. Text sorts by code point; upper and lower case go by Unicode where possible."""
    if major >= _BUILTIN_LOCALE_SINCE:
        return [["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]]
    return [["--locale=C.UTF-8"], ["--locale=C"]]  # not every system has C.UTF-8


def _create_database(staging: Path, programs_: binaries.Binaries, account: Account) -> None:
    command = [programs_.program("postgres"), "--single", "-D", "{}", "-c", "exit_on_error=on", "template1"]
    complaint = _run(command, staging, account, stdin=f"create database {DATABASE}\n")
    if complaint is not None:
        raise EmbeddedError(f"PostgreSQL could not create its database: {complaint}")


def _run(command: list[str], place: Path, account: Account, *, stdin: str = "") -> str | None:
    """Run to the end; None when it went well, else its last complaint. "{}" in `command` is `place`."""
    with tempfile.TemporaryFile() as given, programs.directory(place) as (where, descriptors):
        given.write(stdin.encode())
        given.seek(0)
        process = programs.launch(
            [where if word == "{}" else word for word in command],
            account,
            death=signal.SIGKILL,
            descriptors=descriptors,
            stdin=given.fileno(),
            output=subprocess.PIPE,
        )
        said = process.communicate()[0].decode(errors="replace")
    if process.returncode == 0:
        return None
    lines = [line for line in said.splitlines() if "error" in line.lower() or "fatal" in line.lower()]
    return (lines or said.splitlines() or [f"it ended with {process.returncode}"])[-1].strip()
