"""Decisions about workspaces and credentials. No I/O."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime
from ipaddress import ip_address

from tellback.core.workspaces.model import Credential

#: What a workspace may be called in addresses.
SLUG = re.compile(r"[a-z0-9][a-z0-9_\-]{0,62}\Z")


def secret_hash(secret: str) -> bytes:
    """What is stored of a random secret. Fast on purpose: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def new_secret(prefix: str) -> str:
    """256 random bits, with a prefix that tells a reader what it opens."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def address_allowed(credential: Credential, address: str) -> bool:
    """Whether a caller at `address` may use it. An IPv4 address in IPv6 clothes counts as IPv4."""
    if not credential.allowed:
        return True
    try:
        caller = ip_address(address)
    except ValueError:
        return False
    caller = getattr(caller, "ipv4_mapped", None) or caller
    return any(caller.version == network.version and caller in network for network in credential.allowed)


def expired(credential: Credential, now: datetime) -> bool:
    return credential.expires_at is not None and credential.expires_at <= now
