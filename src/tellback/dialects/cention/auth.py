"""Who may call: the bearer of an access token of this workspace with the claim to errand data. No cookie is read."""

from __future__ import annotations

from tellback.core import errors, workspaces
from tellback.core.workspaces import Credential, Workspace
from tellback.dialects.cention.errors import BadToken, InsufficientScope
from tellback.kit.call import Call
from tellback.kit.limits import Limits

CLAIM = "errand_data"


async def bearer(call: Call, limits: Limits) -> Workspace:
    """The workspace in the address, opened by the call's token. Its credential is noted on the call.

    Raises `Unauthenticated`, `BadToken`, `InsufficientScope`, `RateLimited`. A workspace that is not there is a
    token's that opens nothing.
    """
    try:
        known = await _known(call)
    except errors.Unauthenticated:
        # Whoever it is, it is this workspace that they ask for, and its people whom the log tells of it.
        slug = call.path_part("workspace")
        call.addressed = await workspaces.addressed(call.hub.db, call.hub.configuration, slug)
        raise
    call.credential = known
    if not workspaces.tokens.works(known):
        raise BadToken("The access token is not valid.")
    limits.check_credential(f"{known.workspace.id}:{known.id}", loopback=call.peer.loopback)
    if CLAIM not in known.claims:
        raise InsufficientScope(f"The access token does not have the claim {CLAIM}.")
    return known.workspace


async def _known(call: Call) -> Credential:
    """The credential of the call's token, also one that is over or was revoked."""
    scheme, _, token = (call.header(b"authorization") or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise errors.Unauthenticated(
            "An access token is due in the Authorization header, as: Bearer <token>."
        )
    known = await workspaces.tokens.known(call.hub.db, call.hub.configuration, token.strip())
    if known is None or known.workspace.slug != call.path_part("workspace"):
        raise BadToken("The access token is not valid.")
    return known
