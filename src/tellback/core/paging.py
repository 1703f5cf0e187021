"""Opaque cursors: a list's place, in a text no one is meant to read.

Each ends in a check sum: one that was cut or mistyped is refused, and not taken for another place.
"""

from __future__ import annotations

import base64
import binascii
import zlib

from tellback.core import errors

DEFAULT_LIMIT = 100
LARGEST_LIMIT = 1000


def cursor(kind: str, place: int) -> str:
    """The text for `place` in lists of `kind`."""
    named = f"{kind}:{place}:".encode()
    return base64.urlsafe_b64encode(named + zlib.crc32(named).to_bytes(4, "big")).decode().rstrip("=")


def place(kind: str, text: str | None) -> int | None:
    """The place a cursor stands for; None for none. Raises `Malformed` for a text that is no cursor of `kind`."""
    if text is None:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        number = raw.removeprefix(f"{kind}:".encode()).partition(b":")[0].decode("ascii")
        if number.isdigit() and len(number) < 19 and text == cursor(kind, int(number)):
            return int(number)
    except (ValueError, binascii.Error, UnicodeError):
        pass
    raise errors.Malformed("The cursor is not valid.")


def limit(text: str | None) -> int:
    """How many rows a caller wants. Raises `Malformed` outside 1 to 1000."""
    if text is None:
        return DEFAULT_LIMIT
    if text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= LARGEST_LIMIT:
        return int(text)
    raise errors.Malformed(f"The limit must be a whole number from 1 to {LARGEST_LIMIT}.")
