"""The pages say what the program does: every command, option, variable, default and metric, and no other.

(The members of the configuration file are held by tests/core/test_provisioning_docs.py.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import tellback.app  # noqa: F401 - with it, every metric is registered
from tellback.cli import options, root
from tellback.kit import metrics
from tellback.storage.embedded import binaries

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
PAGES = [
    path
    for path in sorted(
        [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("src/**/*.md")]
    )
    if path.name != "results.md"
]
#: Written by `make bench`, and there only after it ran.
MADE = {REPOSITORY / "bench" / "results.md"}


def commands(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, under the words that call it."""
    if not isinstance(command, click.Group):
        yield " ".join(words), command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from commands(inner, (*words, name))


COMMANDS = dict(commands(root.root, ("tellback",)))
OPTIONS = {
    (long, str(one.envvar)): one
    for command in COMMANDS.values()
    for one in command.params
    if isinstance(one, click.Option)
    for long in one.opts
    if long.startswith("--")
}


def rows(page: str) -> Iterator[tuple[str, str, str]]:
    """Option, variable and default of every row of the tables of settings."""
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[0].startswith("`--"):
            names, variables = re.findall(r"`(--[a-z-]+)`", cells[0]), re.findall(r"`([A-Z_]+)`", cells[1])
            for name, variable in zip(names, variables, strict=True):
                yield name, variable, cells[2]


ROWS = {(name, variable): default for name, variable, default in rows(PAGE)}


def test_lists_every_option_with_its_variable_and_no_other() -> None:
    assert sorted(ROWS) == sorted(OPTIONS)


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_tells_each_option_s_default(name: tuple[str, str]) -> None:
    option = OPTIONS[name]
    told = ROWS[name]
    if option.required:
        assert told == "required"
    elif option.is_flag:
        assert told == "no"
    elif option.show_default:
        assert told == f"`{option.default}`"
    else:
        assert told not in ("", "no", "required")


def test_names_no_variable_that_is_none() -> None:
    secret = {f"{one.envvar}_FILE" for one in OPTIONS.values() if isinstance(one, options.Secret)}
    known = {variable for _, variable in OPTIONS} | secret | {binaries.VARIABLE}
    named = {
        found for path in PAGES for found in re.findall(r"TELLBACK_[A-Z_]+", path.read_text(encoding="utf-8"))
    }
    assert named <= known
    assert secret | {binaries.VARIABLE} <= named


def test_lists_every_command() -> None:
    listed = PAGE.split("## Commands")[1].split("\n## ")[0]
    assert {" ".join(found.split()[:3]) for found in re.findall(r"`(tellback [a-z ]+)", listed)} == set(
        COMMANDS
    )


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_shows_only_commands_that_there_are(path: Path) -> None:
    shown = re.findall(
        r"(?:^ {4}|`|/bin/|\| )(tellback(?: [a-z]+)+)", path.read_text(encoding="utf-8"), re.MULTILINE
    )
    groups = {word for name in COMMANDS for word in [name.rsplit(" ", 1)[0]]}
    wrong = [
        call
        for call in shown
        if not any(call == name or call.startswith(f"{name} ") for name in COMMANDS) and call not in groups
    ]
    assert wrong == []


def test_lists_every_metric_and_no_other() -> None:
    there = re.findall(r"^# TYPE (\w+)", metrics.REGISTRY.render().decode(), re.MULTILINE)
    listed = re.findall(r"^\| `(tellback_\w+)`", PAGE, re.MULTILINE)
    assert sorted(listed) == sorted(there)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_to_places_that_are_there(path: Path) -> None:
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        place, _, heading = target.partition("#")
        to = (path.parent / place).resolve() if place else path
        if (not to.exists() and to not in MADE) or (heading and heading not in anchors(to)):
            wrong.append(target)
    assert wrong == []


def anchors(page: Path) -> set[str]:
    """What its headings are called in an address."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
