"""Error kinds as this vendor's statuses and bodies: {"message"}, and on 422 "errors" by field."""

from __future__ import annotations

from typing import Any

from tellback.core import errors
from tellback.kit import answers, faults
from tellback.kit.answers import Answer

# Seed 003, "HTTP Status Code 422": this sentence, to the letter.
INVALID = "The given data was invalid."
UNAUTHENTICATED = "Unauthenticated."


class BadToken(errors.Unauthenticated):
    """A bearer token was given, and it opens nothing."""


class BadLogin(errors.Unauthenticated):
    """Of an incoming webhook: its user and password are missing or not right."""


def refusal(error: errors.HubError) -> Answer:
    """The answer to an error, with the challenge that fits it (RFC 6750, section 3; RFC 7617)."""
    code = faults.status_of(error)
    headers = faults.headers_of(error)
    body: dict[str, Any] = {"message": error.message}
    if isinstance(error, errors.Unauthenticated):
        body = {"message": UNAUTHENTICATED}
        headers = (*headers, (b"www-authenticate", _challenge(error)))
    if code == 422:
        body = {"message": INVALID, "errors": _by_field(error)}
    return answers.of_json(code, body, headers)


def _challenge(error: errors.Unauthenticated) -> bytes:
    if isinstance(error, BadLogin):
        return b'Basic realm="incoming webhook", charset="UTF-8"'
    return b'Bearer error="invalid_token"' if isinstance(error, BadToken) else b"Bearer"


def _by_field(error: errors.HubError) -> dict[str, list[str]]:
    if not isinstance(error, errors.Invalid):
        return {"Idempotency-Key": [error.message]}
    fields: dict[str, list[str]] = {}
    for fault in error.faults:
        fields.setdefault(fault.where, []).append(fault.message)
    return fields
