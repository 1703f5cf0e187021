"""The demo, used as its page says: start it, paste its lines, see what comes in, end it with Ctrl-C."""

from __future__ import annotations

import json
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support import command

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")

_LAST_LINE = "Ctrl-C ends the demo."


@contextmanager
def _demo(data: Path, *options: str) -> Iterator[command.Running]:
    with command.started("demo", "--data", data, *options) as running:
        running.wait_for(lambda line: _LAST_LINE in line)
        yield running


def _commands(running: command.Running) -> list[str]:
    """The lines to paste, in the order of the page."""
    return [
        line.strip()
        for line in running.lines
        if line.startswith(("  curl ", "  session=", "  token=")) or " intake tail " in line
    ]


@needs_curl
def test_prints_lines_that_work_and_shows_what_they_do(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with _demo(data, "--port", "0") as running:
        post, upload, read, listed, refused, survey, responses, token, record, nps, tail = _commands(running)
        made = command.shell(post).json()
        assert made["status"] == 201
        running.wait_for(lambda line: f"ticket {made['id']}" in line and "201  POST" in line)

        (attached,) = command.shell(upload).json()
        assert attached["size"] == (data / "demo-crash.log").stat().st_size
        running.wait_for(lambda line: "/fileElements/crashlog" in line)

        found = command.shell(read).json()
        assert (found["feedbackId"], found["files"][0]["name"]) == (made["feedbackId"], "demo-crash.log")

        assert [ticket["id"] for ticket in command.shell(listed).json()["data"]] == [1, 2, 3, 4, 5]

        assert command.shell(refused).json()["status"] == 400
        running.wait_for(lambda line: "400  POST" in line and 'unmatched: severity "Critical"' in line)

        assert command.shell(survey).json()["data"]["title"] == "What goes well"
        running.wait_for(lambda line: "POST /surveys/1" in line)
        assert command.shell(responses).json()["data"] == []  # nobody has finished it yet
        page = next(line for line in running.lines if line.startswith("Take a survey in a browser: "))
        assert "How likely are you" in command.shell(f"curl -sS {page.rpartition(' ')[2]}").out

        assert any(line.startswith("2,000 responses, NPS +") for line in running.lines)
        assert command.shell(token).json()["token_type"] == "Bearer"
        put = command.shell(record)
        assert (put.out, put.err) == ("answered 200\n", "")
        running.wait_for(lambda line: "200  PUT /records" in line and "response 2001" in line)
        figures = command.shell(nps).json()
        assert {one["group"] for one in figures["data"]} >= {"Onboarding", "Support", "Delivery", "Renewal"}
        assert figures["total"]["responses"] == 2001

        tailed = command.shell(tail)
        assert (tailed.code, tailed.err) == (0, "")
        assert len(tailed.out.splitlines()) == 20
        assert f"ticket {made['id']}" in tailed.out

        assert running.press_ctrl_c() == 0
        assert running.errors == []
    assert command.naming(data) == {}


def test_is_filled_once_and_keeps_what_was_posted(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with command.started("demo", "--data", data, "--port", "0", "--output", "json") as running:
        first = json.loads(running.wait_for(lambda line: line.startswith("{")))
        assert first["tickets"] > 35
        posted = command.ask(
            f"{first['ready']}/api/v1/projects/beta/feedback/app?apiKey={first['api_keys']['Mobile apps']}",
            method="POST",
            body={"title": "Mine"},
        )
        assert posted[0] == 201
        row = json.loads(running.wait_for(lambda line: '"status":201' in line))
        assert row["created"] == {"type": "ticket", "id": str(posted[1]["id"])}
        assert running.end(signal.SIGINT) == 0
        assert len(running.lines) == 2
    with command.started("demo", "--data", data, "--port", "0", "--output", "json") as running:
        again = json.loads(running.wait_for(lambda line: line.startswith("{")))
        assert again["tickets"] == first["tickets"] + 1
        assert again["access_token"] != first["access_token"]
        assert again["api_keys"] == first["api_keys"]
        headers = {"Authorization": f"Bearer {again['access_token']}"}
        tickets = command.ask(f"{again['ready']}/hub/v1/tickets?limit=1000", headers=headers)[1]["data"]
        assert tickets[-1]["subject"] == "Mine"
        assert sum(bool(ticket["files"]) for ticket in tickets) >= 5
        assert {ticket["project"] for ticket in tickets} == {"beta", "shop"}
        entries = command.ask(f"{again['ready']}/hub/v1/intake?limit=1000", headers=headers)[1]["data"]
        assert any(entry["unmatched"] for entry in entries)
        assert any(entry["unmapped"] for entry in entries)
        assert running.end(signal.SIGTERM) == 0
    assert command.naming(data) == {}


def test_finishes_a_filling_that_was_cut_short(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with command.started("demo", "--data", data, "--port", "0") as running:
        running.address()
        running.end(signal.SIGKILL)
    command.eventually(lambda: command.naming(data) == {})
    with command.started("demo", "--data", data, "--port", "0", "--output", "json") as running:
        page = json.loads(running.wait_for(lambda line: line.startswith("{")))
        assert page["tickets"] == 41
        assert running.end() == 0


def test_takes_another_port_where_its_own_is_in_use(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", 8080))
            listener.listen()
        except OSError:
            pass  # somebody else's, and just as much in use
        with _demo(tmp_path / "data") as running:
            assert running.lines[0] == "port 8080 is in use, so this is another one"
            assert not running.lines[1].endswith(":8080")
            assert running.end(signal.SIGINT) == 0


def test_refuses_a_port_that_was_asked_for_and_is_in_use(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        done = command.tellback("demo", "--data", tmp_path / "data", "--port", str(port))
    assert (done.code, done.out) == (2, "")
    assert done.err == f"tellback: port {port} of 127.0.0.1 is in use; choose another with --port.\n"
    assert not (tmp_path / "data").exists()


def test_keeps_away_from_a_hub_that_is_no_demo(tmp_path: Path) -> None:
    data = tmp_path / "data"
    document = "workspace: {slug: acme, name: Acme}\n"
    assert command.tellback("apply", "-", "--data", data, given=document).code == 0
    done = command.tellback("demo", "--data", data, "--port", "0")
    assert (done.code, done.out) == (2, "")
    assert (
        done.err == f"tellback: {data} is a hub of its own (workspace acme); give the demo another --data.\n"
    )
    assert command.naming(data) == {}
