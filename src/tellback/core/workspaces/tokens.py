"""Access tokens: JWTs signed by the hub, tied to a row that can be revoked.

A token says which workspace it opens and for what (`claims`); the row under its `jti` says whether it still
does. Ed25519 (RFC 8037); the header's `kid` picks the key out of the hub's own set and nothing else.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tellback.core import errors
from tellback.core.cache import ConfigurationCache
from tellback.core.workspaces import queries, rules
from tellback.core.workspaces.model import CLAIMS, Credential, Workspace
from tellback.storage.database import Database, Transaction

ISSUER = "tellback"
ALGORITHM = "EdDSA"
LARGEST_TOKEN = 4096


async def issue(
    tx: Transaction, workspace: Workspace, key: str, claims: list[str], expires_at: datetime | None = None
) -> str:
    """Make the token of `key` and give it back: this once. A token that had the key stops working.

    Raises `Invalid` for a key that is empty and a claim the hub does not know.
    """
    if not key.strip():
        raise errors.Invalid([errors.Fault("key", "must not be empty.")])
    unknown = sorted(set(claims) - set(CLAIMS))
    if unknown:
        raise errors.Invalid([errors.Fault("claims", f"{unknown[0]!r} is none of {', '.join(CLAIMS)}.")])
    kid, private_key = await _signing_key(tx)
    jti = secrets.token_urlsafe(32)
    await queries.store_access_token(
        tx, workspace.id, key, rules.secret_hash(jti), sorted(set(claims)), expires_at
    )
    payload: dict[str, Any] = {
        "iss": ISSUER,
        "sub": key,
        "aud": workspace.slug,
        "jti": jti,
        "iat": int(datetime.now(UTC).timestamp()),
        "claims": sorted(set(claims)),
    }
    if expires_at is not None:
        payload["exp"] = int(expires_at.timestamp())
    return jwt.encode(payload, private_key, algorithm=ALGORITHM, headers={"kid": kid})


async def authenticate(
    db: Database, configuration: ConfigurationCache, token: str, workspace: str | None = None
) -> Credential:
    """The credential behind a bearer token, if it is whole, ours, in time, not revoked, and for `workspace`.

    Raises `Unauthenticated` for everything else, without saying which.
    """
    credential = await known(db, configuration, token)
    if (
        credential is None
        or not works(credential)
        or (workspace is not None and credential.workspace.slug != workspace)
    ):
        raise errors.Unauthenticated("The access token is not valid.")
    return credential


async def known(db: Database, configuration: ConfigurationCache, token: str) -> Credential | None:
    """The credential behind a bearer token that is whole and ours, also one that is over or was revoked."""
    if len(token) > LARGEST_TOKEN:
        return None
    return await configuration.get(("token", token), lambda: _verified(db, configuration, token))


def works(credential: Credential) -> bool:
    """Whether a token's credential is in time and not revoked."""
    return credential.enabled and not rules.expired(credential, datetime.now(UTC))


async def payload(
    db: Database,
    configuration: ConfigurationCache,
    token: str,
    require: Sequence[str] = (),
    type: str = "JWT",
    *,
    in_time: bool = True,
) -> dict[str, Any] | None:
    """What a token of the hub says, if it is of this type, whole and, if asked for, in time; None otherwise."""
    try:
        keys = await configuration.get("signing keys", lambda: _public_keys(db))
        header = jwt.get_unverified_header(token)
        if keys is None or header.get("typ") != type:
            return None
        return jwt.decode(
            token,
            keys[str(header.get("kid"))],
            algorithms=[ALGORITHM, "Ed25519"],
            issuer=ISSUER,
            options={
                "verify_aud": False,
                "verify_exp": in_time,
                "require": ["iss", "sub", "aud", "jti", "iat", *require],
            },
        )
    except (jwt.InvalidTokenError, KeyError, ValueError, RecursionError):
        return None


async def _verified(db: Database, configuration: ConfigurationCache, token: str) -> Credential | None:
    found = await payload(db, configuration, token, in_time=False)
    if found is None:
        return None
    async with db.reading() as reader:
        credential = await queries.credential_by_secret(
            reader, "access_token", rules.secret_hash(str(found["jti"]))
        )
    if credential is None or credential.workspace.slug != found["aud"] or credential.name != found["sub"]:
        return None
    if "exp" not in found:
        return credential
    return dataclasses.replace(credential, expires_at=datetime.fromtimestamp(int(found["exp"]), UTC))


async def _public_keys(db: Database) -> dict[str, Ed25519PublicKey] | None:
    """None while there are none, so that the first one is seen at once."""
    async with db.reading() as reader:
        keys = await queries.signing_keys(reader)
    return {kid: Ed25519PrivateKey.from_private_bytes(raw).public_key() for kid, raw in keys.items()} or None


async def signing_key(db: Database, configuration: ConfigurationCache) -> tuple[str, Ed25519PrivateKey]:
    """The key id and the key that new tokens are signed with, made now if the hub has none."""
    return await configuration.get("signing key", lambda: db.write(_signing_key))


async def _signing_key(tx: Transaction) -> tuple[str, Ed25519PrivateKey]:
    """The newest key, made now if the hub has none."""
    keys = await queries.signing_keys(tx)
    if not keys:
        await queries.lock_signing_keys(tx)
        keys = await queries.signing_keys(tx)
    if not keys:
        made = Ed25519PrivateKey.generate()
        kid = secrets.token_hex(8)
        await queries.add_signing_key(tx, kid, made.private_bytes_raw())
        return kid, made
    kid, raw = list(keys.items())[-1]
    return kid, Ed25519PrivateKey.from_private_bytes(raw)
