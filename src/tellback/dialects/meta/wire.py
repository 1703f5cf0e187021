"""Reading what Meta delivers. Pure.

A delivery may hold anything that happens on a page, from many people at once, and is sent again as a whole when
it is refused. So what is no rating, or cannot be read, is noted and passed over, and the rest is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast, get_args

from tellback.core import errors, reviews
from tellback.core.reviews import Delivered

LONGEST_ID = 255
SHOWN = 20
_LARGEST_ID = 10**LONGEST_ID
_LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


class _Unreadable(Exception):
    """What of a change cannot be read, in words."""


@dataclass(frozen=True, slots=True)
class Read:
    """A delivery's ratings in its order, and what else was in it, in words, for the intake log."""

    changes: tuple[Delivered, ...]
    noted: tuple[str, ...]
    unmapped: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unmatched: tuple[Any, ...] = ()
    submitter_decision: None = None


def delivery(value: Any, page_id: str) -> Read:
    """Every rating of the page with Meta's id `page_id`. Raises `Malformed` for what is no delivery at all."""
    if not isinstance(value, dict) or not isinstance(value.get("entry"), list):
        raise errors.Malformed('The body must be a JSON object with a list "entry".')
    changes: list[Delivered] = []
    noted: list[str] = []
    if value.get("object", "page") != "page":
        noted.append(f"object {_word(value['object'])}")
    else:
        for entry, at in _entries(value["entry"], page_id, noted):
            for change, where in entry:
                try:
                    found = _rating(change, at, place=len(changes))
                except _Unreadable as fault:
                    noted.append(f"{where}: {fault}")
                    continue
                changes.append(found)
    if len(noted) > SHOWN:
        noted[SHOWN:] = [f"and {len(noted) - SHOWN} more"]
    return Read(tuple(changes), tuple(noted))


def _entries(
    entries: list[Any], page_id: str, noted: list[str]
) -> Iterator[tuple[list[tuple[Any, str]], datetime | None]]:
    """The changes of each entry of the page with their places in words, and the entry's time."""
    for number, entry in enumerate(entries):
        where = f"entry[{number}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("changes"), list):
            noted.append(f"{where} has no changes")
        elif _text(entry.get("id")) != page_id:
            noted.append(f"{where} is of page {_word(entry.get('id'))}")
        else:
            changes = [(one, f"{where}.changes[{place}]") for place, one in enumerate(entry["changes"])]
            yield changes, _time(entry.get("time"))


def _rating(change: Any, sent: datetime | None, place: int) -> Delivered:
    """One change as a rating's. Raises `_Unreadable`."""
    value = change.get("value") if isinstance(change, dict) else None
    if not isinstance(value, dict):
        raise _Unreadable("no value")
    if change.get("field") != "ratings":
        raise _Unreadable(f"field {_word(change.get('field'))}")
    if value.get("item") != "rating":
        raise _Unreadable(f"item {_word(value.get('item'))}")
    verb = _verb(value.get("verb"))
    story, at = _text(value.get("open_graph_story_id")), _time(value.get("created_time")) or sent
    if not story or len(story) > LONGEST_ID:
        raise _Unreadable("no open_graph_story_id")
    if at is None:
        raise _Unreadable("no time")
    if verb == "remove":
        return Delivered(story, "remove", at, place)
    return _said(value, story, verb, at, place)


def _verb(value: Any) -> reviews.Verb:
    for verb in get_args(reviews.Verb):
        if value == verb:
            return cast(reviews.Verb, verb)
    raise _Unreadable(f"verb {_word(value)}")


def _said(value: dict[str, Any], story: str, verb: reviews.Verb, at: datetime, place: int) -> Delivered:
    recommendation = _text(value.get("recommendation_type"))
    number = _number(value.get("rating"))
    rating = reviews.rules.stars(number, recommendation)
    if rating is None or not reviews.rules.LOWEST <= rating <= reviews.rules.HIGHEST:
        raise _Unreadable(f"rating {_word(value.get('rating'))}")
    return Delivered(
        story,
        verb,
        at,
        place,
        rating,
        recommendation.upper() if recommendation else None,
        _text(value.get("review_text")),
        _text(value.get("reviewer_id")),
        _text(value.get("reviewer_name")),
    )


def _text(value: Any) -> str | None:
    """A text, or an id written as a number."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST_ID:
        return str(value)
    return value or None if isinstance(value, str) else None


def _number(value: Any) -> int | None:
    """A rating, also as a text; a value that is no whole number is out of any range."""
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 3:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _time(value: Any) -> datetime | None:
    """Epoch seconds; None for what are none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LATEST:
        return None
    return datetime.fromtimestamp(int(value), UTC)


def _word(value: Any) -> str:
    """A stranger's value as the log may show it."""
    shown = value if isinstance(value, str) else _text(value) or type(value).__name__
    return shown[:60].encode("ascii", "backslashreplace").decode()
