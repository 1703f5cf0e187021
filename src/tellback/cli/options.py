"""Options that commands share, and the words their values are written in."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from tellback import settings
from tellback.cli import databases

Function = TypeVar("Function", bound=Callable[..., Any])

PREFIX = "TELLBACK_"


class Words(click.ParamType[Any]):
    """A value read by a parser that raises `ValueError` with a line saying what would be right.

    In a variable, the values of an option that may be repeated stand apart by spaces or commas.
    """

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return self.name

    def split_envvar_value(self, rv: str) -> list[str]:
        return [word for word in re.split(r"[\s,]+", rv) if word]


class Secret(click.Option):
    """An option whose variable may end in `_FILE` and then names a file that holds the value."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        given = super().resolve_envvar_value(ctx)
        variable = f"{self.envvar}_FILE"
        path = os.environ.get(variable)
        if not path:
            return given
        if given:
            raise click.UsageError(f"Both {self.envvar} and {variable} are set; set one of them.", ctx)
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise click.UsageError(f"{variable} names {path}, which cannot be read: {reason}.", ctx) from None


def option(*names: str, **attributes: Any) -> Callable[[Function], Function]:
    """`click.option` with the variable every option has: `--max-file-size` is TELLBACK_MAX_FILE_SIZE too."""
    long = next(name for name in names if name.startswith("--"))
    variable = PREFIX + long.removeprefix("--").replace("-", "_").upper()
    return click.option(*names, envvar=variable, show_envvar=True, **attributes)


def hub_in(home: Callable[[], Path]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """--data (`home()` without it), --database-url and --output; the command gets `place` and `as_json`."""

    def added(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def with_place(*, data: Path | None, database_url: str | None, output: str, **rest: Any) -> Any:
            place = databases.Place((data or home()).absolute(), database_url)
            return function(place=place, as_json=output == "json", **rest)

        return _DATA(_DATABASE_URL(_OUTPUT(with_place)))

    return added


def default_data() -> Path:
    try:
        return settings.default_data()
    except RuntimeError:  # a user without a home
        raise click.UsageError(
            "There is no home folder to keep data in; give a folder with --data."
        ) from None


hub = hub_in(default_data)


def workspace(function: Function) -> Function:
    return option("--workspace", "-w", required=True, metavar="SLUG", help="The workspace.")(function)


def address(text: str) -> str:
    """An http(s) address without query and without a slash at its end."""
    if not re.fullmatch(r"https?://[^/?#\s]+(/[^?#\s]*)?", text):
        raise ValueError(f"{text!r} is not an address; write it like https://feedback.example")
    return text.rstrip("/")


def days(text: str) -> int:
    """A duration in whole days."""
    seconds = settings.duration(text)
    if seconds % settings.DAY_S:
        raise ValueError(f"{text!r} is not a number of days; write it like 30d")
    return seconds // settings.DAY_S


def folder(text: str) -> Path:
    """A folder's path. An empty one is a variable that was not set, not the current folder."""
    if not text.strip():
        raise ValueError("the path is empty; name a folder")
    return Path(text)


_DATA = option(
    "--data",
    type=Words("DIR", folder),
    metavar="DIR",
    help="Where the hub keeps its data; the user's data folder without it.",
)
_DATABASE_URL = option(
    "--database-url",
    cls=Secret,
    metavar="URL",
    help="A PostgreSQL of your own (15 to 18) in place of the one in --data.",
)
_OUTPUT = option(
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="What to print: text for people, json for programs.",
)
