"""The two credentials of every call: where they are looked for, and what they must be good for.

Whatever is wrong with them, the caller reads one and the same 401; the intake log of the workspace that the
`apikey` belongs to says what it was. A call in the clear is refused whatever its credentials are.
"""

from __future__ import annotations

import re
from contextlib import suppress

from tellback.core import errors, workspaces
from tellback.core.workspaces import Credential
from tellback.kit import logins
from tellback.kit.answers import Answer
from tellback.kit.call import Call
from tellback.kit.limits import Limits
from tellback.storage.errors import StorageError

# Seed 002's own example glues the two together: `apikey={apikey}@apisecret={apisecret}`.
_GLUE = re.compile(r"[@&]apisecret=")
_ENCRYPT = (
    "Call the hub over https. A proxy that ends TLS is named with --trusted-proxy, and says so with "
    "X-Forwarded-Proto: https."
)


def presented(call: Call) -> tuple[str, str] | None:
    """`apikey` and `apisecret` as sent: in the query, or by HTTP Basic (RFC 7617)."""
    apikey, apisecret = call.query_value("apikey"), call.query_value("apisecret")
    if apikey is None and apisecret is None:
        login = logins.basic(call.header(b"authorization"))
        return login if login is not None and all(login) else None
    if apikey and not apisecret:
        apikey, *rest = _GLUE.split(apikey, maxsplit=1)
        apisecret = rest[0] if rest else None
    return (apikey, apisecret) if apikey and apisecret else None


async def credential(call: Call, limits: Limits) -> Credential:
    """The survey key's credential, noted on the call. Raises `Unauthenticated`, `RateLimited`."""
    pair = presented(call)
    if pair is None:
        raise errors.Unauthenticated("The apikey or the apisecret is missing.")
    known, own = await workspaces.known_pair(call.hub.db, call.hub.configuration, "survey_key", *pair)
    if known is None:
        raise errors.Unauthenticated("The apikey is not known.")
    call.credential = known
    if not own:
        raise errors.Unauthenticated("The apisecret is not the one of this apikey.")
    if not known.enabled:
        raise errors.Unauthenticated("The survey key is disabled.")
    limits.check_credential(f"{known.workspace.id}:{known.id}", loopback=call.peer.loopback)
    if not workspaces.rules.address_allowed(known, call.peer.address):
        raise errors.Unauthenticated("The survey key may not be used from this address.")
    return known


async def in_the_clear(call: Call) -> Answer:
    """Refuses a call that is not encrypted; the `apikey` tells in whose intake log that is. Raises `Unauthenticated`."""
    pair = presented(call)
    if pair is not None:
        with suppress(StorageError):  # the answer is the same
            call.credential, _ = await workspaces.known_pair(
                call.hub.db, call.hub.configuration, "survey_key", *pair
            )
    call.notes.hint = _ENCRYPT
    raise errors.Unauthenticated("The call is not encrypted.")
