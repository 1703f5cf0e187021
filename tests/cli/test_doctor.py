"""`tellback doctor`."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from tests.support import command
from tests.support import postgres as databases


def _free_port() -> str:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return str(trial.getsockname()[1])


def _examined(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
    done = command.tellback("doctor", *arguments, "--output", "json")
    return done.code, {one["subject"]: one for one in done.json()["findings"]}


def test_finds_nothing_wrong_with_a_healthy_hub(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert command.tellback("apply", command.CONFIGURATION, "--data", data).code == 0
    done = command.tellback("doctor", "--data", data, "--port", _free_port())
    assert done.code == 0, done.out
    assert done.out.splitlines()[-1] == "all is well"
    assert "workspace demo: 0 members, 2 api keys, 2 access tokens, 1 projects" in done.out
    assert command.naming(data) == {}


def test_leaves_a_place_without_a_hub_as_it_is(tmp_path: Path) -> None:
    code, found = _examined("--data", tmp_path / "data", "--port", _free_port())
    assert code == 0
    assert "is not there yet" in found["data folder"]["message"]
    assert not (tmp_path / "data").exists()


def test_says_that_a_data_folder_is_none(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    code, found = _examined("--data", tmp_path / "data", "--port", _free_port())
    assert code == 1
    assert not found["data folder"]["ok"]


def test_says_that_the_programs_are_of_another_major(tmp_path: Path) -> None:
    (tmp_path / "postgresql").mkdir()
    (tmp_path / "postgresql" / "PG_VERSION").write_text("13\n")
    code, found = _examined("--data", tmp_path, "--port", _free_port())
    assert code == 1
    assert "was made by PostgreSQL 13" in found["PostgreSQL"]["message"]


def test_says_that_the_port_is_taken(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        code, found = _examined("--data", tmp_path, "--port", str(listener.getsockname()[1]))
    assert code == 1
    assert not found["port"]["ok"]
    assert "--port" in found["port"]["advice"]


def test_knows_a_running_hub(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with command.serving(data) as (_, address):
        code, found = _examined("--data", data, "--port", address.rpartition(":")[2])
    assert code == 0, found
    assert "a hub answers" in found["port"]["message"]
    assert "answers" in found["database"]["message"]


def test_says_that_the_database_is_away(tmp_path: Path) -> None:
    url = "postgresql://hub:canary@127.0.0.1:1/hub"
    done = command.tellback("doctor", "--database-url", url, "--data", tmp_path, "--port", _free_port())
    assert done.code == 1
    assert "WRONG database: the database server does not answer" in done.out
    assert "canary" not in done.out


def test_says_which_steps_are_pending(postgres: databases.Cluster, tmp_path: Path) -> None:
    url = databases.empty_database(postgres)
    code, found = _examined("--database-url", url, "--data", tmp_path, "--port", _free_port())
    databases.drop(postgres, url)
    assert code == 1
    assert "0001_foundation" in found["schema"]["message"]
    assert "tellback db migrate" in found["schema"]["advice"]
