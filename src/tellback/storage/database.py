"""One PostgreSQL, reached through asyncpg: reads, and transactions that are retried where that is safe.

The type of the handle says what may be done with it: `Reader` for queries, `Transaction` for effects.
Commits happen here and in `group_commit`, nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, NewType, TypeVar

import asyncpg

from tellback.storage.errors import DatabaseAway, Unstorable

Result = TypeVar("Result")

#: A connection that may be read from.
Reader = NewType("Reader", asyncpg.Connection)  # type: ignore[valid-newtype]
#: A connection inside a transaction (or about to run a single statement, which is one).
Transaction = NewType("Transaction", asyncpg.Connection)  # type: ignore[valid-newtype]

Row = asyncpg.Record

# 40001 serialization failure, 40P01 deadlock: PostgreSQL's manual, "Serialization Failure Handling",
# says to run the whole transaction again.
RETRIED = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
ATTEMPTS = 5

# The server is gone, going, or not yet there.
_AWAY = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ObjectNotInPrerequisiteStateError,  # an operator lets nobody connect to this database
    asyncpg.QueryCanceledError,
    asyncpg.DiskFullError,
    asyncpg.ReadOnlySQLTransactionError,
    TimeoutError,
)

# Texts and numbers of a caller that no column can hold, as the server words it.
_UNSTORABLE = (
    asyncpg.CharacterNotInRepertoireError,
    asyncpg.UntranslatableCharacterError,
    asyncpg.NumericValueOutOfRangeError,
)

STATEMENT_TIMEOUT_S = 30
CONNECT_TIMEOUT_S = 5


async def open_pool(url: str, name: str, connections: int, **server_settings: str) -> asyncpg.Pool:
    """A pool whose connections are made when they are first needed, so that it opens while the database is away."""

    async def leave_as_it_is(_: object) -> None:
        """No session state is ever set, so giving a connection back costs no round trip."""

    return await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=connections,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=STATEMENT_TIMEOUT_S,
        max_inactive_connection_lifetime=300,
        reset=leave_as_it_is,
        # JIT pays for itself in seconds; nothing here runs that long.
        server_settings={"application_name": name, "timezone": "UTC", "jit": "off", **server_settings},
    )


@asynccontextmanager
async def faults_named() -> AsyncIterator[None]:
    """Turn every way in which a database can be away into `DatabaseAway`, and misfits into `Unstorable`."""
    try:
        yield
    except _UNSTORABLE as error:
        raise Unstorable("A text or number cannot be stored.") from error
    except _AWAY as error:
        if isinstance(error, ValueError):  # the driver's word for an argument it cannot send
            raise Unstorable("A text or number cannot be stored.") from error
        late = isinstance(error, (TimeoutError, asyncpg.QueryCanceledError))
        what = "the database does not answer in time" if late else "the database is away"
        raise DatabaseAway(f"{what} ({type(error).__name__})") from error


#: After these nobody knows what state the connection is in, so it must not go back to its pool.
BROKEN = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError, asyncio.CancelledError)


@asynccontextmanager
async def connection_of(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """A connection of `pool`, with faults named as above."""
    async with faults_named(), pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection:
        try:
            yield connection
        except BROKEN as error:
            if not isinstance(error, ValueError):
                connection.terminate()
            raise


class Database:
    """A pool of connections to one database."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @classmethod
    async def open(cls, url: str, *, connections: int = 8) -> Database:
        """A database that may be away for now: it is connected to when it is first needed."""
        return cls(await open_pool(url, "tellback", connections))

    async def close(self) -> None:
        try:
            await asyncio.wait_for(self._pool.close(), 5)
        except (TimeoutError, *_AWAY):
            self._pool.terminate()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reader]:
        """A connection for queries. Raises `DatabaseAway`."""
        async with connection_of(self._pool) as connection:
            yield Reader(connection)

    async def write(self, effect: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Run `effect` in one transaction and commit it; run it anew after a serialization failure.

        `effect` may therefore run more than once and must do nothing but talk to the database.
        Raises `DatabaseAway`, and whatever `effect` raises (then nothing is stored).
        """
        async with connection_of(self._pool) as connection:
            return await in_transaction(connection, effect)

    async def write_at_once(self, effect: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """As `write`, for an `effect` of a single statement.

        PostgreSQL makes that a transaction by itself, so no BEGIN and COMMIT travel.
        """
        async with connection_of(self._pool) as connection:
            with suppress(*RETRIED):
                return await effect(Transaction(connection))
            return await in_transaction(connection, effect)


async def in_transaction(connection: Any, effect: Callable[[Transaction], Awaitable[Result]]) -> Result:
    """`effect` in one transaction on `connection`, retried on 40001 and 40P01."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with connection.transaction():
                return await effect(Transaction(connection))
        except RETRIED:
            if attempt == ATTEMPTS:
                raise
            await asyncio.sleep(0.01 * 2**attempt)
    raise AssertionError("unreachable")


async def now(reader: Reader) -> datetime:
    """The database's clock."""
    moment: datetime = await reader.fetchval("select clock_timestamp()")
    return moment
