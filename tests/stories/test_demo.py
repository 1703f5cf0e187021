"""The demo, used as its page says: start it, paste its lines, see what comes in, end it with Ctrl-C."""

from __future__ import annotations

import json
import shutil
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
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


@dataclass
class Pasting:
    """A demo that runs, and the lines of its page by how their headings begin."""

    data: Path
    running: command.Running
    commands: dict[str, str]
    pasted: set[str] = field(default_factory=set)

    def paste(self, heading: str) -> command.Done:
        (found,) = [one for one in self.commands if one.startswith(heading)]
        self.pasted.add(found)
        done = command.shell(self.commands[found])
        assert (done.code, done.err) == (0, "")
        return done

    def shown(self, *parts: str) -> None:
        """Wait until the demo's terminal shows all of these in one line."""
        self.running.wait_for(lambda line: all(part in line for part in parts))


def _commands(lines: Sequence[str]) -> dict[str, str]:
    """What can be pasted, by the line above it."""
    return {
        above: line.strip()
        for above, line in pairwise(lines)
        if line.startswith("  ") and above.endswith(":") and not above.endswith("By month:")
    }


@needs_curl
def test_prints_lines_that_work_and_shows_what_they_do(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with _demo(data, "--port", "0") as running:
        demo = Pasting(data, running, _commands(running.lines))
        _goes_out_and_comes_back(demo)
        _takes_surveys_and_records(demo)
        _reports(demo)
        _reads_and_works_over_our_own(demo)
        assert set(demo.commands) == demo.pasted
        assert running.press_ctrl_c() == 0
        assert running.errors == []
    assert command.naming(data) == {}


def _goes_out_and_comes_back(demo: Pasting) -> None:
    made = demo.paste("Post a bug as an app does").json()
    assert made["status"] == 201
    demo.shown(f"ticket {made['id']}", "201  POST")
    issue = f"DEMO-{made['feedbackId'].removeprefix('BUG-').lstrip('0')}"
    demo.shown(
        "->", "the issue tracker got", '"Ride is not shown after sync"', f'answered 201 {{"key": "{issue}"}}'
    )
    demo.shown("<-", f"external.tracker.issue = {issue}", f"ticket {made['id']}")
    demo.shown("->", "the team's chat got", f"{made['feedbackId']} is In progress")

    (attached,) = demo.paste("Send its crash log").json()
    assert attached["size"] == (demo.data / "demo-crash.log").stat().st_size
    demo.shown("/fileElements/crashlog")

    ticket = demo.paste("See what became of it").json()
    assert (ticket["external"], ticket["status"]) == ({"tracker": {"issue": issue}}, "In progress")
    assert ticket["files"][0]["name"] == "demo-crash.log"
    delivered = demo.paste("See what went out last").json()["data"][0]
    assert (delivered["state"], len(delivered["attempts"])) == ("delivered", 1)

    found = demo.paste("Read a bug back").json()
    assert demo.paste("Say that it is fixed").json()["status"] == 202
    demo.shown("->", "the team's chat got", f"{found['feedbackId']} is Fixed")

    assert demo.paste("Post a bug that is refused").json()["status"] == 400
    demo.shown("400  POST", 'unmatched: severity "Critical"')


def _takes_surveys_and_records(demo: Pasting) -> None:
    assert demo.paste("Take a survey as a kiosk").json()["data"]["title"] == "What goes well"
    demo.shown("POST /surveys/1")
    assert demo.paste("Read what came of surveys").json()["data"] == []  # nobody has finished it yet
    page = next(line for line in demo.running.lines if line.startswith("Take a survey in a browser: "))
    assert "How likely are you" in command.shell(f"curl -sS {page.rpartition(' ')[2]}").out

    assert any(line.startswith("2,000 responses, NPS +") for line in demo.running.lines)
    assert demo.paste("Get an access token").json()["token_type"] == "Bearer"
    assert demo.paste("Put one of its records").out == "answered 200\n"
    demo.shown("200  PUT /records", "response 2001")
    figures = demo.paste("Read the NPS by touchpoint").json()
    assert {one["group"] for one in figures["data"]} >= {"Onboarding", "Support", "Delivery", "Renewal"}
    assert figures["total"]["responses"] == 2001


def _reports(demo: Pasting) -> None:
    listed = "List the errands that changed"
    assert 1 in demo.paste(listed).json()["data"]["attributes"]["errands"]
    report = demo.paste("Read the report of one").json()
    assert report["data"]["id"] == "1"
    assert 1 not in demo.paste(listed).json()["data"]["attributes"]["errands"]

    assert demo.paste("Deliver a rating").out == "EVENT_RECEIVED"
    demo.shown("200  POST /meta/wayfarer")
    assert len(demo.paste("List the ratings that changed").json()["data"]) == 1


def _reads_and_works_over_our_own(demo: Pasting) -> None:
    found = demo.paste("Search tickets").json()["data"]
    assert found
    assert all("sync" in json.dumps(one).lower() or "ferry" in json.dumps(one).lower() for one in found)
    kinds = {change["kind"] for change in demo.paste("Follow what happens").json()["data"]}
    assert kinds >= {"ticket.created", "ticket.status", "value.captured", "file.added", "rating.received"}
    assert "looked-at" in demo.paste("Work on a ticket").json()["tags"]
    tailed = demo.paste("See what came in").out
    assert len(tailed.splitlines()) == 20
    assert "POST /meta/wayfarer" in tailed


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
        command.ask(
            f"{again['ready']}/api/v1/projects/beta/feedback/app?apiKey={again['api_keys']['Mobile apps']}",
            method="POST",
            body={"title": "Sent on", "severity": "High"},
        )
        # Where the first run was ended early, this one makes its calls, too.
        sent = running.wait_for(lambda line: line.startswith('{"called"') and '"Sent on"' in line)
        called = json.loads(sent)["called"]
        assert (called["request"], called["body"]["summary"]) == ("POST /issues", "Sent on")
        values = {"tracker": {"issue": called["answer"]["key"]}}
        running.wait_for(
            lambda line: line.startswith('{"captured"') and json.loads(line)["captured"]["values"] == values
        )
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
