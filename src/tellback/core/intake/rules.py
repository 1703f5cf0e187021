"""What the log says beside the facts. No I/O."""

from __future__ import annotations

import hashlib
import re

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

# Members whose values never reach the log, in JSON and in form bodies; a value that the body's end cuts off, too.
# A name is looked at from its first character alone and nothing is given back, so the time grows with the body,
# whatever is in it.
_SECRET = re.compile(
    r"(?is)(?P<name>[\"']?(?<![\w.-])"
    r"(?=[\w.-]*?(?:api_?key|api_?secret|password|passwd|secret|token|authorization|signature"
    r"|session_?id|credential))[\w.-]++[\"']?\s*+[:=]\s*+)"
    r"(?P<value>\"(?:[^\"\\]|\\.?)*+(?:\"|\Z)|'[^']*+(?:'|\Z)|[^\s,;&}\]\"']++)"
)


def hint(status: int) -> str | None:
    """What to do about a status; None where there is nothing to do."""
    return _HINTS.get(status)


def loggable_body(body: bytes) -> str:
    """A body as the log keeps it: secrets masked, at most 16 KiB, fit for a text column."""
    text = body[: BODY_LIMIT * 2].decode("utf-8", "replace").replace("\x00", "\ufffd")
    if _may_hold_secret(text):
        text = _SECRET.sub(lambda found: f'{found["name"]}"***"', text)
    if len(text) <= BODY_LIMIT // 4:  # four bytes a character at most
        return text
    return text.encode()[:BODY_LIMIT].decode("utf-8", "ignore")


def scope(*parts: str) -> bytes:
    """One digest for what an idempotency key belongs to. Parts cannot run into each other."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.digest()


def _may_hold_secret(text: str) -> bool:
    """A quick no for nearly every body, before the slow search."""
    lowered = text.lower()
    return any(
        word in lowered for word in ("key", "secret", "pass", "token", "auth", "signature", "session", "cred")
    )
