"""The filters that templates may use, each measured before it runs and after.

What a filter could make is worked out first where it may be much more than it was given; everything that is
read or made counts against the rendering's budget.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from liquid import exceptions, undefined
from liquid.environment import Environment

LONGEST: Final = 256 * 1024
WORK: Final = 2 * 1024 * 1024
_MOST_ITEMS: Final = 10_000
_INTEGER_BITS: Final = 4_096
_SHORT: Final = 64
_UNIQUE_ITEMS: Final = 500

#: How much slower than copying a character is, of the slow ones.
_SLOW: Final[Mapping[str, int]] = {
    "escape_once": 4, "strip_html": 2, "url_encode": 4, "url_decode": 4, "escapejs": 4, "sort_natural": 4,
}  # fmt: skip
_DROPPED: Final = ("safe", "date", "strip_html")
_TAG = re.compile("<[^<>]*>")

Filter = Callable[..., Any]


class Run(Protocol):
    """The rendering that a filter is part of."""

    unknown: dict[str, None]

    def spend_work(self, characters: int) -> None: ...


def bounded(environment: Environment) -> dict[str, Filter]:
    """The engine's filters, bounded; `json` of our own, and those whose time the engine does not bound."""
    own: dict[str, Filter] = {"json": as_json, "date": as_date, "strip_html": without_tags}
    known = {name: one for name, one in environment.filters.items() if name not in _DROPPED}
    return {name: _bounded(name, one, environment) for name, one in (known | own).items()}


def _bounded(name: str, run_filter: Filter, environment: Environment) -> Filter:
    extra = {"environment": environment} if getattr(run_filter, "with_environment", False) else {}

    def run(left: Any, *arguments: Any, context: Run, **named: Any) -> Any:
        given = weight([left, *arguments, *named.values()], LONGEST)
        context.spend_work(given * _SLOW.get(name, 1))
        if max(given, _expected(name, left, arguments)) > LONGEST:
            raise _too_much(name)
        result = run_filter(left, *arguments, **named, **extra)
        made = weight(result, LONGEST)
        context.spend_work(made)
        if made > LONGEST:
            raise _too_much(name)
        return result

    run.with_context = True  # type: ignore[attr-defined]  # how the engine is asked for `context`
    return run


def _too_much(name: str) -> exceptions.ResourceLimitError:
    return exceptions.ResourceLimitError(f"{name}: what it takes or makes is too long", token=None)


def weight(value: Any, enough: int) -> int:
    """The characters `value` has as text, about; counted until there are more than `enough`.

    An integer of too many bits, or a list of too many items, is more than enough.
    """
    total = 0
    todo = [value]
    while todo and total <= enough:
        one = todo.pop()
        total += 1
        if isinstance(one, str):
            total += len(one)
        elif isinstance(one, int):
            total += one.bit_length() // 3 if one.bit_length() <= _INTEGER_BITS else enough + 1
        elif isinstance(one, range):
            total += len(one) * 5
        elif isinstance(one, list | tuple):
            total += enough + 1 if len(one) > _MOST_ITEMS else 0
            todo += one
        elif isinstance(one, dict):
            todo += one.keys()
            todo += one.values()
        else:
            total += 24
    return total


def _expected(name: str, left: Any, arguments: tuple[Any, ...]) -> int:
    """How long the result of a filter that multiplies may become."""
    texts = [_text(one) for one in arguments]
    match name:
        case "replace" if texts:
            text = _text(left)
            found = text.count(texts[0]) if texts[0] else len(text) + 1
            return len(text) + found * len(texts[1] if len(texts) > 1 else "")
        case "join" if isinstance(left, list | tuple | range):
            return weight(list(left), LONGEST) + len(left) * len(texts[0] if texts else " ")
        case "split" if texts:
            text = _text(left)
            parts = text.count(texts[0]) if texts[0] else len(text)
            return LONGEST + 1 if parts > _MOST_ITEMS else 0
        case "uniq" if isinstance(left, list | tuple | range):  # it compares every item with every other
            return LONGEST + 1 if len(left) > _UNIQUE_ITEMS else 0
        case _:
            return 0


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def unchanged(left: Any) -> Any:
    """What it is given."""
    return left


def as_json(left: Any, indent: Any = None) -> str:
    """A value as JSON, texts with their quotation marks; a tag that names nothing is null, and noted."""
    if isinstance(left, undefined.Undefined):
        str(left)
        left = None
    spaces = min(max(indent, 0), 8) if isinstance(indent, int) else None
    return json.dumps(left, ensure_ascii=False, indent=spaces, default=list)


def as_date(left: Any, form: Any = "%Y-%m-%d") -> str:
    """A time (ISO 8601, or seconds since 1970) in the words of `strftime`; anything else as it is.

    Without an offset it is taken for UTC; `now` is not there, because a request is rendered as of its event.
    """
    text, form = _text(left), _text(form)
    if len(text) > _SHORT or len(form) > _SHORT:
        raise exceptions.FilterArgumentError("date: it takes short texts", token=None)
    try:
        seconds = int(text) if text.isdecimal() else None
        at = datetime.fromisoformat(text) if seconds is None else datetime.fromtimestamp(seconds, UTC)
        return at.strftime(form)
    except (ValueError, OverflowError, OSError):
        return text


def without_tags(left: Any) -> str:
    """A text without anything that stands in angle brackets."""
    return _TAG.sub("", _text(left))
