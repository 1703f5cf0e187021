"""Return values: what is picked from an answer, and turned into the type that was asked for.

A parameter is a JSONPath (RFC 9535), which begins with `$`, or a dotted path (`issues.0.key`). The answer of an
outside system and the path of a user meet here, so the work of both together is counted: `_Table` and `_Row` are
the answer's objects and lists, and every look into them takes from one budget.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, SupportsIndex

import iregexp_check
import jsonpath_rfc9535 as jsonpath
import msgspec
import regex  # type: ignore[import-untyped]  # ships no type information
from jsonpath_rfc9535 import function_extensions as functions

from tellback.core import errors
from tellback.core.deliveries.definitions import LONGEST_PATH, ReturnValue, ValueType

_DEPTH: Final = 64
_STEPS: Final = 40_000
_PATTERN: Final = 64
_PATTERN_SECONDS: Final = 0.05
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_LARGEST: Final = 2**63 - 1


class PathFault(errors.HubError):
    """A path that cannot be read."""


class _TooMuch(Exception):
    """The paths of one answer did more than they may."""


@dataclass(frozen=True, slots=True)
class PickedValue:
    """A value to be stored. `value` is a truth, an integer or a text; a time is ISO 8601 in UTC."""

    group: str
    label: str
    value: bool | int | str


@dataclass(frozen=True, slots=True)
class Picked:
    """What an answer gave. A label that is not in `values` is in a warning."""

    values: tuple[PickedValue, ...]
    warnings: tuple[str, ...] = ()


def pick(wanted: Sequence[ReturnValue], answer: bytes) -> Picked:
    """The `wanted` values of an answer's body (at most 64 KiB of it).

    What is not there, is null, is no value of its type, or takes too long to find, is left out with a
    warning: "jira.issue_key: $.key found nothing". The first match of a path counts. Never raises.
    """
    if not wanted:
        return Picked(())
    budget = _Budget()
    try:
        document = _counted(msgspec.json.decode(answer), budget, _DEPTH)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _none(wanted, "the answer is no JSON")
    except (RecursionError, _TooMuch):
        return _none(wanted, "the answer is nested too deeply")
    values, warnings = [], []
    for one in wanted:
        try:
            found = _first(one.parameter, document, budget)
            values.append(PickedValue(one.group, one.label, _converted(found, one.type)))
        except (ValueError, PathFault) as problem:
            warnings.append(f"{one.group}.{one.label}: {one.parameter} {problem}")
        except (_TooMuch, RecursionError, jsonpath.JSONPathError, TimeoutError):
            warnings.append(f"{one.group}.{one.label}: {one.parameter} takes too long on this answer")
    return Picked(tuple(values), tuple(warnings))


def fault(parameter: str) -> str | None:
    """What is wrong with a path; None when it can be used."""
    try:
        compiled(parameter)
    except PathFault as error:
        return error.message
    return None


def _none(wanted: Sequence[ReturnValue], why: str) -> Picked:
    return Picked((), tuple(f"{one.group}.{one.label}: {why}" for one in wanted))


# --- finding ------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=1_024)
def compiled(parameter: str) -> jsonpath.JSONPathQuery | tuple[str, ...]:
    """A JSONPath, or the names of a dotted path. Raises `PathFault`."""
    if len(parameter) > LONGEST_PATH:
        raise PathFault(f"a path may have {LONGEST_PATH} characters")
    if not parameter.startswith("$"):
        names = tuple(parameter.split("."))
        if not all(name and name == name.strip() for name in names):
            raise PathFault("a name is missing in the path; a JSONPath begins with $")
        return names
    try:
        return _ENVIRONMENT.compile(parameter)
    except (jsonpath.JSONPathError, ValueError) as error:
        raise PathFault(f"this is no JSONPath: {error.args[0] if error.args else error}") from error
    except RecursionError as error:
        raise PathFault("this is no JSONPath: it is nested too deeply") from error


def _first(parameter: str, document: Any, budget: _Budget) -> Any:
    path = compiled(parameter)
    if isinstance(path, tuple):
        return _walked(path, document)
    before = _RUNNING.set(budget)
    try:
        for node in path.finditer(document):
            return node.value
    finally:
        _RUNNING.reset(before)
    raise ValueError("found nothing")


def _walked(names: Sequence[str], value: Any) -> Any:
    for name in names:
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and re.fullmatch("[0-9]{1,9}", name) and int(name) < len(value):
            value = value[int(name)]
        else:
            raise ValueError("found nothing")
    return value


# --- converting ---------------------------------------------------------------------------------------------


def _converted(value: Any, type: ValueType) -> bool | int | str:
    """`value` as one of `type`. Raises `ValueError` that says what was found instead."""
    match type, value:
        case _, None:
            raise ValueError("is null")
        case _, dict() | list():
            raise ValueError(f"is {'an object' if isinstance(value, dict) else 'a list'}, no {type}")
        case "boolean", bool():
            return value
        case "boolean", str() if value.strip().lower() in ("true", "false"):
            return value.strip().lower() == "true"
        case "integer", int() | float() if not isinstance(value, bool) and _is_whole(value):
            return int(value)
        case "integer", str() if _INTEGER.fullmatch(value.strip()) and _is_whole(int(value)):
            return int(value)
        case "datetime", str() if (at := _time(value.strip())) is not None:
            return at
        case "string", str() if "\x00" not in value:
            return value
        case "string", bool() | int() | float():
            return msgspec.json.encode(value).decode()
    raise ValueError(f"is no {type}: {str(value)[:80]!r}")


def _is_whole(value: float) -> bool:
    return abs(value) <= _LARGEST and value == int(value)


def _time(text: str) -> str | None:
    """An ISO 8601 time in UTC, as which it is taken where it names no offset."""
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at.isoformat().replace("+00:00", "Z")


# --- counting -----------------------------------------------------------------------------------------------


class _Budget:
    """What the paths of one answer may do: looks at items, and seconds of pattern matching."""

    __slots__ = ("seconds", "steps")

    def __init__(self) -> None:
        self.steps = _STEPS
        self.seconds = _PATTERN_SECONDS

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise _TooMuch


#: Functions of paths are called without anything that leads to their budget.
_RUNNING: ContextVar[_Budget] = ContextVar("_RUNNING")


class _Table(dict[str, Any]):
    """An object of the answer."""

    __slots__ = ("budget",)
    __hash__ = None  # as of every dict

    def __init__(self, members: dict[str, Any], budget: _Budget) -> None:
        super().__init__(members)
        self.budget = budget

    def __getitem__(self, name: str) -> Any:
        self.budget.spend(1)
        return super().__getitem__(name)

    def __eq__(self, other: object) -> bool:
        self.budget.spend(len(self) + 1)
        return super().__eq__(other)

    def items(self) -> Any:  # there is no public name for what a dict returns
        self.budget.spend(len(self) + 1)
        return super().items()


class _Row(list[Any]):
    """A list of the answer."""

    __slots__ = ("budget",)
    __hash__ = None  # as of every list

    def __init__(self, items: list[Any], budget: _Budget) -> None:
        super().__init__(items)
        self.budget = budget

    def __getitem__(self, place: SupportsIndex | slice) -> Any:
        self.budget.spend(len(self) if isinstance(place, slice) else 1)
        return super().__getitem__(place)

    def __eq__(self, other: object) -> bool:
        self.budget.spend(len(self) + 1)
        return super().__eq__(other)

    def __iter__(self) -> Iterator[Any]:
        self.budget.spend(len(self) + 1)
        return super().__iter__()


def _counted(value: Any, budget: _Budget, depth: int) -> Any:
    if not isinstance(value, dict | list):
        return value
    if not depth:
        raise _TooMuch
    if isinstance(value, dict):
        return _Table({name: _counted(item, budget, depth - 1) for name, item in value.items()}, budget)
    return _Row([_counted(item, budget, depth - 1) for item in value], budget)


class _Pattern(functions.FilterFunction):
    """`match` and `search` (RFC 9535, 2.4.6 and 2.4.7), with a limit on patterns and on time."""

    arg_types = [functions.ExpressionType.VALUE, functions.ExpressionType.VALUE]  # noqa: RUF012  # theirs
    return_type = functions.ExpressionType.LOGICAL

    def __init__(self, whole: bool) -> None:
        self._search = regex.fullmatch if whole else regex.search

    def __call__(self, text: object, pattern: object) -> bool:
        if not isinstance(text, str) or not isinstance(pattern, str):
            return False
        if len(pattern) > _PATTERN or re.search("[0-9]{3}", pattern):
            raise _TooMuch
        if not iregexp_check.check(pattern):
            return False
        budget = _RUNNING.get()
        budget.spend(20)
        began = time.monotonic()
        try:
            return bool(self._search(_i_regexp(pattern), text, timeout=max(budget.seconds, 0.001)))
        except regex.error:
            return False
        finally:
            budget.seconds -= time.monotonic() - began


def _i_regexp(pattern: str) -> str:
    """An I-Regexp (RFC 9485) as Python has it: a dot outside of a class is anything but a line's end."""
    return re.sub(
        r"\\.|\[(?:\\.|[^\]\\])*\]|\.", lambda part: r"[^\r\n]" if part[0] == "." else part[0], pattern
    )


class _Environment(jsonpath.JSONPathEnvironment):
    max_recursion_depth = _DEPTH + 2

    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions |= {"match": _Pattern(whole=True), "search": _Pattern(whole=False)}


_ENVIRONMENT: Final = _Environment()
