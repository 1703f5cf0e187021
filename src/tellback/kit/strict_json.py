"""Strict JSON (RFC 8259): one reader for every surface.

msgspec refuses invalid UTF-8, a byte order mark, NaN and Infinity, trailing commas and lone surrogates; this adds
what PostgreSQL cannot hold (U+0000) and a limit to nesting. Of duplicate member names the last counts.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tellback.core import errors

DEEPEST = 64

_decode = msgspec.json.Decoder().decode


def loads(body: bytes) -> Any:
    """The value a body stands for. Raises `Malformed` with a sentence that says what is wrong with it."""
    try:
        value = _decode(body)
    except UnicodeDecodeError:
        raise errors.Malformed("The body is not valid UTF-8.") from None
    except RecursionError:
        raise errors.Malformed(f"The body is nested deeper than {DEEPEST}.") from None
    except (msgspec.DecodeError, ValueError) as error:
        raise errors.Malformed(_explained(body, error)) from None
    # Both are rare, so the body's bytes are asked first and the values walked only then.
    if b"\\u0000" in body and _holds_nul(value):
        raise errors.Malformed("A string in the body holds the character U+0000.")
    if body.count(b"[") + body.count(b"{") > DEEPEST and _deeper(value, DEEPEST):
        raise errors.Malformed(f"The body is nested deeper than {DEEPEST}.")
    return value


def _explained(body: bytes, error: Exception) -> str:
    if not body.strip():
        return "The body is empty; JSON is due."
    if body.startswith(b"\xef\xbb\xbf"):
        return "The body starts with a byte order mark; JSON must not."
    detail = str(error).removeprefix("JSON is malformed: ")
    return f"The body is not valid JSON: {detail[:200]}."


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, list):
        return any(_holds_nul(one) for one in value)
    if isinstance(value, dict):
        return any("\x00" in name or _holds_nul(one) for name, one in value.items())
    return False


def _deeper(value: Any, depth: int) -> bool:
    """Whether lists and objects nest deeper than `depth`."""
    if not isinstance(value, (list, dict)):
        return False
    if depth == 0:
        return True
    return any(_deeper(one, depth - 1) for one in (value.values() if isinstance(value, dict) else value))
