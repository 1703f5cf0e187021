"""Who may call the hub's API: the bearer of an access token with the claim a call needs."""

from __future__ import annotations

from typing import Any, cast

from litestar import Request

from tellback.core import errors, workspaces
from tellback.core.hub import Hub
from tellback.kit import answers
from tellback.kit.front import peer_of
from tellback.kit.limits import Limits


class BadToken(errors.Unauthenticated):
    """A token was sent, and it is none that works (RFC 6750, section 3.1)."""


class InsufficientScope(errors.Forbidden):
    """The token is good, and not good for this (RFC 6750, section 3.1)."""


async def bearer(request: Request[Any, Any, Any], claim: str) -> workspaces.Credential:
    """The token's credential. Raises `Unauthenticated`, `BadToken`, `InsufficientScope`, `RateLimited`."""
    hub: Hub = request.app.state["hub"]
    limits: Limits = request.app.state["limits"]
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise errors.Unauthenticated(
            "An access token is due in the Authorization header, as: Bearer <token>."
        )
    try:
        known = await workspaces.tokens.authenticate(hub.db, hub.configuration, token.strip())
    except errors.Unauthenticated as error:
        raise BadToken(str(error)) from None
    limits.check_credential(
        f"{known.workspace.id}:{known.id}", loopback=peer_of(cast(answers.Scope, request.scope)).loopback
    )
    if claim not in known.claims:
        raise InsufficientScope(f"The access token does not have the claim {claim}.")
    return known


def only(request: Request[Any, Any, Any], *known: str) -> None:
    """Refuse query parameters a call does not have: a misspelled filter must not pass for no filter."""
    for name in request.query_params:
        if name not in known:
            there = f"there are {', '.join(known)}" if known else "there is none"
            raise errors.Malformed(f"There is no query parameter {name[:100]!r} here; {there}.")
