"""`tellback` itself: finding commands, reading options, and faults in one line."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support import command


def test_says_its_version() -> None:
    done = command.tellback("--version")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("tellback ")


def test_lists_its_commands() -> None:
    done = command.tellback("--help")
    assert done.code == 0
    for name in (
        "demo",
        "serve",
        "work",
        "apply",
        "config",
        "token",
        "import",
        "intake",
        "deliveries",
        "db",
        "doctor",
    ):
        assert f"\n  {name} " in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["works"], "No such command 'works'"),
        (["serve", "--retry-schedule", "0s,soon"], "is not a schedule"),
        (["work", "--allow-destination", "here"], "is not a network"),
        (["deliveries", "list", "--workspace", "demo", "--since", "once"], "is no time"),
        (["serve", "--colour"], "No such option '--colour'"),
        (["serve", "--port", "http"], "'http' is not a valid integer"),
        (["serve", "--port", "70000"], "70000 is not in the range"),
        (["serve", "--workers", "0"], "0 is not in the range"),
        (["serve", "--trusted-proxy", "10.0.0.0/99"], "is not a network"),
        (["serve", "--max-file-size", "3GiB"], "at most 2GiB"),
        (["serve", "--rate-limit", "many"], "is not a rate"),
        (["serve", "--session-idle", "soon"], "is not a duration"),
        (["serve", "--intake-retention", "36h"], "is not a number of days"),
        (["serve", "--public-url", "feedback.example"], "is not an address"),
        (["serve", "--tls-cert", "cert.pem"], "--tls-cert and --tls-key go together"),
        (["serve", "--output", "xml"], "'xml' is not one of"),
        (["token", "create", "--workspace", "demo"], "Missing option '--key'"),
        (["token", "create", "--expires", "later"], "is no time"),
        (["intake", "tail"], "Missing option '--workspace'"),
        (["apply"], "Missing argument 'FILE'"),
    ],
)
def test_refuses_in_one_line(arguments: list[str], said: str) -> None:
    done = command.tellback(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("tellback: ")
    assert said in done.err
    assert done.err.count("\n") == 1


def test_takes_no_empty_folder_for_the_current_one() -> None:
    for refused in (command.tellback("doctor", "--data", ""), command.tellback("doctor", "--data", " ")):
        assert (refused.code, refused.out) == (2, "")
        assert "the path is empty" in refused.err


def test_reads_options_from_variables() -> None:
    done = command.tellback("serve", environment={"TELLBACK_PORT": "nowhere"})
    assert done.code == 2
    assert "TELLBACK_PORT" in done.err


def test_reads_several_values_from_one_variable() -> None:
    done = command.tellback("serve", environment={"TELLBACK_TRUSTED_PROXY": "10.0.0.0/8, 192.0.2.7 proxy"})
    assert done.code == 2
    assert "'proxy' is not a network" in done.err


def test_reads_a_secret_from_the_file_a_variable_names(workspace_url: str, tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text(f"{workspace_url}\n")
    done = command.tellback(
        "token", "list", "-w", "demo", environment={"TELLBACK_DATABASE_URL_FILE": str(secret)}
    )
    assert done.code == 0, done.err
    assert "reader" in done.out


def test_refuses_a_secret_given_in_two_ways(tmp_path: Path) -> None:
    both = {"TELLBACK_DATABASE_URL_FILE": str(tmp_path / "url"), "TELLBACK_DATABASE_URL": "postgresql:///x"}
    done = command.tellback("db", "status", environment=both)
    assert done.code == 2
    assert "Both TELLBACK_DATABASE_URL and TELLBACK_DATABASE_URL_FILE are set" in done.err


def test_names_a_secret_file_that_is_not_there(tmp_path: Path) -> None:
    named = {"TELLBACK_DATABASE_URL_FILE": str(tmp_path / "none")}
    done = command.tellback("db", "status", environment=named)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert str(tmp_path / "none") in done.err


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ends_quietly_when_it_is_interrupted(tmp_path: Path, sent: signal.Signals, code: int) -> None:
    data = tmp_path / "data"
    assert command.tellback("apply", command.CONFIGURATION, "--data", data).code == 0
    with command.started("intake", "tail", "-w", "demo", "--follow", "--data", data) as running:
        command.eventually(lambda: "walwriter" in " ".join(command.naming(data).values()))
        assert running.end(sent) == code
        assert [line for line in running.errors if line] == []
    assert command.naming(data) == {}


INTERRUPTED = """
import asyncio.selector_events, os, signal, sys, time

def interrupted(loop):
    os.kill(os.getpid(), signal.{name})
    time.sleep(5)

asyncio.selector_events.BaseSelectorEventLoop._make_self_pipe = interrupted
from tellback.cli import root
sys.exit(root.run(sys.argv[1:]))
"""


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ends_quietly_when_its_loop_is_half_made(tmp_path: Path, sent: signal.Signals, code: int) -> None:
    program = INTERRUPTED.format(name=sent.name)
    done = subprocess.run(
        [sys.executable, "-c", program, "db", "migrate", "--data", str(tmp_path / "data")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.strip()) == (code, "")


def test_ends_quietly_when_nobody_reads_what_it_prints(workspace_url: str) -> None:
    done = command.shell(
        f"{command.COMMAND} config show -w demo --database-url '{workspace_url}' | head -1", within=60
    )
    assert done.out == "workspace: {slug: demo, name: Demo Ltd, timezone: Europe/Stockholm}\n"
    assert done.err == ""
