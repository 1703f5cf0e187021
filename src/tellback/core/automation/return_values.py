"""Return values: picked from the answer of a webhook and converted to their type. No I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from tellback.core.automation.delivery_model import Captured, Outcome
from tellback.core.automation.model import ReturnValue, ValueType

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_LARGEST: Final = 2**63
#: Of a text that is kept.
_LONGEST_TEXT: Final = 65_535


class NotConvertible(ValueError):
    """The value cannot be of this type; `str(error)` is what it is instead."""


def picked(wanted: Sequence[ReturnValue], outcome: Outcome) -> tuple[tuple[Captured, ...], tuple[str, ...]]:
    """The values of a successful answer, and a warning for each that is not there or not of its type."""
    if not wanted or outcome.error is not None:
        return (), ()
    try:
        document = msgspec.json.decode(outcome.body or "")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        names = ", ".join(f"{one.group}.{one.label}" for one in wanted)
        return (), (f"The answer is not JSON, so nothing was picked for {names}.",)
    captured, warnings = [], []
    for one in wanted:
        try:
            captured.append(Captured(one.group, one.label, _picked(one, document)))
        except NotConvertible as problem:
            warnings.append(f"{one.group}.{one.label}: {problem}.")
    return tuple(captured), tuple(warnings)


def _picked(wanted: ReturnValue, document: Any) -> Any:
    found = _first(wanted.parameter, document)
    if found is _MISSING:
        raise NotConvertible(f"{wanted.parameter} is not in the answer")
    try:
        return converted(found, wanted.type)
    except NotConvertible as problem:
        raise NotConvertible(f"{wanted.parameter} is {problem}, which is no {wanted.type}") from None


_MISSING: Final = object()


def _first(parameter: str, document: Any) -> Any:
    value = document
    for name in parameter.removeprefix("$.").split("."):
        if not isinstance(value, dict) or name not in value:
            return _MISSING
        value = value[name]
    return value


def converted(value: Any, to: ValueType) -> Any:
    """A JSON value as a boolean, datetime (ISO 8601 text in UTC), integer or string. Raises `NotConvertible`."""
    result = _CONVERSIONS[to](value)
    if result is None:
        raise NotConvertible(_shown(value))
    return result


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else None


def _integer(value: Any) -> int | None:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    whole = isinstance(value, int) and not isinstance(value, bool) and -_LARGEST <= value < _LARGEST
    return value if whole else None


def _datetime(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.isoformat().replace("+00:00", "Z")


def _string(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if _storable(value) else None
    return str(value) if isinstance(value, int | float) else None


def _storable(value: str) -> bool:
    """PostgreSQL holds neither U+0000 nor half a surrogate pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return len(value) <= _LONGEST_TEXT and "\x00" not in value


_CONVERSIONS: Final = {"boolean": _boolean, "integer": _integer, "datetime": _datetime, "string": _string}


def _shown(value: Any) -> str:
    """A value in a warning: its kind where it is long or nested."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "null"
    text = msgspec.json.encode(value).decode() if not isinstance(value, str) or _storable(value) else "a text"
    return text if len(text) <= 100 else "a long text"
