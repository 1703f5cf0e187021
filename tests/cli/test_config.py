"""`tellback config`."""

from __future__ import annotations

from pathlib import Path

from tests.support import command


def test_shows_a_file_that_changes_nothing_when_it_is_applied(workspace_url: str, tmp_path: Path) -> None:
    shown = command.tellback("config", "show", "-w", "demo", "--database-url", workspace_url)
    assert shown.code == 0, shown.err
    assert "mob_6f1d0c8e5a7b4923" not in shown.out
    again = command.tellback("apply", "-", "--database-url", workspace_url, given=shown.out)
    assert (again.code, again.out) == (0, "demo: nothing to change\n")


def test_shows_the_same_as_json(workspace_url: str) -> None:
    shown = command.tellback(
        "config", "show", "-w", "demo", "--database-url", workspace_url, "--output", "json"
    )
    assert shown.json()["workspace"]["slug"] == "demo"


def test_does_not_show_a_workspace_that_is_not_there(workspace_url: str) -> None:
    shown = command.tellback("config", "show", "-w", "nobody", "--database-url", workspace_url)
    assert (shown.code, shown.err) == (2, "tellback: There is no workspace 'nobody'.\n")


def test_checks_a_file_without_a_hub_and_without_its_secrets(tmp_path: Path) -> None:
    file = tmp_path / "hub.yaml"
    file.write_text(
        "workspace: {slug: acme, name: Acme}\napi_keys: [{name: App, key: {env: NOT_SET_HERE}}]\n"
    )
    done = command.tellback("config", "check", file, "--data", tmp_path / "data")
    assert (done.code, done.out) == (0, f"{file}: well-formed\n")
    assert not (tmp_path / "data").exists()


def test_reports_the_faults_of_a_file_as_json_too() -> None:
    done = command.tellback(
        "config", "check", "-", "--output", "json", given="workspace: {slug: acme, name: 1, x: 2}\n"
    )
    assert done.code == 2
    assert done.json()["ok"] is False
    assert [fault["line"] for fault in done.json()["faults"]] == [1]
