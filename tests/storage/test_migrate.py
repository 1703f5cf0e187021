"""Migrations: applied once, in order, whole, and to nothing they do not belong to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from tests.support import postgres as databases
from tests.support import schema

from tellback.storage import errors, migrate

pytestmark = pytest.mark.anyio

_ONE = migrate.Step(1, "one", "create table one (n integer); insert into one values (1)")
_TWO = migrate.Step(2, "two", "create table two (n integer)")
_BROKEN = migrate.Step(2, "broken", "create table half (n integer); select * from nowhere")


@pytest.fixture
def empty_url(postgres: databases.Cluster) -> Iterator[str]:
    """A database without a schema."""
    url = databases.empty_database(postgres)
    yield url
    databases.drop(postgres, url)


async def _fetch(url: str, query: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_gives_the_schema_that_is_written_down(database_url: str) -> None:
    """Changed on purpose? `python -m tests.support.schema` writes it down anew."""
    assert await schema.describe(database_url) == schema.EXPECTED.read_text()


async def test_knows_its_steps_in_order_from_the_installed_package() -> None:
    steps = migrate.known_steps()
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    assert steps[0].name == "foundation"


async def test_applies_every_step_once(empty_url: str) -> None:
    assert await migrate.migrate(empty_url, [_ONE]) == [_ONE]
    assert await migrate.migrate(empty_url, [_ONE, _TWO]) == [_TWO]
    assert await migrate.migrate(empty_url, [_ONE, _TWO]) == []
    assert await _fetch(empty_url, "select count(*) from one") == 1


async def test_applies_every_step_once_when_many_start_at_the_same_time(empty_url: str) -> None:
    applied = await asyncio.gather(*(migrate.migrate(empty_url) for _ in range(6)))
    steps = [step for steps in applied for step in steps]
    assert sorted(steps, key=lambda step: step.number) == migrate.known_steps()


async def test_keeps_nothing_of_a_step_that_fails_and_all_before_it(empty_url: str) -> None:
    with pytest.raises(
        errors.StorageError, match=r"step 0002_broken failed, nothing of it is kept: .*nowhere"
    ):
        await migrate.migrate(empty_url, [_ONE, _BROKEN])
    assert await _fetch(empty_url, "select to_regclass('half')") is None
    assert [step.number for step in await migrate.status(empty_url, [_ONE]) if step.applied_at] == [1]


async def test_tells_which_steps_are_applied(empty_url: str) -> None:
    await migrate.migrate(empty_url, [_ONE])
    first, second = await migrate.status(empty_url, [_ONE, _TWO])
    assert (first.number, first.name, first.applied_at is not None) == (1, "one", True)
    assert (second.number, second.name, second.applied_at) == (2, "two", None)


async def test_changes_nothing_when_only_asked(empty_url: str) -> None:
    assert [step.applied_at for step in await migrate.status(empty_url)] == [None] * len(
        migrate.known_steps()
    )
    assert await schema.describe(empty_url) == ""


async def test_refuses_a_database_of_a_newer_program(empty_url: str) -> None:
    await migrate.migrate(empty_url, [_ONE, _TWO])
    for ask in (migrate.migrate, migrate.status):
        with pytest.raises(migrate.SchemaMismatch, match=r"made by a newer tellback \(it has step 0002_two"):
            await ask(empty_url, [_ONE])


async def test_refuses_a_step_that_changed_after_it_was_applied(empty_url: str) -> None:
    await migrate.migrate(empty_url, [_ONE])
    changed = migrate.Step(1, "one", _ONE.sql + " -- and more")
    for ask in (migrate.migrate, migrate.status):
        with pytest.raises(migrate.SchemaMismatch, match="step 0001_one was changed after it was applied"):
            await ask(empty_url, [changed, _TWO])
    assert await _fetch(empty_url, "select to_regclass('two')") is None


async def test_asks_for_no_rights_when_there_is_nothing_to_do(empty_url: str) -> None:
    """A user who may only work with rows can serve a database that somebody else keeps up to date."""
    await migrate.migrate(empty_url, [_ONE])
    connection = await asyncpg.connect(empty_url)
    role = urlsplit(empty_url).path[1:] + "_clerk"
    await connection.execute(f"create role {role} login password 'clerk'; grant pg_read_all_data to {role}")
    await connection.close()
    parts = urlsplit(empty_url)
    url = parts._replace(netloc=f"{role}:clerk@").geturl()
    assert await migrate.migrate(url, [_ONE]) == []
    with pytest.raises(errors.StorageError, match="may not change the schema: permission denied"):
        await migrate.migrate(url, [_ONE, _TWO])


async def _refusal(url: str) -> str:
    """The one line with which a database is refused."""
    with pytest.raises(errors.StorageError) as caught:
        await migrate.migrate(url)
    line = str(caught.value)
    assert "\n" not in line
    return line


async def test_says_that_the_password_is_wrong(database_url: str) -> None:
    password = urlsplit(database_url).password
    assert password
    line = await _refusal(database_url.replace(password, "guessed"))
    assert "refuses the user or the password" in line
    assert "guessed" not in line


async def test_says_that_the_database_is_unknown(database_url: str) -> None:
    line = await _refusal(databases.on_database(database_url, "elsewhere"))
    assert 'database "elsewhere" does not exist' in line


@pytest.mark.parametrize("place", ["localhost:1/x", "/x?host={nowhere}"])
async def test_says_that_nobody_answers(tmp_path: Path, place: str) -> None:
    url = "postgresql://tellback:hidden-word@" + place.format(nowhere=tmp_path)
    with pytest.raises(errors.DatabaseAway, match="the database server does not answer") as caught:
        await migrate.status(url)
    assert "hidden-word" not in str(caught.value)


async def test_says_that_the_url_is_none() -> None:
    assert "the database URL cannot be used" in await _refusal("mysql://localhost/x")


async def test_refuses_a_server_of_a_major_it_does_not_know() -> None:
    async with _server_that_says("14.22") as port:
        line = await _refusal(f"postgresql://tellback@127.0.0.1:{port}/x?sslmode=disable")
    assert line == "the database server is PostgreSQL 14; tellback works with 15 to 18."


@asynccontextmanager
async def _server_that_says(version: str) -> AsyncIterator[int]:
    """The first messages of a server (PostgreSQL's manual, "Message Flow"): come in, my version, ready."""

    gone = asyncio.Event()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big") - 4)
        parameter = b"server_version\0" + version.encode() + b"\0"
        writer.write(b"R\0\0\0\x08\0\0\0\0")
        writer.write(b"S" + (len(parameter) + 4).to_bytes(4, "big") + parameter)
        writer.write(b"Z\0\0\0\x05I")
        await reader.readexactly(5)  # Terminate
        writer.close()
        await writer.wait_closed()
        gone.set()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.wait_for(gone.wait(), 5)
