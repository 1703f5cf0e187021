"""Error kinds as JSON:API error objects (JSON:API 1.1, "Error Objects"), with the challenge that fits a refused token."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from tellback.core import errors
from tellback.kit import answers, faults
from tellback.kit.answers import Answer, Header

MEDIA_TYPE = b"application/vnd.api+json"
VERSION = {"version": "1.1"}
#: On every answer: what it says depends on the request's Accept, and reading it again may say something else.
HEADERS: tuple[Header, ...] = ((b"vary", b"Accept"), (b"cache-control", b"no-store"))
#: Error objects an answer holds at most.
MOST_SHOWN = 100


class BadToken(errors.Unauthenticated):
    """A bearer token was given, and it opens nothing here."""


class InsufficientScope(errors.Forbidden):
    """The token is good, and not good for this (RFC 6750, section 3.1)."""


class NotAcceptable(errors.HubError):
    """The request's Accept leaves nothing that this surface speaks."""


class BadParameters(errors.Malformed):
    """Query parameters that cannot be processed, as (parameter, sentence)."""

    def __init__(self, wrong: Sequence[tuple[str, str]]) -> None:
        super().__init__(wrong[0][1])
        self.wrong = tuple(wrong)


class WrongType(errors.Conflict):
    """A resource object whose type is not that of its collection."""


class ClientId(errors.Forbidden):
    """A resource object that brings an id of its own."""


_POINTERS: dict[type[errors.HubError], str] = {WrongType: "/data/type", ClientId: "/data/id"}
_HEADERS_AT_FAULT: dict[type[errors.HubError], str] = {
    errors.Unauthenticated: "Authorization",
    BadToken: "Authorization",
    InsufficientScope: "Authorization",
    NotAcceptable: "Accept",
    errors.Unsupported: "Content-Type",
    errors.KeyReused: "Idempotency-Key",
    errors.LoopDetected: "Tellback-Hop",
}
_CODES = {
    400: "malformed",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "rate_limited",
    431: "headers_too_large",
    500: "internal",
    503: "unavailable",
    508: "loop_detected",
}


def refusal(error: errors.HubError) -> Answer:
    """The answer to an error."""
    status = 406 if isinstance(error, NotAcceptable) else faults.status_of(error)
    document = {"jsonapi": VERSION, "errors": [_object(status, *one) for one in _shown(error)]}
    headers = (*faults.headers_of(error), *_challenge(error), *HEADERS)
    return answers.Answer(status, msgspec.json.encode(document), MEDIA_TYPE, headers)


def _shown(error: errors.HubError) -> list[tuple[str, dict[str, str] | None]]:
    """A sentence and the source of each thing that is wrong."""
    if isinstance(error, BadParameters):
        return [(said, {"parameter": name}) for name, said in error.wrong[:MOST_SHOWN]]
    if isinstance(error, errors.Invalid):
        return [(fault.message, {"pointer": fault.where}) for fault in error.faults[:MOST_SHOWN]]
    kind = type(error)
    if kind in _POINTERS:
        return [(error.message, {"pointer": _POINTERS[kind]})]
    header = _HEADERS_AT_FAULT.get(kind)
    return [(error.message, {"header": header} if header else None)]


def _object(status: int, detail: str, source: dict[str, str] | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "status": str(status),
        "code": _CODES.get(status, "refused"),
        "title": HTTPStatus(status).phrase,
        "detail": detail,
    }
    return found | {"source": source} if source else found


def _challenge(error: errors.HubError) -> tuple[Header, ...]:
    """RFC 6750, section 3: no error code where no token was sent."""
    if isinstance(error, BadToken):
        return ((b"www-authenticate", b'Bearer realm="cention", error="invalid_token"'),)
    if isinstance(error, errors.Unauthenticated):
        return ((b"www-authenticate", b'Bearer realm="cention"'),)
    if isinstance(error, InsufficientScope):
        return (
            (b"www-authenticate", b'Bearer realm="cention", error="insufficient_scope", scope="errand_data"'),
        )
    return ()
