"""`tellback intake tail`."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
from tests.support import command

from tellback.core import intake
from tellback.core.intake import NewEntry, Unmatched
from tellback.storage.database import Transaction

pytestmark = pytest.mark.anyio


def _entry(workspace_id: int, number: int = 1, **facts: object) -> NewEntry:
    members: dict[str, object] = {
        "workspace_id": workspace_id,
        "request_id": f"request-{number}",
        "surface": "centercode",
        "method": "POST",
        "endpoint": f"/api/v1/projects/beta/feedback/app{number}",
        "credential": "Mobile apps",
        "target": "beta/app",
        "status": 201,
    }
    return NewEntry(**(members | facts))  # type: ignore[arg-type]


async def _workspace(connection: asyncpg.Connection) -> int:
    found: int = await connection.fetchval("select id from workspaces where slug = 'demo'")
    return found


async def _record(url: str, *entries: NewEntry, count: int = 0) -> None:
    connection = await asyncpg.connect(url)
    try:
        workspace_id = await _workspace(connection)
        recorded = list(entries) or [_entry(workspace_id, number) for number in range(1, count + 1)]
        await intake.queries.record(Transaction(connection), recorded)
    finally:
        await connection.close()


def _tail(url: str, *options: str) -> command.Done:
    return command.tellback("intake", "tail", "--workspace", "demo", "--database-url", url, *options)


async def test_shows_the_newest_twenty_oldest_first(workspace_url: str) -> None:
    await _record(workspace_url, count=25)
    done = _tail(workspace_url)
    assert (done.code, done.err) == (0, "")
    assert [line.split()[4] for line in done.out.splitlines()] == [
        f"/api/v1/projects/beta/feedback/app{number}" for number in range(6, 26)
    ]


async def test_shows_as_many_as_it_is_asked_for(workspace_url: str) -> None:
    await _record(workspace_url, count=300)
    assert len(_tail(workspace_url, "--limit", "3").out.splitlines()) == 3
    assert len(_tail(workspace_url, "--limit", "250").out.splitlines()) == 250
    assert _tail(workspace_url, "--limit", "0").out == ""


async def test_says_everything_worth_a_look_in_one_line(workspace_url: str) -> None:
    connection = await asyncpg.connect(workspace_url)
    workspace_id = await _workspace(connection)
    await connection.close()
    await _record(
        workspace_url,
        _entry(
            workspace_id,
            status=400,
            error="The parameter 'severity' matches no option.",
            hint="Look at the mapping.",
            unmapped=("os_version", "app_build"),
            missing=("rating",),
            unmatched=(Unmatched("severity", "Critical", ("Low", "High")),),
            submitter="none given, so the default submitter bo@example.com",
            created_type="ticket",
            created_id="7",
        ),
    )
    line = _tail(workspace_url).out
    assert line.count("\n") == 1
    assert line.partition("  ")[2].rstrip("\n") == (
        "400  POST /api/v1/projects/beta/feedback/app1  Mobile apps > beta/app  ticket 7"
        "  unmapped: os_version, app_build  missing: rating"
        '  unmatched: severity "Critical" (there is Low, High)'
        "  submitter: none given, so the default submitter bo@example.com"
        "  error: The parameter 'severity' matches no option.  hint: Look at the mapping."
    )


async def test_lets_nothing_from_outside_steer_a_terminal_or_end_a_line(workspace_url: str) -> None:
    connection = await asyncpg.connect(workspace_url)
    workspace_id = await _workspace(connection)
    await connection.close()
    await _record(workspace_url, _entry(workspace_id, unmapped=("\x1b]0;owned\x07", "a\nb", "c\u2028d")))
    line = _tail(workspace_url).out
    assert line.count("\n") == 1
    assert "unmapped: \\x1b]0;owned\\x07, a\\nb, c\\u2028d" in line


async def test_gives_programs_one_document_a_line(workspace_url: str) -> None:
    await _record(workspace_url, count=2)
    rows = _tail(workspace_url, "--output", "json").rows()
    assert [row["endpoint"][-4:] for row in rows] == ["app1", "app2"]
    assert set(rows[0]) == {
        "id", "at", "surface", "method", "endpoint", "credential", "target", "status", "error", "hint",
        "unmapped", "missing", "unmatched", "submitter", "created", "body",
    }  # fmt: skip


async def test_shows_nothing_of_other_workspaces(workspace_url: str) -> None:
    document = "workspace: {slug: other, name: Other}\n"
    assert command.tellback("apply", "-", "--database-url", workspace_url, given=document).code == 0
    await _record(workspace_url, count=2)
    other = command.tellback("intake", "tail", "-w", "other", "--database-url", workspace_url)
    assert (other.code, other.out) == (0, "")


async def test_refuses_a_workspace_that_is_not_there(workspace_url: str) -> None:
    done = command.tellback("intake", "tail", "-w", "nobody", "--database-url", workspace_url)
    assert (done.code, done.err) == (2, "tellback: There is no workspace 'nobody'.\n")


async def test_follows_and_skips_no_row_that_commits_late(workspace_url: str) -> None:
    """Three rows are written in one order and committed in another."""
    tail = ["intake", "tail", "-w", "demo", "--follow", "--limit", "1", "--database-url", workspace_url]
    slow, quick = await asyncpg.connect(workspace_url), await asyncpg.connect(workspace_url)
    try:
        workspace_id = await _workspace(quick)
        begun = slow.transaction()
        await begun.start()
        await intake.queries.record(Transaction(slow), [_entry(workspace_id, 1)])
        await intake.queries.record(Transaction(quick), [_entry(workspace_id, 2)])
        with command.started(*tail) as running:
            running.wait_for(lambda line: "app2" in line)
            await intake.queries.record(Transaction(quick), [_entry(workspace_id, 3)])
            running.wait_for(lambda line: "app3" in line)
            await begun.commit()
            running.wait_for(lambda line: "app1" in line)
            await intake.queries.record(Transaction(quick), [_entry(workspace_id, 4)])
            running.wait_for(lambda line: "app4" in line)
            running.end()
            assert [line.split()[4][-4:] for line in running.lines] == ["app2", "app3", "app1", "app4"]
    finally:
        await slow.close()
        await quick.close()


async def test_shows_requests_to_a_running_hub(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert command.tellback("apply", command.CONFIGURATION, "--data", data).code == 0
    with command.serving(data) as (_, address):
        create = f"{address}/api/v1/projects/beta/feedback/app?apiKey=mob_6f1d0c8e5a7b4923"
        assert command.ask(create, method="POST", body={"title": "Hello", "os": "17.1"})[0] == 201
        with command.started("intake", "tail", "-w", "demo", "--data", data, "--follow") as running:
            first = running.wait_for(lambda line: " 201 " in line)
            assert "unmapped: os" in first
            assert "missing: description, severity, devices, rating" in first
            assert command.ask(create, method="POST", body={"title": "Hello", "severity": "Grave"})[0] == 400
            second = running.wait_for(lambda line: " 400 " in line)
            assert 'unmatched: severity "Grave" (there is Low, High)' in second
            assert "mob_6f1d0c8e5a7b4923" not in " ".join(running.lines)
            assert running.end() == 143


async def test_makes_way_for_a_hub_and_follows_that_one(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert command.tellback("apply", command.CONFIGURATION, "--data", data).code == 0
    with command.started("intake", "tail", "-w", "demo", "--data", data, "--follow") as running:
        command.eventually(lambda: "walwriter" in " ".join(command.naming(data).values()))
        with command.serving(data) as (hub, address):
            create = f"{address}/api/v1/projects/beta/feedback/app?apiKey=mob_6f1d0c8e5a7b4923"
            assert command.ask(create, method="POST", body={"title": "Hello"})[0] == 201
            running.wait_for(lambda line: "ticket 1 " in line)
            assert running.end() == 143
            assert command.ask(create, method="POST", body={"title": "Hello"})[0] == 201  # not its database
            assert hub.end() == 0
    assert command.naming(data) == {}
