"""How people are looked up: by key, also where the statement was planned when there was nobody."""

from __future__ import annotations

import re

import asyncpg
import pytest

from tellback.core.people import bulk_queries, known_queries, queries

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


@pytest.mark.parametrize("key", ["email_key", "phone_key"])
async def test_finds_many_by_their_whole_key_where_the_table_was_small_when_it_was_analyzed(
    database_url: str, key: str
) -> None:
    """With one contact analyzed, a workspace once looked as good as a key, and an import read all it had for each."""
    connection = await asyncpg.connect(database_url)
    try:
        workspace = await connection.fetchval(
            "insert into workspaces (slug, name) values ('plans', 'Plans') returning id"
        )
        add = f"insert into contacts (workspace_id, {key}) select $1, 'k' || n from generate_series($2::int, $3) n"
        await connection.execute(add, workspace, 1, 1)
        await connection.execute("vacuum analyze contacts")
        await connection.execute(add, workspace, 2, 5_000)
        statement = bulk_queries.CONTACTS.format(key=key)
        rows = await connection.fetch(f"explain {statement}", workspace, ["k7"])
    finally:
        await connection.close()
    plan = "\n".join(row[0] for row in rows)
    assert re.search(rf"using contacts_{key.removesuffix('_key')} on contacts", plan), plan
