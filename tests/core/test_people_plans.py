"""How people are looked up: by key, also where the statement was planned when there was nobody."""

from __future__ import annotations

import re

import asyncpg
import pytest

from tellback.core.people import known_queries, queries

pytestmark = pytest.mark.anyio

STATEMENTS = {
    "known": (known_queries._KNOWN, 5),
    "for update": (queries._BY_IDENTITY.format(lock="for update"), 3),
    "unlocked": (queries._BY_IDENTITY.format(lock=""), 3),
}


@pytest.mark.parametrize("name", STATEMENTS)
async def test_finds_each_by_its_whole_key(database_url: str, name: str) -> None:
    # As the connections that write have it (storage/group_commit.py).
    settings = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
    connection = await asyncpg.connect(database_url, server_settings=settings)
    statement, parameters = STATEMENTS[name]
    try:
        await connection.execute(f"prepare look_up as {statement}")
        rows = await connection.fetch(f"explain execute look_up ({', '.join(['null'] * parameters)})")
    finally:
        await connection.close()
    plan = "\n".join(row[0] for row in rows)
    scans = re.findall(r"using (\w+) on (?:contacts|accounts|account_names) .*\n +Index Cond: (.*)", plan)
    assert len(scans) >= 3, plan
    assert [index for index, condition in scans if " AND " not in condition] == [], plan
    assert "Hash Join" not in plan, plan
    assert "Seq Scan" not in plan, plan
