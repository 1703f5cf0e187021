"""The embedded server: what it is like while it runs."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from tests.support import processes

from tellback.storage import embedded, migrate
from tellback.storage.embedded import folder as folders

pytestmark = pytest.mark.anyio

_SYSTEM_15 = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture
def server(data: Path) -> Iterator[embedded.EmbeddedPostgres]:
    server = embedded.EmbeddedPostgres(data)
    server.start()
    yield server
    server.stop()


def _run_directory(url: str) -> Path:
    return Path(parse_qs(urlsplit(url).query)["host"][0])


async def _ask(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_is_set_to_lose_nothing_and_to_listen_nowhere(server: embedded.EmbeddedPostgres) -> None:
    wanted = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "listen_addresses": "",
        "server_encoding": "UTF8",
        "max_connections": "100",
        "TimeZone": "UTC",
    }
    assert {name: await _ask(server.url, f"show {name}") for name in wanted} == wanted


async def test_sorts_text_by_code_point(server: embedded.EmbeddedPostgres) -> None:
    query = "select string_agg(word, ' ' order by word) from unnest(array['b', 'a', 'B', 'ä', 'z']) as word"
    assert await _ask(server.url, query) == "B a b z ä"


async def test_lowers_letters_beyond_ascii(server: embedded.EmbeddedPostgres) -> None:
    assert await _ask(server.url, "select lower('ÅSA')") == "åsa"


async def test_refuses_a_wrong_password(server: embedded.EmbeddedPostgres) -> None:
    password = urlsplit(server.url).password
    assert password
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.url.replace(password, "guessed"))


async def test_keeps_address_and_data_over_a_restart(server: embedded.EmbeddedPostgres) -> None:
    url = server.url
    await _ask(url, "create table kept as select 7 as n")
    server.stop()
    server.start()
    assert server.url == url
    assert await _ask(url, "select n from kept") == 7


async def test_puts_its_socket_into_a_closed_directory_that_goes_with_it(
    server: embedded.EmbeddedPostgres,
) -> None:
    run = _run_directory(server.url)
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    server.stop()
    assert not run.exists()


def test_closes_what_it_keeps_in_the_data_folder(server: embedded.EmbeddedPostgres) -> None:
    data = server.folder.path
    open_to_others = [path for path in (data, *data.iterdir()) if path.stat().st_mode & 0o077]
    assert open_to_others == []


def test_leaves_the_modes_of_folders_that_are_not_its_own(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    data = closed / "data"
    data.mkdir(parents=True)
    closed.chmod(0o700)
    data.chmod(0o750)
    before = {path: (path.stat().st_mode, path.stat().st_uid) for path in (data, *data.parents)}
    server = embedded.EmbeddedPostgres(data)
    server.start()
    server.stop()
    assert {path: (path.stat().st_mode, path.stat().st_uid) for path in before} == before


async def test_works_in_a_folder_with_a_long_path(tmp_path: Path) -> None:
    data = tmp_path.joinpath(*["a-rather-long-name-for-a-folder"] * 20)
    assert len(str(data)) > 600
    server = embedded.EmbeddedPostgres(data)
    server.start()
    try:
        assert await _ask(server.url, "select 1") == 1
        assert len(str(_run_directory(server.url))) < 90
    finally:
        server.stop()


def test_refuses_a_second_owner(server: embedded.EmbeddedPostgres) -> None:
    with pytest.raises(embedded.DataFolderBusy, match="another tellback process runs the database in"):
        embedded.EmbeddedPostgres(server.folder.path).start()


async def test_keeps_statements_and_values_out_of_its_log(server: embedded.EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(server.url)
    await connection.execute("create table people (email text primary key)")
    for _ in range(2):
        try:
            await connection.execute("insert into people values ('ann@example.com')")
        except asyncpg.UniqueViolationError:
            refused = True
    await connection.close()
    log = server.folder.log.read_text()
    assert refused
    assert "people_pkey" in log
    assert "ann@example.com" not in log


async def test_bounds_its_log(server: embedded.EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "LOG_LIMIT", 100)
    assert server.folder.log.stat().st_size > 100
    server.folder.bound_log()
    assert server.folder.log.stat().st_size == 0
    with pytest.raises(asyncpg.UndefinedTableError):
        await _ask(server.url, "select * from not_there")
    assert 0 < server.folder.log.stat().st_size < 1000


@processes.only_linux
def test_leaves_no_process_and_no_descriptor_behind(data: Path) -> None:
    server = embedded.EmbeddedPostgres(data)
    server.start()  # the first start loads modules and opens what stays open
    server.stop()
    before = sorted(os.listdir("/proc/self/fd"))
    server.start()
    assert processes.servers(data)
    server.stop()
    assert processes.servers(data) == {}
    assert sorted(os.listdir("/proc/self/fd")) == before


@pytest.mark.skipif(not _SYSTEM_15.is_dir(), reason=f"no PostgreSQL 15 in {_SYSTEM_15}")
async def test_runs_on_the_systems_postgresql_15(tmp_path: Path) -> None:
    server = embedded.EmbeddedPostgres(tmp_path, _SYSTEM_15)
    for _ in range(2):
        server.start()
        try:
            assert str(await _ask(server.url, "show server_version")).startswith("15.")
            assert await _ask(server.url, "select lower('ÅSA')") == "åsa"
            await migrate.migrate(server.url)
        finally:
            server.stop()
