"""Access tokens of connected apps: short-lived JWTs, signed by the hub and stored nowhere.

A token names its app's credential; whether that is still enabled is looked up (and remembered until the
configuration changes), so a disabled app's tokens end at once though they have an hour of their own.
"""

from __future__ import annotations

import dataclasses
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from tellback.core import errors
from tellback.core.cache import ConfigurationCache
from tellback.core.workspaces import pair_queries, queries, rules, tokens
from tellback.core.workspaces.model import Credential
from tellback.storage.database import Database

LIFETIME_S = 3600
#: RFC 9068, section 2.1: what tells these from other tokens the hub signs.
TYPE = "at+jwt"
#: Compared with where there is no app, so that an unknown client id takes the time of a wrong secret.
_NOBODYS = bytes(32)


async def known_app(
    db: Database, configuration: ConfigurationCache, client_id: str, client_secret: str
) -> tuple[Credential | None, bool]:
    """The app with this id, disabled ones too, and whether the secret is its own; None for an unknown id.

    Only what was right is remembered. An unknown id and a wrong secret both cost one query and one comparison.
    """
    digest = rules.secret_hash(client_secret)
    if "\x00" in client_id:  # which PostgreSQL has no text for
        client_id = ""

    seen: list[Credential] = []

    async def load() -> Credential | None:
        async with db.reading() as reader:
            found = await pair_queries.by_public_id(reader, "connected_app", client_id)
        app, kept = found if found is not None else (None, _NOBODYS)
        own = hmac.compare_digest(digest, kept)
        seen.extend([app] if app is not None else [])
        return app if own else None

    right = await configuration.get(("connected_app", client_id, digest), load)
    return right or (seen[0] if seen else None), right is not None


async def issue(db: Database, configuration: ConfigurationCache, app: Credential) -> str:
    """A new token of an app, good for `LIFETIME_S` seconds on every process of the hub."""
    kid, private_key = await tokens.signing_key(db, configuration)
    issued = int(datetime.now(UTC).timestamp())
    payload: dict[str, Any] = {
        "iss": tokens.ISSUER,
        "sub": app.name,
        "aud": app.workspace.slug,
        "app": app.id,
        "jti": secrets.token_urlsafe(16),
        "iat": issued,
        "exp": issued + LIFETIME_S,
    }
    headers = {"kid": kid, "typ": TYPE}
    return jwt.encode(payload, private_key, algorithm=tokens.ALGORITHM, headers=headers)


async def authenticate(db: Database, configuration: ConfigurationCache, token: str) -> Credential:
    """The app behind a token that is whole, ours, in time, and whose app is enabled.

    Raises `Unauthenticated` for everything else, without saying which.
    """
    if len(token) > tokens.LARGEST_TOKEN:
        raise errors.Unauthenticated("The access token is not valid.")
    app = await configuration.get(("app token", token), lambda: _verified(db, configuration, token))
    if app is None or not app.enabled or rules.expired(app, datetime.now(UTC)):
        raise errors.Unauthenticated("The access token is not valid.")
    return app


async def _verified(db: Database, configuration: ConfigurationCache, token: str) -> Credential | None:
    payload = await tokens.payload(db, configuration, token, ["app", "exp"], TYPE)
    if payload is None:
        return None
    workspace, app_id = payload["aud"], payload["app"]
    if not isinstance(workspace, str) or not isinstance(app_id, int):
        return None

    async def load() -> Credential | None:
        async with db.reading() as reader:
            return await queries.credential_by_id(reader, "connected_app", workspace, app_id)

    app = await configuration.get(("connected_app", workspace, app_id), load)
    if app is None:
        return None
    expires = datetime.fromtimestamp(0, UTC) + timedelta(seconds=int(payload["exp"]))
    return dataclasses.replace(app, expires_at=expires)
