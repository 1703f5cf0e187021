"""What `doctor` looks at outside the database."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tellback.cli import output
from tellback.storage import blobs
from tellback.storage.embedded import binaries, cluster
from tellback.storage.embedded.folder import Folder
from tellback.storage.errors import StorageError

LEAST_FREE = 1024**3
_LOG_TAIL = 64 * 1024


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `advice` says what to do about it where it is not `ok`."""

    subject: str
    ok: bool
    message: str
    advice: str = ""

    def line(self) -> str:
        state = "ok   " if self.ok else "WRONG"
        said = (
            f"{self.message.removesuffix('.')}. {self.advice}"
            if self.advice and not self.ok
            else self.message
        )
        return output.clean(f"{state} {self.subject}: {said}")


def data_folder(data: Path) -> Iterator[Finding]:
    """Can it be written to, whose is it, is there room."""
    subject = "data folder"
    try:
        with tempfile.TemporaryFile(dir=data):
            pass
    except OSError as error:
        advice = f"It is {_owner(data)}'s; run tellback as that user, or chown -R the folder."
        yield Finding(subject, False, f"{data} cannot be written to ({error.strerror})", advice)
    else:
        yield Finding(subject, True, f"{data}, of {_owner(data)}")
    yield _room(data)


def _room(data: Path) -> Finding:
    free = shutil.disk_usage(data).free
    text = f"{free / 1024**3:.1f} GiB free in {data}"
    advice = "Make room before PostgreSQL has to stop: it needs some to write its log."
    return Finding("disk space", free >= LEAST_FREE, text, advice)


def _owner(path: Path) -> str:
    uid = path.stat().st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def programs(data: Path) -> Iterator[Finding]:
    """PostgreSQL's programs, and whether they are those of the cluster. Raises `EmbeddedError`."""
    found = binaries.find()
    made = cluster.check(Folder(data), found) if data.is_dir() else False
    fitting = ", as the cluster" if made else ""
    yield Finding("PostgreSQL", True, f"{found.version} in {found.folder}{fitting}")


def server_log(data: Path) -> Iterator[Finding]:
    """The last fatal line of the embedded server, which may be long past. Raises `OSError`."""
    log = Folder(data).log
    if log.exists():
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LOG_TAIL))
            lines = file.read().decode(errors="replace").splitlines()
        said = next((line for line in reversed(lines) if _complains(line)), None)
        yield Finding(
            "PostgreSQL's log", True, f"last complaint: {said}" if said else f"no complaint in {log}"
        )


def _complains(line: str) -> bool:
    """Being asked while it starts or stops is no complaint: that is how we find out when it is ready."""
    return ("FATAL:" in line or "PANIC:" in line) and "the database system is" not in line


def files_folder(files: str, data: Path) -> Iterator[Finding]:
    """Where files are kept."""
    subject = "files"
    folder = Path(files) if files else data / "files"
    if "://" in files:
        yield _bucket(files)
    elif not folder.exists():
        yield Finding(subject, True, f"{folder} is not there yet; `tellback serve` makes it")
    elif not os.access(folder, os.W_OK | os.X_OK):
        advice = f"It is {_owner(folder)}'s; run tellback as that user, or chown -R the folder."
        yield Finding(subject, False, f"{folder} cannot be written to", advice)
    else:
        yield Finding(subject, True, str(folder))


def _bucket(files: str) -> Finding:
    advice = "See that the bucket is there, and that the AWS_… variables say where and with which keys."
    try:
        blobs.check(files)
    except StorageError as error:
        return Finding("files", False, str(error), advice)
    return Finding("files", True, f"{files} takes and gives them")


def listening(host: str, port: int) -> Finding:
    """Whether the port is free, or a hub's."""
    where = f"port {port} of {host}"
    try:
        family, kind, _, _, name = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(name)
    except OSError as error:
        if _hub_answers(host, port):
            return Finding("port", True, f"a hub answers at {where}")
        advice = "Stop what listens there, or choose another with --port."
        return Finding("port", False, f"cannot listen on {where} ({error.strerror})", advice)
    return Finding("port", True, f"{where} is free")


def _hub_answers(host: str, port: int) -> bool:
    shown = f"[{host}]" if ":" in host else host
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{shown}:{port}/healthz/live", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, ValueError):
        return False
