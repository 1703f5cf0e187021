"""What every call of this surface goes through, in this order: token, method, negotiation. And how it is answered."""

from __future__ import annotations

from typing import Any

import msgspec

from tellback.core.workspaces import Workspace
from tellback.dialects.cention import auth, negotiation
from tellback.dialects.cention.errors import HEADERS, MEDIA_TYPE
from tellback.kit import front
from tellback.kit.answers import Answer, Header
from tellback.kit.call import Call
from tellback.kit.limits import Limits


async def enter(call: Call, limits: Limits, *methods: str) -> Workspace:
    """The workspace, opened. Raises what `auth` and `negotiation` do, and `MethodNotAllowed`."""
    workspace = await auth.bearer(call, limits)
    call.require_method(*methods)
    negotiation.check(call)
    return workspace


def reads(call: Call) -> bool:
    """Whether the answer's body goes out: it does not to a HEAD, which a surface sees as GET."""
    return front.method_of(call.scope) != "HEAD"


def answer(status: int, document: dict[str, Any], headers: tuple[Header, ...] = ()) -> Answer:
    """A JSON:API answer."""
    return Answer(status, msgspec.json.encode(document), MEDIA_TYPE, (*headers, *HEADERS))
