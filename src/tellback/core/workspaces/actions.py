"""Verbs on workspaces and their credentials."""

from __future__ import annotations

from tellback.core import errors
from tellback.core.cache import ConfigurationCache
from tellback.core.workspaces import queries, rules
from tellback.core.workspaces.model import Credential, CredentialKind, Workspace
from tellback.storage.database import Database, Reader


async def find(reader: Reader, slug: str) -> Workspace:
    """The workspace of that slug. Raises `NotFound`."""
    workspace = await queries.workspace_by_slug(reader, slug)
    if workspace is None:
        raise errors.NotFound(f"There is no workspace {slug!r}.")
    return workspace


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
