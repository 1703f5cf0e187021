"""Query parameters that are no free text: read, or refused in words. All raise `Malformed`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TypeVar

from tellback.core import errors

Word = TypeVar("Word", bound=str)

_NUMBER = re.compile(r"[0-9]{1,18}")


def number(name: str, text: str | None) -> int | None:
    """A whole number, as ids are."""
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise errors.Malformed(f"{name} must be a whole number.")
    return int(text)


def truth(name: str, text: str | None) -> bool | None:
    """true or false, in any capitals: clients in Python write True."""
    word = one_of(name, None if text is None else text.lower(), ("true", "false"))
    return None if word is None else word == "true"


def one_of(name: str, text: str | None, words: tuple[Word, ...]) -> Word | None:
    """One of some words."""
    if text is None:
        return None
    for word in words:
        if text == word:
            return word
    raise errors.Malformed(f"{name} must be one of {', '.join(words)}.")


def moment(name: str, text: str | None) -> datetime | None:
    """A time with its offset."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))  # a bare + in a query arrives as a space
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):  # an overflow: in UTC it is past the calendar's end
        pass
    raise errors.Malformed(f"{name} must be an ISO 8601 time with an offset, as 2026-11-21T20:22:07Z.")
