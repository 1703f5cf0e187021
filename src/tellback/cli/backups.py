"""A backup: one tar file that holds a dump of the database (`pg_dump`) and then the files.

A file never changes once it is stored, and is there before its row. So the files that a dump speaks of are all
there when they are copied after it, whatever happens meanwhile. Restoring goes the other way: the database, in
one transaction, comes last, and whatever is cut short before that can be done again.

Where files are in a bucket there is no folder of them: the backup holds the database alone.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import tellback
from tellback.cli import databases, faults, interrupts, programs
from tellback.storage import blobs, migrate

_ABOUT, _DUMP, _END = "tellback-backup.json", "database.dump", "end.json"
_FORMAT = 1
_BLOB = re.compile(r"files/([0-9a-f]{2})/(\1[0-9a-f]{30})")
_COPIED_AT_ONCE = 1024 * 1024


@dataclass(frozen=True)
class Done:
    """How many files there were (None: they are in a bucket), and the backup's size in bytes."""

    files: int | None
    size: int


def save(place: databases.Place, url: str, files: Path | None, target: Path) -> Done:
    """Write a backup to `target`, which is there when it is complete and not before; `files` None is a bucket.

    Raises `Refused`, `OSError`.
    """
    if target.exists():
        raise faults.Refused(f"{target} is there already; name a new file.")
    dump, unfinished = (target.with_name(f"{target.name}.{end}") for end in ("database.part", "part"))
    try:
        _run(
            place,
            url,
            "pg_dump",
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            f"--file={_private(dump)}",
        )
        with _private(unfinished).open("wb") as out:
            with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
                about = {
                    "format": _FORMAT,
                    "tellback": tellback.__version__,
                    "made_at": datetime.now(UTC).isoformat(),
                }
                _add_json(archive, _ABOUT, about)
                with dump.open("rb") as content:
                    _add(archive, _DUMP, content)
                count = sum(_add_blob(archive, path) for path in _blobs(files)) if files else 0
                _add_json(archive, _END, {"files": count})  # a tar that was cut short can look whole
            out.flush()
            os.fsync(out.fileno())
        unfinished.rename(target)
        _sync(target.parent)
    finally:
        for left in (dump, unfinished):
            left.unlink(missing_ok=True)
    return Done(count if files else None, target.stat().st_size)


@contextmanager
def opened(file: Path) -> Iterator[tarfile.TarFile]:
    """A backup to restore from. Raises `Refused` for what is none, `OSError`."""
    try:
        with tarfile.open(file, mode="r:") as archive:
            about = archive.next()
            content = archive.extractfile(about) if about and about.name == _ABOUT else None
            if content is None:
                raise faults.Refused(f"{file} is no backup of tellback's.")
            made = json.load(content)
            if made.get("format") != _FORMAT:
                raise faults.Refused(
                    f"{file} was made by tellback {made.get('tellback')}; restore it with that one."
                )
            yield archive
    except (tarfile.TarError, ValueError) as error:
        raise faults.Refused(f"{file} is no backup of tellback's, or is broken: {error}.") from error


def restore(place: databases.Place, url: str, files: str, archive: tarfile.TarFile) -> Done:
    """Bring everything back, then the schema up to date. `files` is a folder or a bucket, which is left as it is.

    Raises `Refused` where a hub is already, and where files would have to go into a bucket; `StorageError`.
    """
    if not interrupts.run(migrate.is_empty(url)):
        where = "the database" if place.database_url else place.data
        raise faults.Refused(f"{where} holds a hub already; restore into a new folder or an empty database.")
    blobs.check(files)  # makes the folder, or says why it cannot
    folder = None if blobs.in_bucket(files) else Path(files)
    with _room(folder) as room:
        dump = room / f"{_DUMP}.part"
        count = _unpack(archive, folder, dump)
        _run(
            place,
            url,
            "pg_restore",
            "--no-owner",
            "--no-privileges",
            "--single-transaction",
            "--dbname=",
            str(dump),
        )
    interrupts.run(migrate.migrate(url))
    interrupts.run(migrate.analyze(url))  # what it knew of the tables is not in a dump
    return Done(count if folder else None, os.stat(archive.name or "").st_size)


@contextmanager
def _room(folder: Path | None) -> Iterator[Path]:
    """Where the dump may lie for a while: beside the files, or in the system's temporary folder."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="tellback-") as temporary:
            yield Path(temporary)
        return
    try:
        yield folder
    finally:
        (folder / f"{_DUMP}.part").unlink(missing_ok=True)


def _unpack(archive: tarfile.TarFile, files: Path | None, dump: Path) -> int:
    """Put the dump and the files where they belong; how many files. Raises `Refused` where something is missing."""
    count, expected = 0, None
    for member in archive:
        content = archive.extractfile(member)
        if content is None:
            continue
        if member.name == _DUMP:
            _put(content, dump)
        elif member.name == _END:
            expected = json.load(content)["files"]
        elif blob := _BLOB.fullmatch(member.name):
            if files is None:
                raise faults.Refused(
                    "the backup holds files, and nothing is put into a bucket here; restore it with --files "
                    "naming a folder, and copy that into the bucket."
                )
            _put(content, files / blob[1] / blob[2])
            count += 1
    if expected != count or not dump.exists():
        raise faults.Refused("the backup is cut short; nothing is restored.")
    return count


def _run(place: databases.Place, url: str, program: str, *arguments: str) -> None:
    # One of another version may write what the server's own cannot read.
    found = programs.find(program, place, interrupts.run(migrate.server_major(url)))
    done = subprocess.run(  # noqa: S603 - the program the operator installed
        [found, *arguments],
        env=programs.environment(url),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise faults.Refused(f"{program} failed: {done.stderr.strip() or done.returncode}")


def _blobs(files: Path) -> Iterator[Path]:
    """Whole ones, in the order of their names."""
    for prefix in blobs.PREFIXES:
        folder = files / prefix
        if folder.is_dir():
            yield from (path for path in sorted(folder.iterdir()) if _BLOB.fullmatch(_name(path)))


def _name(path: Path) -> str:
    return f"files/{path.parent.name}/{path.name}"


def _add_blob(archive: tarfile.TarFile, path: Path) -> bool:
    """False for one that is gone, which had no row."""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as content:
        _add(archive, _name(path), content)
        return True
    return False


def _add_json(archive: tarfile.TarFile, name: str, value: dict[str, Any]) -> None:
    text = json.dumps(value).encode()
    member = tarfile.TarInfo(name)
    member.size = len(text)
    archive.addfile(member, io.BytesIO(text))


def _add(archive: tarfile.TarFile, name: str, content: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    status = os.fstat(content.fileno())
    member.size, member.mtime, member.mode = status.st_size, int(status.st_mtime), 0o600
    archive.addfile(member, content)


def _put(content: IO[bytes], target: Path) -> None:
    if not target.parent.is_dir():
        target.parent.mkdir(mode=0o700)
        _sync(target.parent.parent)
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        shutil.copyfileobj(content, out, _COPIED_AT_ONCE)
        out.flush()
        os.fsync(out.fileno())
    _sync(target.parent)


def _private(file: Path) -> Path:
    """An empty file that its owner alone can read: backups hold the keys that sign tokens."""
    file.unlink(missing_ok=True)
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return file


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
