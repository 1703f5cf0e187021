"""Statements of reports find tickets by their keys, and dirty ones by the index of the dirty, whatever was planned on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import asyncpg
import msgspec
import pytest

from tellback.core.tickets import report_queries as queries

pytestmark = pytest.mark.anyio

# As the connections that write have it; those that read may come to keep such a plan, too.
WRITING = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "jit": "off"}
READING = {"plan_cache_mode": "force_generic_plan", "jit": "off"}
ONE = """'[{"workspace_id": 1, "id": 7}]'"""
FILL = """
insert into tickets (workspace_id, id, project_id, type_id, number, channel, status, status_kind, reported)
select 1, n, 1, 1, n, 'x', 'New', 'open', case when n % 1000 = 0 then 0 else 1 end from generate_series(1, $1::int) n
"""


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


async def planned(connection: asyncpg.Connection, statement: str, arguments: str) -> list[dict[str, Any]]:
    await connection.execute(f"prepare hot as {statement}")
    explained = await connection.fetchval(f"explain (format json) execute hot ({arguments})")
    return list(nodes(msgspec.json.decode(explained)[0]["Plan"]))


def on_tickets(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The nodes that read the tickets."""
    return [node for node in found if node.get("Relation Name") == "tickets" and "Scan" in node["Node Type"]]


@pytest.mark.parametrize(
    ("settings", "statement", "arguments"),
    [
        (READING, queries._REPORTS, ONE),
        (WRITING, queries._CLEAR, "'{1}', '{7}', '{1}'"),
        (WRITING, queries._MARK, "'{1}', '{7}'"),
        (WRITING, queries._UNKNOWN, "'{1}', '{7}', '{0}', '{0}'"),
    ],
    ids=["report", "clear", "mark", "unknown"],
)
async def test_looks_tickets_up_by_their_key(
    database_url: str, settings: dict[str, str], statement: str, arguments: str
) -> None:
    connection = await asyncpg.connect(database_url, server_settings=settings)
    try:
        await connection.execute(FILL, 20_000)
        await connection.execute("analyze tickets")
        found = on_tickets(await planned(connection, statement, arguments))
    finally:
        await connection.close()
    assert found
    for scan in found:
        assert scan["Index Name"] in ("tickets_pkey", "tickets_thread"), scan
        assert "id" in scan["Index Cond"].replace("workspace_id", ""), scan


async def test_reads_no_table_from_end_to_end_for_a_report(database_url: str) -> None:
    connection = await asyncpg.connect(database_url, server_settings=READING)
    try:
        await connection.execute(FILL, 20_000)
        await connection.execute("analyze tickets")
        found = await planned(connection, queries._REPORTS, ONE)
    finally:
        await connection.close()
    assert {node["Node Type"] for node in found} & {"Seq Scan", "Hash Join", "Bitmap Heap Scan"} == set()


async def test_keeps_no_plan_for_reports_that_reads_all_tickets(database_url: str) -> None:
    """One that was made when there were none, nor any statistics."""
    connection = await asyncpg.connect(database_url, server_settings=READING)
    try:
        found = on_tickets(await planned(connection, queries._REPORTS, ONE))
    finally:
        await connection.close()
    assert sorted(scan["Index Name"] for scan in found) == [
        "tickets_pkey",
        "tickets_thread",
        "tickets_thread",
    ]
    for scan in found:
        assert "id" in scan["Index Cond"].replace("workspace_id", ""), scan


@pytest.mark.parametrize("settings", [READING, {"jit": "off"}], ids=["kept", "new"])
async def test_walks_the_dirty_ones_alone(database_url: str, settings: dict[str, str]) -> None:
    connection = await asyncpg.connect(database_url, server_settings=settings)
    try:
        await connection.execute(FILL, 20_000)
        await connection.execute("vacuum analyze tickets")
        found = await planned(connection, queries._DIRTY, "1")
        listed = msgspec.json.decode(await connection.fetchval(queries._DIRTY, 1))
    finally:
        await connection.close()
    assert [scan["Index Name"] for scan in on_tickets(found)] == ["tickets_dirty"]
    assert not any(node["Node Type"] == "Sort" for node in found)
    assert listed == list(range(1000, 20_001, 1000))


async def test_plans_reports_once(database_url: str) -> None:
    """After the first few, whatever is asked for: planning is most of the work."""
    connection = await asyncpg.connect(database_url, server_settings={"jit": "off"})
    try:
        await connection.execute(FILL, 20_000)
        await connection.execute("analyze tickets")
        await connection.execute(f"prepare hot as {queries._REPORTS}")
        for _ in range(10):
            await connection.execute(f"execute hot ({ONE})")
        plans = await connection.fetchrow(
            "select generic_plans, custom_plans from pg_prepared_statements where name = 'hot'"
        )
    finally:
        await connection.close()
    assert dict(plans) == {"generic_plans": 5, "custom_plans": 5}
