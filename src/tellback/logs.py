"""Logs: one JSON object a line on stderr, a readable line on a terminal, and no secret in either.

The standard library's logging (the server's, the driver's) takes the same way out. Lines are written whole,
so those of several processes never mix.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, cast

import msgspec

# structlog imports rich, and with it pygments, for a console renderer that is not used here: 0.05 s of every
# start. It does without where rich is missing, so rich is missing while structlog is imported.
_ABSENT = "rich" not in sys.modules
if _ABSENT:
    sys.modules["rich"] = cast(Any, None)
try:
    import structlog
finally:
    if _ABSENT:
        del sys.modules["rich"]

Event = MutableMapping[str, Any]

MASK = "***"
_STDERR = 2
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
#: Below these a path is a secret: whoever knows it may send.
_MASKED_BELOW = ("/hooks/", "/take/")
_LONGEST_PATH = 512

_NAMES = "|".join(
    (
        "api[_-]?key",
        "api[_-]?secret",
        "session[_-]?id",
        "authorization",
        "bearer",
        "passw(?:or)?d",
        "token",
        "secret",
        "signature",
        "cookie",
    )
)
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)
# One of these stands in every text that a pattern below fits.
_HINTS = (
    "api", "session", "authorization", "bearer", "passw", "token", "secret", "signature", "cookie", "eyj", "@",
)  # fmt: skip
# Each leaves group 1 and masks what follows it. A name is looked at from its first character alone: the time grows
# with the text, whatever is in it.
_SECRETS_IN_TEXT = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"((?<![\w-])(?=[\w-]*?(?:{_NAMES}))[\w-]++=)[^\s&\"',;]+",
        rf"([\"'](?=[\w-]*?(?:{_NAMES}))[\w-]++[\"']\s*+:\s*+[\"'])(?:[^\"'\\]|\\.)++",
        r"(authorization:\s*)(?:\w+\s+)?\S+",
        r"(\bbearer\s+)[\w.~+/=-]{8,}",
        r"(://[^/\s:@]*:)[^/\s@]+(?=@)",
        r"(\b)eyJ[\w-]+\.[\w-]+\.[\w-]*",
    )
)


def names_a_secret(name: str) -> bool:
    """Whether what is called `name`, a header or a member, holds a credential."""
    return _SECRET_NAME.search(name) is not None


def mask_text(text: str) -> str:
    """`text` with every value that looks like a credential replaced, in URLs, JSON and header lines."""
    folded = text.lower()
    if not any(hint in folded for hint in _HINTS):  # most texts: the patterns read some 2 MB/s
        return text
    for pattern in _SECRETS_IN_TEXT:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return text


def mask_path(path: str) -> str:
    """A path without the credentials that a client put into it and not behind a question mark."""
    return mask_text(path) if "=" in path else path


def mask(value: Any) -> Any:
    """`value`, a log event or a part of one, without credentials: told by their name or by their looks."""
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {
            name: MASK if names_a_secret(str(name)) and isinstance(inner, str | bytes) else mask(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [mask(inner) for inner in value]
    return value


def logger(name: str) -> Any:
    """A structlog logger: `log.info("what_happened", key=value)`."""
    return structlog.get_logger(component=name)


def configure(level: str = "info", *, terminal: bool | None = None) -> None:
    """Set this process's logging up; anew when called again. `terminal` None asks stderr."""
    readable = sys.stderr.isatty() if terminal is None else terminal
    render = _readable if readable else _json
    threshold = _LEVELS[level]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            lambda _logger, _method, event: render(_stamped(mask(event))),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *_: _Out(),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_Handler(render)]
    root.setLevel(max(threshold, logging.INFO))
    global _access
    _access = render if threshold <= logging.INFO else None


_access: Callable[[Event], bytes] | None = None


def access(
    *, surface: str, method: str, path: str, status: int, seconds: float, request_id: str, address: str
) -> None:
    """One line for one request. Goes round the processors: it is written for every request there is.

    `path` is without the query, which never gets here.
    """
    if _access is None:
        return
    path = mask_path(path)
    for below in _MASKED_BELOW:
        if path.startswith(below):
            path = f"{below}***"
    event: Event = {
        "event": "request",
        "surface": surface,
        "method": method,
        "path": path if len(path) <= _LONGEST_PATH else f"{path[:_LONGEST_PATH]}…",
        "status": status,
        "ms": round(seconds * 1000, 2),
        "request_id": request_id,
        "address": address,
        "level": "info",
        "timestamp": datetime.now(UTC),
    }
    _write(_access(event))


class _Out:
    """What structlog takes for a logger of its own: every level is written."""

    def msg(self, line: bytes) -> None:
        _write(line)

    debug = info = warning = error = critical = exception = msg


class _Handler(logging.Handler):
    """The standard library's records, through the same mask and the same renderer."""

    def __init__(self, render: Callable[[Event], bytes]) -> None:
        super().__init__()
        self._render = render

    def emit(self, record: logging.LogRecord) -> None:
        event = {"event": record.getMessage(), "logger": record.name, "level": record.levelname.lower()}
        if record.exc_info:
            event["exception"] = logging.Formatter().formatException(record.exc_info)
        _write(self._render(_stamped(mask(event))))


def _stamped(event: Event) -> Event:
    event["timestamp"] = datetime.now(UTC)
    return event


def _json(event: Event) -> bytes:
    try:
        return msgspec.json.encode(event, enc_hook=str) + b"\n"
    except UnicodeEncodeError:  # a lone surrogate, out of some path or header
        return repr(event).encode("ascii", "backslashreplace") + b"\n"


def _readable(event: Event) -> bytes:
    told = dict(event)
    when, level, what = told.pop("timestamp"), told.pop("level", "info"), told.pop("event", "")
    trace = told.pop("exception", None)
    details = "".join(
        f"  {name}={value}" for name, value in told.items() if name not in ("logger", "component")
    )
    line = f"{when.astimezone():%H:%M:%S} {level:<7} {what}{details}\n"
    return (f"{line}{trace}\n" if trace else line).encode("utf-8", "backslashreplace")


def _write(line: bytes) -> None:
    with contextlib.suppress(OSError):  # nobody reads any more; that must not stop the hub
        os.write(_STDERR, line)
