"""The schema's steps: numbered SQL files, each applied exactly once, in order, in one transaction."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.resources
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from tellback.storage import database
from tellback.storage.errors import DatabaseAway, StorageError

SUPPORTED_MAJORS = range(15, 19)
CONNECT_TIMEOUT_S = 10
_FILE_NAME = re.compile(r"(\d{4})_(\w+)\.sql")

_CREATE_RECORD = """
create table if not exists schema_migrations (
  number integer primary key,
  name text not null,
  checksum text not null,            -- SHA-256 of the file, hex
  applied_at timestamptz not null default now()
)
"""


class SchemaMismatch(StorageError):
    """The database's schema and this program's do not belong together."""


@dataclass(frozen=True)
class Step:
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True)
class StepStatus:
    """`applied_at` is None for a step that has not been applied."""

    number: int
    name: str
    applied_at: datetime | None


def known_steps() -> list[Step]:
    """The steps this program has, in order. They are counted from 1 without gaps."""
    files = importlib.resources.files("tellback.storage") / "migrations"
    found = [(match, file) for file in files.iterdir() if (match := _FILE_NAME.fullmatch(file.name))]
    steps = [Step(int(match[1]), match[2], file.read_text(encoding="utf-8")) for match, file in found]
    steps.sort(key=lambda step: step.number)
    if [step.number for step in steps] != list(range(1, len(steps) + 1)):
        raise SchemaMismatch("the migrations are not numbered from 1 without gaps.")
    return steps


async def migrate(url: str, steps: Sequence[Step] | None = None) -> list[Step]:
    """Apply what is missing and return it, in order; several processes may call this at once.

    Raises `SchemaMismatch` when a newer tellback made the database or an applied step has changed since,
    `DatabaseAway` when nobody answers, `StorageError` for a database that cannot be used. Whatever fails, a
    step is there whole or not at all.
    """
    applied: list[Step] = []
    known = known_steps() if steps is None else steps
    async with connected(url) as connection:
        # Looked at first: a user who may only read and write rows can serve a database that is up to date.
        if len(await _applied(connection, known)) == len(known):
            return []
        await _create_record(connection)
        while (step := await _apply_next(connection, known)) is not None:
            applied.append(step)
    return applied


async def status(url: str, steps: Sequence[Step] | None = None) -> list[StepStatus]:
    """Every known step and when it was applied, in order; changes nothing. Raises as `migrate`."""
    known = known_steps() if steps is None else steps
    async with connected(url) as connection:
        done = await _applied(connection, known)
    return [
        StepStatus(step.number, step.name, done[step.number]["applied_at"] if step.number in done else None)
        for step in known
    ]


async def is_empty(url: str) -> bool:
    """Whether the database holds no table, ours or anybody's, where ours would be. Raises as `migrate`."""
    async with connected(url) as connection:
        found = await connection.fetchval(
            "select exists (select from pg_tables where schemaname = current_schema())"
        )
    return not found


async def analyze(url: str) -> None:
    """Have the planner look at every table, as after a restore. Raises as `migrate`."""
    async with connected(url) as connection:
        await connection.execute("analyze")


async def server_major(url: str) -> int:
    """The major version of the server, 15 to 18. Raises as `migrate`."""
    async with connected(url) as connection:
        return int(connection.get_server_version().major)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a server that tellback works with; every fault on the way is one line."""
    connection = await _connect(url)
    try:
        major = connection.get_server_version().major
        if major not in SUPPORTED_MAJORS:
            raise StorageError(
                f"the database server is PostgreSQL {major}; tellback works with "
                f"{SUPPORTED_MAJORS[0]} to {SUPPORTED_MAJORS[-1]}."
            )
        async with database.faults_named():
            yield connection
    except asyncpg.InsufficientPrivilegeError as error:
        raise StorageError(f"the database user may not change the schema: {_line(error)}.") from error
    finally:
        await _close(connection)


async def _connect(url: str) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S, server_settings={"timezone": "UTC"})
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError) as error:
        raise StorageError(
            f"the database server refuses the user or the password: {_line(error)}."
        ) from error
    except asyncpg.InvalidCatalogNameError as error:
        raise StorageError(f"{_line(error)}; create it first (createdb), tellback fills it.") from error
    except (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError) as error:
        raise DatabaseAway(f"the database server does not answer ({_line(error)}).") from error
    except (ValueError, asyncpg.InterfaceError) as error:
        raise StorageError(f"the database URL cannot be used: {_line(error)}.") from error
    except asyncpg.PostgresError as error:
        raise StorageError(f"the database server refuses the connection: {_line(error)}.") from error


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


async def _close(connection: asyncpg.Connection) -> None:
    try:
        await connection.close(timeout=CONNECT_TIMEOUT_S)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()  # the work is done, or its fault is on its way already


async def _create_record(connection: asyncpg.Connection) -> None:
    # "if not exists" looks before it locks: another process may create it, and has when this one is refused.
    refused = (asyncpg.UniqueViolationError, asyncpg.DuplicateTableError, asyncpg.DuplicateObjectError)
    with contextlib.suppress(*refused):
        await connection.execute(_CREATE_RECORD)


async def _apply_next(connection: asyncpg.Connection, known: Sequence[Step]) -> Step | None:
    """Apply the first missing step, in a transaction under the record's lock; None when there is none."""
    async with connection.transaction():
        # A table lock and no advisory lock: distributed PostgreSQL has the one and not always the other.
        await connection.execute("lock table schema_migrations in exclusive mode")
        done = await _applied(connection, known)
        step = next((step for step in known if step.number not in done), None)
        if step is None:
            return None
        try:
            await connection.execute(step.sql)
        except asyncpg.PostgresConnectionError:
            raise
        except asyncpg.PostgresError as error:
            raise StorageError(
                f"step {step.number:04}_{step.name} failed, nothing of it is kept: {_line(error)}."
            ) from error
        await connection.execute(
            "insert into schema_migrations (number, name, checksum) values ($1, $2, $3)",
            step.number,
            step.name,
            step.checksum,
        )
    return step


async def _applied(connection: asyncpg.Connection, known: Sequence[Step]) -> dict[int, Any]:
    """The record's rows by number; none where there is no record. Raises `SchemaMismatch`."""
    if not await connection.fetchval("select to_regclass('schema_migrations') is not null"):
        return {}
    rows = await connection.fetch(
        "select number, name, checksum, applied_at from schema_migrations order by number"
    )
    done = {row["number"]: row for row in rows}
    _check(done, known)
    return done


def _check(done: dict[int, Any], known: Sequence[Step]) -> None:
    by_number = {step.number: step for step in known}
    for number, row in done.items():
        step = by_number.get(number)
        if step is None:
            raise SchemaMismatch(
                f"this database was made by a newer tellback (it has step {number:04}_{row['name']}, this "
                f"one knows {len(known)}); install that version."
            )
        if step.checksum != row["checksum"]:
            raise SchemaMismatch(
                f"step {number:04}_{step.name} was changed after it was applied to this database; "
                "restore the file, and put the change into a new step."
            )
