"""Ways in which a database can be away: all of them are `DatabaseAway`, which becomes a 503."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from tests.support import postgres as databases

from tellback.storage.database import Database
from tellback.storage.errors import DatabaseAway

pytestmark = pytest.mark.anyio


async def test_is_away_while_an_operator_lets_nobody_connect(
    database_url: str, postgres: databases.Cluster
) -> None:
    parts = urlsplit(database_url)
    name = parts.path.lstrip("/")
    operator = await asyncpg.connect(urlunsplit(parts._replace(path="/postgres")))
    db = await Database.open(database_url, connections=1)
    try:
        await operator.execute(f"alter database {name} allow_connections false")
        with pytest.raises(DatabaseAway):
            async with db.reading():
                pytest.fail("connected")
        await operator.execute(f"alter database {name} allow_connections true")
        async with db.reading() as reader:
            assert await reader.fetchval("select 1") == 1
    finally:
        await db.close()
        await operator.close()
