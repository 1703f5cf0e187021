"""Verbs on workspaces and their credentials."""

from __future__ import annotations

import hmac

from tellback.core import errors
from tellback.core.cache import ConfigurationCache
from tellback.core.workspaces import pair_queries, queries, rules
from tellback.core.workspaces.model import Credential, CredentialKind, Workspace
from tellback.storage.database import Database, Reader


async def find(reader: Reader, slug: str) -> Workspace:
    """The workspace of that slug. Raises `NotFound`."""
    workspace = await queries.workspace_by_slug(reader, slug)
    if workspace is None:
        raise errors.NotFound(f"There is no workspace {slug!r}.")
    return workspace


async def addressed(db: Database, configuration: ConfigurationCache, slug: str) -> Workspace | None:
    """The workspace that an address names, from memory where it is known; None where there is none."""
    if not rules.SLUG.match(slug):  # strangers put anything there, also what cannot be stored
        return None

    async def load() -> Workspace | None:
        async with db.reading() as reader:
            return await queries.workspace_by_slug(reader, slug)

    return await configuration.get(("workspace", slug), load)


async def known_credential(
    db: Database, configuration: ConfigurationCache, kind: CredentialKind, secret: str
) -> Credential | None:
    """The credential a secret belongs to, disabled ones too; None for a secret nobody was given.

    It is found by the secret's SHA-256, so how long the search takes says nothing about the secret.
    """
    digest = rules.secret_hash(secret)

    async def load() -> Credential | None:
        async with db.reading() as reader:
            return await queries.credential_by_secret(reader, kind, digest)

    return await configuration.get((kind, digest), load)


async def known_pair(
    db: Database, configuration: ConfigurationCache, kind: CredentialKind, public_id: str, secret: str
) -> tuple[Credential | None, bool]:
    """The credential with this id, disabled ones too, and whether the secret is its own.

    None for an id nobody was given. Secrets are compared by their SHA-256, in constant time.
    """
    if "\x00" in public_id:  # which PostgreSQL has no text for
        return None, False

    async def load() -> tuple[Credential, bytes] | None:
        async with db.reading() as reader:
            return await pair_queries.by_public_id(reader, kind, public_id)

    found = await configuration.get((kind, "public id", public_id), load)
    if found is None:
        return None, False
    credential, secret_hash = found
    return credential, hmac.compare_digest(rules.secret_hash(secret), secret_hash)
