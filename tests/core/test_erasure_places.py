"""Every stored column that can hold a text is accounted for when a person is erased."""

from __future__ import annotations

from collections import Counter

import asyncpg
import pytest

from tellback.core.erasure import places

pytestmark = pytest.mark.anyio


async def test_accounts_for_every_column_that_can_hold_a_text(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(
            """
            select table_name || '.' || column_name as name, table_name from information_schema.columns
            where table_schema = 'public'
              and data_type in ('text', 'jsonb', 'json', 'bytea', 'tsvector', 'ARRAY', 'character varying')
            """
        )
    finally:
        await connection.close()
    stored = {row["name"] for row in rows if row["table_name"] not in places.CONFIGURATION}
    listed = Counter(
        f"{table}.{column}"
        for table, columns in (
            *((place.table, place.columns) for place in places.PLACES),
            *places.ERASED_WITH_THE_ROW.items(),
            *places.NOBODYS.items(),
        )
        for column in columns
    )
    assert stored - listed.keys() == set(), "what becomes of these when a person is erased?"
    assert listed.keys() - stored == set(), "there are no such columns any more"
    assert [name for name, times in listed.items() if times > 1] == []
