"""What the log says beside the facts. No I/O."""

from __future__ import annotations

import hashlib
import re

from tellback.core.intake.model import Entry

BODY_LIMIT = 16 * 1024

# Troubleshooting by status: seed 001, "4XX Troubleshooting", in our words; the others are ours.
_HINTS = {
    400: "The request could not be read as sent. Check that the body is correct JSON (a missing quote or comma is "
    "enough to fail) and that each value is one the mapping accepts.",
    401: "The authorization is missing, wrong, disabled or expired. Check that the key or token is present in the "
    "address or the Authorization header and still valid.",
    403: "The key is known but may not do this. Check that the caller's address is on the key's list and that the "
    "integration was set up with this key.",
    404: "The address does not lead to anything. Check the project key, the source's key or name, and the id in it.",
    405: "The address is right, the method is not. Change the request's method to one of those in the Allow header.",
    409: "It clashes with a request that is still running or with what is stored. Wait a moment and send it again.",
    410: "What the address leads to has ended, as a session does that stood still too long. Start anew.",
    413: "The body is over the limit. Send less, or upload large content as a file.",
    415: "The body's format is not one this address takes. Set the Content-Type header (usually application/json).",
    422: "The request was read, and a value in it cannot be taken. Compare it with the mapping.",
    429: "Too many requests in a short time. Wait as long as the Retry-After header says.",
    503: "The hub could not store it at that moment. Nothing was kept; send it again.",
}  # fmt: skip

# Members whose values never reach the log, in JSON, in JSON within a text, and in form bodies. Each pattern reads a
# character once: with a beginning that repeats, a long word would be read anew from each of its characters.
_SECRET = re.compile(
    r"(?i)api[_-]?key|api[_-]?secret|password|passwd|secret|token|authorization|signature|session[_-]?id|credential"
)
_REST_OF_NAME = re.compile(r"[\w.-]*+\\*+[\"']?+\s*+(?P<sign>[:=]\s*+)?")
_VALUE = re.compile(
    r"""(?xis)
      " (?: [^"\\] | \\. )*+ "?+          # a JSON string, perhaps cut off
    | \\+ " [^"\\]*+                      # one within a text: up to its end's backslash
    | ' [^']*+ '?+
    | (?: (?: basic | bearer | digest ) \s++ )?+ [^\s,;&\[\]{}"'\\]++
    """
)
_BRACKETS = re.compile(r"""(?s)"(?:[^"\\]|\\.)*+"?+|[\[\]{}]""")
_MASK = '"***"'


def hint(status: int) -> str | None:
    """What to do about a status; None where there is nothing to do."""
    return _HINTS.get(status)


def loggable_body(body: bytes) -> str:
    """A body as the log keeps it: secrets masked, at most 16 KiB, fit for a text column."""
    text = body[: BODY_LIMIT * 2].decode("utf-8", "replace").replace("\x00", "\ufffd")
    if _may_hold_secret(text):
        text = _masked(text)
    if len(text) <= BODY_LIMIT // 4:  # four bytes a character at most
        return text
    return text.encode()[:BODY_LIMIT].decode("utf-8", "ignore")


def created(entry: Entry) -> dict[str, str] | None:
    """What a call made. A refused one made nothing: what it was about is stored, so that erasing finds its body."""
    return entry.created if entry.status < 400 else None


def scope(*parts: str) -> bytes:
    """One digest for what an idempotency key belongs to. Parts cannot run into each other."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.digest()


def _masked(text: str) -> str:
    pieces: list[str] = []
    kept = at = 0
    while name := _SECRET.search(text, at):
        rest = _REST_OF_NAME.match(text, name.end())
        assert rest is not None  # it matches nothing at all, too
        at = rest.end()
        if rest["sign"] is not None:
            end = _end_of_value(text, at)
            pieces += (text[kept:at], _MASK)
            kept = at = end
    return "".join(pieces) + text[kept:]


def _end_of_value(text: str, begin: int) -> int:
    """Where the value that begins there ends: a list with its last bracket, what was cut off with the text."""
    value = _VALUE.match(text, begin)
    if value is not None:
        return value.end()
    depth = 0
    if text[begin : begin + 1] in ("[", "{"):
        for token in _BRACKETS.finditer(text, begin):
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
            if depth == 0:
                return token.end()
        return len(text)
    return begin


def _may_hold_secret(text: str) -> bool:
    """A quick no for nearly every body, before the slow search."""
    lowered = text.lower()
    return any(
        word in lowered for word in ("key", "secret", "pass", "token", "auth", "signature", "session", "cred")
    )
