"""Decisions about tickets. No I/O."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[0-9]{1,18}")


def parse_reference(text: str) -> tuple[str | None, int] | None:
    """`4711` is (None, 4711), `BUG-0042` is ("BUG", 42); None for a text that is neither."""
    if _NUMBER.fullmatch(text):
        return None, int(text)
    prefix, dash, number = text.rpartition("-")
    if prefix and dash and _NUMBER.fullmatch(number):
        return prefix, int(number)
    return None
