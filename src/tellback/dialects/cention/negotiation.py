"""Content negotiation (JSON:API 1.1, "Content Negotiation"). Extensions: none. Profiles: unknown ones are ignored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import cast

from tellback.core import errors
from tellback.dialects.cention.errors import MEDIA_TYPE, NotAcceptable
from tellback.kit import header_options
from tellback.kit.call import Call

NAME = MEDIA_TYPE.decode()
_WILDCARDS = ("*/*", "application/*")
_PIECE = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')


def check(call: Call) -> None:
    """Raises `Unsupported` for the type of what was sent, `NotAcceptable` for what is asked for."""
    check_sent(call.header(b"content-type"), body=_has_body(call))
    check_accept(", ".join(value.decode("latin-1") for name, value in _headers(call) if name == b"accept"))


def check_sent(content_type: str | None, *, body: bool) -> None:
    """A body has the JSON:API type; and wherever that type is named, it has no parameter but `profile`.

    A request without a body may name another type: it sends nothing of it.
    """
    given, options = header_options.split(content_type or "")
    if given != NAME:
        if body:
            shown = f"not {given[:100]}" if given else "none was given"
            raise errors.Unsupported(f"The content type must be {NAME}; {shown}.")
        return
    for name, _ in options:
        if name == "ext":
            raise errors.Unsupported("No JSON:API extension is known here.")
        if name != "profile":
            raise errors.Unsupported(f"The content type {NAME} takes no parameter {name[:100]!r}.")


def check_accept(accept: str) -> None:
    """Of the JSON:API type at least one mention is without parameters but `profile`; else any wildcard does."""
    if not accept.strip():
        return
    named = wild = good = False
    for piece in _PIECE.findall(accept):
        name, options = header_options.split(piece.strip())
        wanted = not any(option == "q" and _zero(value) for option, value in options)
        if name == NAME:
            named = True
            good = good or (wanted and all(option in ("profile", "q") for option, _ in options))
        elif name in _WILDCARDS:
            wild = wild or wanted
    if named and not good:
        raise NotAcceptable(f"Accept names {NAME} only with parameters that are not served.")
    if not named and not wild:
        raise NotAcceptable(f"Answers are {NAME}, which Accept leaves out.")


def _zero(value: str) -> bool:
    try:
        return float(value) <= 0
    except ValueError:
        return False


def _has_body(call: Call) -> bool:
    if call.announced_length is not None:
        return call.announced_length > 0
    return any(name == b"transfer-encoding" for name, _ in _headers(call))


def _headers(call: Call) -> Sequence[tuple[bytes, bytes]]:
    return cast(Sequence[tuple[bytes, bytes]], call.scope["headers"])
