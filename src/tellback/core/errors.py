"""What can go wrong, as kinds. Surfaces turn a kind into a status and their own body by table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One thing wrong with one input.

    `where` is the name the sender used (a parameter, a heading, a path in a file); `message` is a sentence
    that never repeats a secret.
    """

    where: str
    message: str


class HubError(Exception):
    """Base of every expected fault. `str(error)` is a sentence fit for the sender."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Malformed(HubError):
    """The bytes are not what the endpoint reads: broken JSON, a broken multipart body, a bad cursor."""


class Invalid(HubError):
    """The input was read, and one or more of its values cannot be taken."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(faults[0].message if faults else "The input is not valid.")
        self.faults = tuple(faults)


class Unauthenticated(HubError):
    """No credential, or one that is unknown, disabled, expired or revoked."""


class Forbidden(HubError):
    """The credential is known and may not do this."""


class NotFound(HubError):
    """No such thing, or none that this credential may know of."""


class Gone(HubError):
    """It was there and has ended for good; asking again will not help."""


class MethodNotAllowed(HubError):
    """The thing is there and does not take this method; `allow` are the ones it takes."""

    def __init__(self, allow: Sequence[str]) -> None:
        super().__init__(f"This method is not allowed here; use {', '.join(allow)}.")
        self.allow = tuple(allow)


class Unsupported(HubError):
    """The body is of a media type, or in a content coding, that the endpoint does not read."""


class TooLarge(HubError):
    """The body, or a part of it, is over its limit."""


class Conflict(HubError):
    """It clashes with what is there or what is going on."""


class KeyReused(HubError):
    """An idempotency key came again with another body (draft-ietf-httpapi-idempotency-key-header)."""


class LoopDetected(HubError):
    """A call that went from hub to hub too often to be anything but a circle."""

    def __init__(self, hops: int) -> None:
        super().__init__(
            f"This call has gone through {hops} hubs, one setting off the other; it goes no further."
        )


class RateLimited(HubError):
    """Too many requests; `retry_after` in seconds, `limit` and `window` for the RateLimit headers."""

    def __init__(self, retry_after: int, limit: int, window: int) -> None:
        super().__init__(f"Too many requests; try again in {retry_after} s.")
        self.retry_after = retry_after
        self.limit = limit
        self.window = window


class Unavailable(HubError):
    """The hub cannot keep its promise right now (database away, queue full); nothing was stored.

    `retry_after` is in seconds.
    """

    def __init__(
        self, message: str = "The hub cannot store anything right now; try again.", retry_after: int = 2
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
