"""Error kinds as HTTP sees them: status and headers of each, whatever words a surface puts in the body."""

from __future__ import annotations

from tellback.core import errors
from tellback.kit import answers, ranges
from tellback.storage import errors as storage_errors


class HeadersTooLarge(errors.Malformed):
    """The request's headers are over the limit in all (RFC 6585, section 5)."""


class Unexpected(errors.HubError):
    """Something of ours broke. Its words tell nothing of the inside; the log has it under the request id."""

    def __init__(self) -> None:
        super().__init__(
            "Something went wrong on our side. The request id of this answer finds it in the log."
        )


_STATUS: dict[type[BaseException], int] = {
    errors.Malformed: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.MethodNotAllowed: 405,
    errors.Conflict: 409,
    errors.Gone: 410,
    ranges.PreconditionFailed: 412,
    errors.TooLarge: 413,
    errors.Unsupported: 415,
    ranges.NotSatisfiable: 416,
    errors.Invalid: 422,
    errors.KeyReused: 422,
    errors.RateLimited: 429,
    HeadersTooLarge: 431,
    Unexpected: 500,
    errors.Unavailable: 503,
    errors.LoopDetected: 508,  # RFC 5842, section 7.2
}


def status_of(error: errors.HubError) -> int:
    """The status of an error's kind, or of the nearest kind it descends from; 500 when none is known."""
    for kind in type(error).__mro__:
        if kind in _STATUS:
            return _STATUS[kind]
    return 500


def headers_of(error: errors.HubError) -> tuple[answers.Header, ...]:
    """`Allow`, `Content-Range`, `Retry-After` and the RateLimit fields, where the kind has them.

    Source of the last: draft-ietf-httpapi-ratelimit-headers.
    """
    if isinstance(error, errors.MethodNotAllowed):
        return ((b"allow", ", ".join(error.allow).encode()),)
    if isinstance(error, ranges.NotSatisfiable):
        return ((b"content-range", b"bytes */%d" % error.size),)
    if isinstance(error, errors.Unavailable):
        return ((b"retry-after", b"%d" % error.retry_after),)
    if isinstance(error, errors.RateLimited):
        return (
            (b"retry-after", b"%d" % error.retry_after),
            (b"ratelimit", b'"default";r=0;t=%d' % error.retry_after),
            (b"ratelimit-policy", b'"default";q=%d;w=%d' % (error.limit, error.window)),
        )
    return ()


def hub_error(error: Exception) -> errors.HubError | None:
    """The expected fault that an exception is, or None when nobody expected it."""
    if isinstance(error, errors.HubError):
        return error
    if isinstance(error, storage_errors.Unstorable):
        return errors.Malformed(
            "A text in the request holds a character, or a number, that cannot be stored."
        )
    if isinstance(error, storage_errors.DatabaseAway | storage_errors.QueueFull | storage_errors.BlobsAway):
        return errors.Unavailable()
    return None
