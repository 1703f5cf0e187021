"""Statements of the hot path find sessions by their key, however few there were when they were planned."""

from __future__ import annotations

from typing import Any

import asyncpg
import msgspec
import pytest

from tellback.core.surveys import queries

pytestmark = pytest.mark.anyio

# As the connections that write have it; those that read may come to keep such a plan, too.
SETTINGS = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "jit": "off"}
LOG = ", ".join(["null"] * 17)
MOVE = "'{1}', '{a}', '{0}', '{\"[{}]\"}', '{false}'"


def scans(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """The nodes that read the table of sessions."""
    mine = [plan] if plan.get("Relation Name") == "sessions" and "Scan" in plan["Node Type"] else []
    return mine + [node for below in plan.get("Plans", ()) for node in scans(below)]


@pytest.mark.parametrize("sessions", [0, 3])
@pytest.mark.parametrize(
    ("statement", "arguments"),
    [
        (queries._READ, "'{1}', '{a}'"),
        (queries._MOVE, f"{MOVE}, {LOG}"),
        (queries._COMPLETE, MOVE),
    ],
    ids=["read", "move", "complete"],
)
async def test_looks_a_session_up_by_its_token(
    database_url: str, statement: str, arguments: str, sessions: int
) -> None:
    connection = await asyncpg.connect(database_url, server_settings=SETTINGS)
    try:
        await connection.execute(
            "insert into sessions (workspace_id, token, survey_id, version, channel)"
            f" select 1, 'token' || n, 7, 1, 'api' from generate_series(1, {sessions}) n"
        )
        if sessions:
            await connection.execute("analyze sessions")
        await connection.execute(f"prepare hot as {statement}")
        explained = await connection.fetchval(f"explain (format json) execute hot ({arguments})")
    finally:
        await connection.close()
    found = scans(msgspec.json.decode(explained)[0]["Plan"])
    assert found
    for scan in found:
        assert scan["Node Type"] == "Index Scan", scan
        assert scan["Index Name"] == "sessions_token"
        assert "token" in scan["Index Cond"]
