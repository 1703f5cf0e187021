"""Who may call: the bearer of a connected app's access token."""

from __future__ import annotations

from tellback.core import errors, workspaces
from tellback.core.workspaces import Credential
from tellback.dialects.customergauge.errors import BadToken
from tellback.kit.call import Call
from tellback.kit.limits import Limits


async def bearer(call: Call, limits: Limits) -> Credential:
    """The connected app's credential, noted on the call. Raises `Unauthenticated`, `RateLimited`."""
    scheme, _, token = (call.header(b"authorization") or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise errors.Unauthenticated("There is no bearer token.")
    try:
        known = await workspaces.app_tokens.authenticate(call.hub.db, call.hub.configuration, token.strip())
    except errors.Unauthenticated as refused:
        raise BadToken(refused.message) from None
    call.credential = known
    limits.check_credential(f"{known.workspace.id}:{known.id}", loopback=call.peer.loopback)
    return known
