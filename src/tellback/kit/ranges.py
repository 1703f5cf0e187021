"""Which part of a file a request wants, if any: conditions and ranges (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tellback.core import errors

_ONE = re.compile(r"\s*([0-9]{1,18})?\s*-\s*([0-9]{1,18})?\s*")
_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')


class PreconditionFailed(errors.HubError):
    """What is there is not what the request wanted it to be."""


class NotSatisfiable(errors.HubError):
    """The range lies behind the end."""

    def __init__(self, size: int) -> None:
        super().__init__(f"The range lies behind the end; there are {size} bytes.")
        self.size = size


@dataclass(frozen=True, slots=True)
class Part:
    """`status` 200: all of it; 206: `length` bytes from `offset` on; 304: the client has it."""

    status: int
    offset: int
    length: int


def part(headers: Mapping[str, str], tag: str, size: int, *, head: bool = False) -> Part:
    """What a GET or HEAD of `size` bytes with a strong entity tag (quotes included) is to be answered with.

    A range that cannot be read, and a list of ranges, is answered with all of it, as RFC 9110, section 14.2
    allows. Raises `PreconditionFailed`, `NotSatisfiable`.
    """
    match = headers.get("if-match")
    if match is not None and match.strip() != "*" and tag not in _TAG.findall(match):
        raise PreconditionFailed("The file is not the one that If-Match names.")
    none_match = headers.get("if-none-match")
    if none_match is not None and (none_match.strip() == "*" or tag in _weak(none_match)):
        return Part(304, 0, 0)
    wanted = headers.get("range")
    if wanted is None or head or headers.get("if-range", tag).strip() != tag:
        return Part(200, 0, size)
    return _range(wanted, size)


def _weak(field: str) -> list[str]:
    """The tags of a field, for the weak comparison (section 8.8.3.2)."""
    return [tag.removeprefix("W/") for tag in _TAG.findall(field)]


def _range(field: str, size: int) -> Part:
    unit, _, text = field.partition("=")
    found = _ONE.fullmatch(text)
    first, last = found.groups() if found else (None, None)
    if unit.strip().lower() != "bytes" or (first is None and last is None):
        return Part(200, 0, size)
    if first is None:  # the last so many
        length = min(int(last or 0), size)
        if length == 0:
            raise NotSatisfiable(size)
        return Part(206, size - length, length)
    if last is not None and int(last) < int(first):
        return Part(200, 0, size)
    if int(first) >= size:
        raise NotSatisfiable(size)
    end = size if last is None else min(int(last) + 1, size)
    return Part(206, int(first), end - int(first))
