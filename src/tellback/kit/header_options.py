"""Header values with options: `form-data; name="log"; filename="crash.log"` (RFC 6266, RFC 8187)."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

# The value of an option that is not quoted goes to the next semicolon: clients send spaces and `=` there.
_OPTION = re.compile(r""";\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;"]*)""", re.DOTALL)
_EXTENDED = re.compile(r"([A-Za-z0-9!#$%&+^_`{}~-]+)'[A-Za-z0-9-]*'(.*)", re.DOTALL)
_PERCENT = (("%22", '"'), ("%0D", "\r"), ("%0A", "\n"))


def split(header: str) -> tuple[str, list[tuple[str, str]]]:
    """The value in lower case, and the options as (name in lower case, value as sent, quotes included)."""
    value, _, _ = header.partition(";")
    options = [(name.lower(), raw.strip()) for name, raw in _OPTION.findall(header, len(value))]
    return value.strip().lower(), options


def unquote(raw: str) -> str:
    r"""An option's value without its quotes: `\"` and `\\` are undone, no other backslash is touched.

    Browsers sent Windows paths with single backslashes, so `"C:\new.txt"` is a path and no escape.
    """
    if len(raw) < 2 or raw[0] != '"' or raw[-1] != '"':
        return raw
    return re.sub(r'\\([\\"])', r"\1", raw[1:-1])


def form_name(raw: str) -> str:
    """A name or file name of a form part; browsers percent-encode quotes (WHATWG HTML, 4.10.21.8)."""
    name = unquote(raw)
    for encoded, plain in _PERCENT:
        name = name.replace(encoded, plain)
    return name


def extended(raw: str) -> str | None:
    """The text of a value such as `UTF-8''%e2%82%ac%20rates` (RFC 8187); None if it is not one."""
    match = _EXTENDED.fullmatch(unquote(raw))
    if match is None or match[1].lower() not in ("utf-8", "iso-8859-1"):
        return None
    try:
        return unquote_to_bytes(match[2]).decode(match[1])
    except UnicodeDecodeError:
        return None
