"""`tellback apply`."""

from __future__ import annotations

from pathlib import Path

from tests.support import command

_NOTED = "workspace: {slug: acme, name: Acme}\napi_keys:\n  - {name: App}\n"


def test_says_what_it_changed_and_prints_made_secrets_once(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "hub.yaml"
    file.write_text(_NOTED)
    first = command.tellback("apply", file, "--database-url", database_url)
    assert first.code == 0, first.err
    assert "created workspace" in first.out
    assert "api_keys.App: key_" in first.out
    again = command.tellback("apply", file, "--database-url", database_url)
    assert (again.code, again.out) == (0, "acme: nothing to change\n")


def test_gives_the_difference_and_the_secrets_as_json(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "hub.yaml"
    file.write_text(_NOTED)
    done = command.tellback("apply", file, "--database-url", database_url, "--output", "json")
    assert done.code == 0, done.err
    document = done.json()
    assert [change["path"] for change in document["changed"]] == ["workspace", "api_keys.App"]
    assert document["secrets"]["api_keys"]["App"].startswith("key_")


def test_changes_nothing_in_a_dry_run(database_url: str) -> None:
    options = ["--database-url", database_url, "--output", "json"]
    dry = command.tellback("apply", command.CONFIGURATION, "--dry-run", *options)
    assert dry.code == 0, dry.err
    assert dry.json()["secrets"] == {}
    real = command.tellback("apply", command.CONFIGURATION, *options)
    assert real.json()["changed"] == dry.json()["changed"] != []


def test_archives_what_the_file_no_longer_has_where_it_is_told_to(workspace_url: str) -> None:
    document = "workspace: {slug: demo, name: Demo Ltd, timezone: Europe/Stockholm}\napi_keys: []\n"
    options = ["--database-url", workspace_url]
    kept = command.tellback("apply", "-", *options, given=document)
    assert kept.out == "demo: nothing to change\n"
    pruned = command.tellback("apply", "-", *options, "--prune", given=document)
    assert pruned.code == 0, pruned.err
    assert "archived api_keys.Web form" in pruned.out


def test_reports_every_fault_with_line_and_path_and_stores_nothing(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "hub.yaml"
    file.write_text("workspace: {slug: acme, nam: Acme}\napi_keys:\n  - {name: App, enabled: perhaps}\n")
    done = command.tellback("apply", file, "--database-url", database_url)
    assert (done.code, done.out) == (2, "")
    lines = done.err.splitlines()
    assert len(lines) >= 2
    assert lines[0].startswith(f"{file}:1: workspace")
    assert lines[-1].startswith(f"{file}:3: api_keys[0].enabled: ")
    shown = command.tellback("config", "show", "-w", "acme", "--database-url", database_url)
    assert shown.err == "tellback: There is no workspace 'acme'.\n"


def test_finds_named_secrets_in_the_environment_and_beside_the_file(
    database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "web.key").write_text("web_from_a_file_0123456789\n")
    file = tmp_path / "hub.yaml"
    file.write_text(
        "workspace: {slug: acme, name: Acme}\napi_keys:\n"
        "  - {name: App, key: {env: APP_KEY}}\n  - {name: Web, key: {file: web.key}}\n"
    )
    missing = command.tellback("apply", file, "--database-url", database_url)
    assert missing.code == 2
    assert missing.err == f"{file}:3: api_keys[0].key: the environment variable APP_KEY is not set\n"
    done = command.tellback(
        "apply", file, "--database-url", database_url, "--output", "json",
        environment={"APP_KEY": "app_from_outside_0123456789"},
    )  # fmt: skip
    assert done.code == 0, done.err
    assert done.json()["secrets"]["api_keys"] == {
        "App": "app_from_outside_0123456789",
        "Web": "web_from_a_file_0123456789",
    }


def test_names_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = command.tellback("apply", tmp_path / "none.yaml", "--data", tmp_path / "data")
    assert (done.code, done.err) == (2, f"tellback: {tmp_path / 'none.yaml'}: No such file or directory\n")


def test_makes_the_hub_where_there_is_none(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = command.tellback("apply", command.CONFIGURATION, "--data", data)
    assert first.code == 0, first.err
    assert command.naming(data) == {}
    shown = command.tellback("config", "show", "-w", "demo", environment={"TELLBACK_DATA": str(data)})
    assert shown.code == 0, shown.err
