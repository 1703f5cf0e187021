"""The user PostgreSQL runs as. It refuses to run as root, so root lends it a system user of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tellback.storage.embedded.errors import EmbeddedError

SYSTEM_USER = "tellback"


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        """Whether this process already runs as it, so that nothing has to be dropped."""
        return self.uid == os.geteuid()

    def give(self, path: Path) -> None:
        """Hand a file or folder we have just made to this user."""
        if not self.is_ours:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def reaches(self, path: Path) -> bool:
        """Whether the mode bits let this user read and enter `path` and pass every folder above it."""
        whole = path.resolve()
        return self._may(whole, 0o5) and all(self._may(parent, 0o1) for parent in whole.parents)

    def _may(self, path: Path, wanted: int) -> bool:
        found = path.stat()
        shift = 6 if found.st_uid == self.uid else 3 if found.st_gid == self.gid else 0
        return (stat.S_IMODE(found.st_mode) >> shift) & wanted == wanted


def for_cluster(cluster: Path) -> Account:
    """Whoever owns the cluster, so that root can use a plain user's; for a new one us, or the system user.

    Raises `EmbeddedError` when the cluster is another user's or the system user cannot be made.
    """
    us = Account(os.geteuid(), os.getegid())
    try:
        found = cluster.stat()
    except FileNotFoundError:
        return us if us.uid else _system_account()
    if us.uid and found.st_uid != us.uid:
        raise EmbeddedError(
            f"{cluster} belongs to another user; run tellback as {_name(found.st_uid)} or as root."
        )
    if not found.st_uid:
        raise EmbeddedError(f"{cluster} belongs to root, and PostgreSQL does not run as root; chown -R it.")
    return Account(found.st_uid, found.st_gid)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _system_account() -> Account:
    account = _look_up()
    if account is None:
        complaint = _create()
        account = _look_up()  # another process may have been faster: what counts is that it is there
        if account is None:
            raise EmbeddedError(
                f"As root, tellback runs PostgreSQL as the system user {SYSTEM_USER}, which cannot be made "
                f"({complaint}); run `useradd --system {SYSTEM_USER}`, or run tellback as a plain user."
            )
    if account.uid == 0:
        raise EmbeddedError(f"The system user {SYSTEM_USER} has uid 0, and PostgreSQL does not run as root.")
    return account


def _look_up() -> Account | None:
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        return None
    return Account(entry.pw_uid, entry.pw_gid)


def _create() -> str:
    """Run useradd; what it complained about."""
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        return "there is no useradd here"
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    done = subprocess.run(  # noqa: S603 -- fixed arguments, found on a fixed path
        [useradd, *options, "--shell", "/usr/sbin/nologin", SYSTEM_USER],
        capture_output=True,
        text=True,
        check=False,
    )
    return " ".join(done.stderr.split()) or f"useradd ended with {done.returncode}"
