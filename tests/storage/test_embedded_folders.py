"""The embedded server: data folders that are in no state to be used, or look so."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.support import processes

from tellback.storage import embedded
from tellback.storage.embedded import probe

_SYSTEM_15 = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture
def stranger(data: Path) -> Iterator[int]:
    """A living process of the server's user that is no PostgreSQL."""
    uid = (data / "postgresql").stat().st_uid
    become = {} if uid == os.geteuid() else {"user": uid}
    with subprocess.Popen(["/bin/sleep", "60"], cwd="/", **become) as process:  # type: ignore[call-overload]
        yield process.pid
        process.kill()


def _start_and_stop(data: Path) -> None:
    server = embedded.EmbeddedPostgres(data)
    server.start()
    server.stop()


def _refusal(data: Path, binaries: Path | None = None) -> str:
    """The one line with which `data` is refused."""
    with pytest.raises(embedded.EmbeddedError) as caught:
        embedded.EmbeddedPostgres(data, binaries).start()
    line = str(caught.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    "left", ["", "garbage", "{pid}", "{pid}\n/proc/self/fd/9\n1700000000\n5432\n", "{us}\n"]
)
def test_starts_over_a_pid_file_that_names_no_server(data: Path, stranger: int, left: str) -> None:
    text = left.format(pid=stranger, us=os.getpid())
    (data / "postgresql" / "postmaster.pid").write_text(text)
    _start_and_stop(data)


def test_starts_over_a_stale_lock_of_its_socket(data: Path, stranger: int) -> None:
    server = embedded.EmbeddedPostgres(data)
    server.start()
    url = server.url
    server.stop()
    run = Path(parse_qs(urlsplit(url).query)["host"][0])
    run.mkdir(mode=0o700)
    cluster = (data / "postgresql").stat()
    os.chown(run, cluster.st_uid, cluster.st_gid)
    probe.socket_path(run).touch()
    probe.socket_path(run).with_name(".s.PGSQL.5432.lock").write_text(f"{stranger}\n/x\n1\n5432\n{run}\n")
    server.start()
    assert server.url == url
    server.stop()


def test_does_not_use_a_run_directory_that_others_may_enter(data: Path) -> None:
    server = embedded.EmbeddedPostgres(data)
    server.start()
    before = server.url
    server.stop()
    run = Path(parse_qs(urlsplit(before).query)["host"][0])
    run.mkdir()
    run.chmod(0o777)
    server.start()
    assert server.url != before
    server.stop()
    run.rmdir()


def test_refuses_a_cluster_of_another_major(tmp_path: Path) -> None:
    cluster = tmp_path / "postgresql"
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("14\n")
    line = _refusal(tmp_path)
    assert "was made by PostgreSQL 14" in line
    assert "TELLBACK_PG_BIN" in line
    assert "pg_upgrade" in line
    assert [path.name for path in cluster.iterdir()] == ["PG_VERSION"]


@pytest.mark.skipif(not _SYSTEM_15.is_dir(), reason=f"no PostgreSQL 15 in {_SYSTEM_15}")
def test_refuses_a_newer_cluster_under_older_programs(data: Path) -> None:
    assert "was made by PostgreSQL 18" in _refusal(data, _SYSTEM_15)
    _start_and_stop(data)


def test_refuses_a_cluster_folder_that_holds_something_else(tmp_path: Path) -> None:
    (tmp_path / "postgresql").mkdir()
    (tmp_path / "postgresql" / "letters.txt").touch()
    assert "holds no PostgreSQL cluster" in _refusal(tmp_path)


def test_refuses_a_file_in_the_place_of_a_data_folder(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    assert "is not a directory" in _refusal(tmp_path / "data")
    assert "is not a directory" in _refusal(tmp_path / "data" / "below")


def test_refuses_a_data_folder_it_cannot_write_to(tmp_path: Path) -> None:
    closed = Path("/proc/tellback")  # where root cannot write either
    if os.geteuid():
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o500)
    assert "cannot write to the data folder" in _refusal(closed)


def test_refuses_to_go_on_without_the_password(data: Path) -> None:
    (data / "postgresql.password").unlink()
    assert "postgresql.password is missing" in _refusal(data)


def test_refuses_a_folder_without_programs(tmp_path: Path) -> None:
    assert "holds no PostgreSQL program postgres" in _refusal(tmp_path / "data", tmp_path)


def test_refuses_programs_of_a_major_it_does_not_know(tmp_path: Path) -> None:
    for name in ("postgres", "initdb"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 14.11'\n")
        (tmp_path / name).chmod(0o755)
    assert "tellback works with 15 to 18" in _refusal(tmp_path / "data", tmp_path)


def test_says_why_postgresql_does_not_start(data: Path) -> None:
    with (data / "postgresql" / "postgresql.conf").open("a") as settings:
        settings.write("shared_buffers = plenty\n")
    line = _refusal(data)
    assert "PostgreSQL does not start" in line
    assert "configuration file" in line
    assert "postgresql.log" in line


@processes.only_linux
def test_makes_a_cluster_anew_that_was_killed_half_way(tmp_path: Path) -> None:
    with processes.Holder("joined", tmp_path) as holder:
        processes.eventually(lambda: list(tmp_path.glob(".postgresql-*/global")), 20)
        holder.kill()
    assert not (tmp_path / "postgresql").exists()
    run = Path((tmp_path / "postgresql.run").read_text().splitlines()[0])
    _start_and_stop(tmp_path)
    assert not run.exists()
    assert list(tmp_path.glob(".postgresql-*")) == []
    processes.eventually(lambda: not processes.servers(tmp_path))


def test_leaves_a_server_alone_that_it_did_not_start(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody repairs the cluster by hand: their server is neither joined nor ended."""
    if not sys.platform.startswith("linux"):
        pytest.skip("needs /proc")
    monkeypatch.setattr("tellback.storage.embedded.leftovers._PATIENCE_S", 0.3)
    server = embedded.EmbeddedPostgres(data)
    server.start()
    # As if nobody owned it: the lock file is exchanged below the running owner.
    (data / "owner.lock").rename(data / "owner.lock.held")
    line = _refusal(data)
    assert f"another PostgreSQL server (process {processes.main_process(data)}) works on" in line
    assert processes.servers(data)
    server.stop()
