"""`tellback db`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import command
from tests.support import postgres as databases

from tellback.storage import migrate


def _names() -> list[str]:
    return [f"{step.number:04}_{step.name}" for step in migrate.known_steps()]


@pytest.fixture
def empty_url(postgres: databases.Cluster) -> Iterator[str]:
    url = databases.empty_database(postgres)
    yield url
    databases.drop(postgres, url)


def test_applies_every_step_once(empty_url: str) -> None:
    pending = command.tellback("db", "status", "--database-url", empty_url)
    assert pending.out.splitlines() == [f"{name}\tpending" for name in _names()]
    first = command.tellback("db", "migrate", "--database-url", empty_url)
    assert first.out.splitlines() == [f"{name}: applied" for name in _names()]
    again = command.tellback("db", "migrate", "--database-url", empty_url)
    assert (again.code, again.out) == (0, "the schema is up to date\n")


def test_tells_programs_the_same(empty_url: str) -> None:
    options = ["--database-url", empty_url, "--output", "json"]
    assert [one["applied_at"] for one in command.tellback("db", "status", *options).json()] == [
        None for _ in _names()
    ]
    assert command.tellback("db", "migrate", *options).json() == {"applied": _names()}
    assert all(one["applied_at"] for one in command.tellback("db", "status", *options).json())


def test_opens_a_prompt_on_the_embedded_database(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert command.tellback("apply", command.CONFIGURATION, "--data", data).code == 0
    done = command.tellback(
        "db", "shell", "--data", data, given="\\pset format unaligned\nselect slug from workspaces;"
    )
    assert (done.code, done.err) == (0, "")
    assert "demo" in done.out.splitlines()
    assert command.naming(data) == {}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://hub@127.0.0.1/hub", "the database URL cannot be used"),
        ("postgresql://hub:canary@127.0.0.1:1/hub", "the database server does not answer"),
    ],
)
def test_refuses_a_database_it_cannot_use_in_one_line(url: str, said: str) -> None:
    done = command.tellback("db", "migrate", "--database-url", url)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert done.err.count("\n") == 1
    assert "canary" not in done.err


def test_says_when_the_database_itself_is_missing(empty_url: str) -> None:
    done = command.tellback("db", "migrate", "--database-url", databases.on_database(empty_url, "nobodys"))
    assert done.code == 2
    assert 'database "nobodys" does not exist' in done.err
