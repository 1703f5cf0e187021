"""The embedded server: whom it runs as, and who gets at it."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from tests.support import postgres as databases
from tests.support import processes

from tellback.storage import embedded
from tellback.storage.embedded import account, binaries, probe

pytestmark = processes.only_linux

_PLAIN_UID = 65534  # nobody: in every passwd file


@pytest.fixture
def plain_folder() -> Iterator[Path]:
    """A data folder of a plain user, below folders everybody may enter."""
    data = Path(tempfile.mkdtemp(prefix="tellback-plain-"))
    os.chown(data, _PLAIN_UID, _PLAIN_UID)
    yield data
    shutil.rmtree(data)


def _answers(url: str) -> bool:
    async def ask() -> bool:
        connection = await asyncpg.connect(url)
        try:
            return bool(await connection.fetchval("select true"))
        finally:
            await connection.close()

    return databases.run(ask())


def _status(pid: int) -> dict[str, list[str]]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: values.split() for name, _, values in (line.partition(":") for line in lines)}


@processes.only_root
def test_keeps_nothing_of_root(tmp_path: Path) -> None:
    server = embedded.EmbeddedPostgres(tmp_path)
    server.start()
    try:
        entry = pwd.getpwnam(account.SYSTEM_USER)
        running = processes.servers(tmp_path)
        assert len(running) > 3
        for pid in running:
            status = _status(pid)
            assert status["Uid"] == [str(entry.pw_uid)] * 4
            assert status["Gid"] == [str(entry.pw_gid)] * 4
            assert status["Groups"] == []
            assert status["CapEff"] == ["0000000000000000"]
        assert (tmp_path / "postgresql").stat().st_uid == entry.pw_uid
        assert tmp_path.stat().st_uid == 0
    finally:
        server.stop()


@processes.only_root
def test_runs_as_a_user_that_nobody_can_log_in_as(tmp_path: Path) -> None:
    server = embedded.EmbeddedPostgres(tmp_path)
    server.start()
    server.stop()
    entry = pwd.getpwnam(account.SYSTEM_USER)
    assert entry.pw_shell.endswith("nologin")
    assert entry.pw_uid != 0


@processes.only_root
def test_lets_no_other_user_reach_its_socket(tmp_path: Path) -> None:
    server = embedded.EmbeddedPostgres(tmp_path)
    server.start()
    try:
        run = Path(parse_qs(urlsplit(server.url).query)["host"][0])
        pid = os.fork()
        if pid == 0:
            os.setgroups([])
            os.setgid(_PLAIN_UID)
            os.setuid(_PLAIN_UID)
            try:
                socket.socket(socket.AF_UNIX).connect(str(probe.socket_path(run)))
            except PermissionError:
                os._exit(13)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 13
    finally:
        server.stop()


@processes.only_root
def test_runs_for_a_plain_user(plain_folder: Path) -> None:
    with processes.Holder("serving", plain_folder, uid=_PLAIN_UID) as holder:
        answer = holder.answer()
        assert answer.get("owns"), answer
        assert {tuple(_status(pid)["Uid"]) for pid in processes.servers(plain_folder)} == {
            (str(_PLAIN_UID),) * 4
        }
        assert _answers(answer["url"])
        run = Path(parse_qs(urlsplit(answer["url"]).query)["host"][0])
        assert stat.S_IMODE(run.stat().st_mode) == 0o700
        holder.kill()
        processes.eventually(lambda: not processes.servers(plain_folder))


@processes.only_root
def test_serves_root_on_a_plain_users_folder_as_that_user(plain_folder: Path) -> None:
    with processes.Holder("joined", plain_folder, uid=_PLAIN_UID) as holder:
        holder.answer()
    server = embedded.EmbeddedPostgres(plain_folder)
    server.start()
    try:
        assert {_status(pid)["Uid"][0] for pid in processes.servers(plain_folder)} == {str(_PLAIN_UID)}
    finally:
        server.stop()
    with processes.Holder("joined", plain_folder, uid=_PLAIN_UID) as holder:
        assert holder.answer().get("owns")


@processes.only_root
def test_tells_a_plain_user_that_a_folder_is_roots(tmp_path_factory: pytest.TempPathFactory) -> None:
    data = Path(tempfile.mkdtemp(prefix="tellback-roots-"))
    data.chmod(0o755)
    try:
        server = embedded.EmbeddedPostgres(data)
        server.start()
        server.stop()
        with processes.Holder("joined", data, uid=_PLAIN_UID) as holder:
            assert holder.answer()["message"].startswith(f"cannot write to the data folder {data}")
    finally:
        shutil.rmtree(data)


@processes.only_root
def test_copies_programs_that_its_user_cannot_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A virtual environment below root's closed home: the programs move, the home stays closed."""
    installation = binaries.find().folder.parent
    package = installation.parent
    closed = tmp_path / "closed" / package.name / installation.name
    shutil.copytree(installation, closed, ignore=shutil.ignore_patterns("include"))
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, tmp_path / "closed" / libraries.name)
    (tmp_path / "closed").chmod(0o700)
    copies = Path(tempfile.mkdtemp(prefix="tellback-copies-"))
    copies.chmod(0o755)
    monkeypatch.setattr(binaries, "_COPIES", copies)
    try:
        server = embedded.EmbeddedPostgres(tmp_path / "data", closed / "bin")
        for _ in range(2):
            server.start()
            assert [path.name for path in copies.iterdir()] == [f"postgresql-{server.binaries.version}"]
            assert _answers(server.url)
            server.stop()
        programs = next(copies.glob("*/*/*/bin"))
        subprocess.run(
            [programs / "psql", "--version"], check=True, capture_output=True, user=_PLAIN_UID, cwd="/"
        )
        assert stat.S_IMODE((tmp_path / "closed").stat().st_mode) == 0o700
    finally:
        shutil.rmtree(copies)
