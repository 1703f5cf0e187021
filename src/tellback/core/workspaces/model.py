"""Workspaces and the credentials that open them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from typing import Literal

CredentialKind = Literal[
    "api_key", "survey_key", "connected_app", "access_token", "incoming_webhook", "page"
]  # fmt: skip

#: What an access token may be good for.
CLAIMS = ("errand_data", "hub_read", "hub_write")


@dataclass(frozen=True, slots=True)
class Workspace:
    """A tenant. `automated` is False where it is known that nothing acts on what happens in it."""

    id: int
    slug: str
    name: str
    timezone: str
    automated: bool = True


@dataclass(frozen=True, slots=True)
class Credential:
    """A machine's way in. The secret itself is not known to the hub."""

    workspace: Workspace
    id: int
    kind: CredentialKind
    name: str
    enabled: bool
    allowed: tuple[IPv4Network | IPv6Network, ...]  # empty: any address
    claims: frozenset[str]
    expires_at: datetime | None
