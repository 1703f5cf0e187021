"""SQL of workspaces, credentials and signing keys."""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_network

from tellback.core.workspaces.model import Credential, CredentialKind, Workspace
from tellback.storage.database import Reader, Row, Transaction

#: A credential with its workspace; `credential_of` reads its rows.
CREDENTIAL = """
select c.workspace_id, c.id, c.kind, c.name, c.enabled and c.archived_at is null as enabled,
       c.allowed_ips, c.claims, c.expires_at, c.secret_hash, w.slug, w.name as workspace_name, w.timezone, w.automated
from credentials c join workspaces w on w.id = c.workspace_id
"""


async def workspace_by_slug(reader: Reader, slug: str) -> Workspace | None:
    row = await reader.fetchrow("select id, slug, name, timezone from workspaces where slug = $1", slug)
    return Workspace(**row) if row else None


async def is_automated(reader: Reader, workspace_id: int) -> bool:
    """Whether anything acts on what happens in the workspace, so that events carry snapshots."""
    automated: bool = await reader.fetchval("select automated from workspaces where id = $1", workspace_id)
    return automated


async def workspaces(reader: Reader) -> list[Workspace]:
    """All of them, by slug."""
    rows = await reader.fetch("select id, slug, name, timezone from workspaces order by slug")
    return [Workspace(**row) for row in rows]


async def credential_by_secret(reader: Reader, kind: CredentialKind, secret_hash: bytes) -> Credential | None:
    """The one credential of a kind with this secret, in whatever workspace; archived ones are disabled."""
    row = await reader.fetchrow(f"{CREDENTIAL} where c.kind = $1 and c.secret_hash = $2", kind, secret_hash)
    return credential_of(row) if row else None


async def credential_by_id(
    reader: Reader, kind: CredentialKind, slug: str, credential_id: int
) -> Credential | None:
    """A workspace's credential of a kind; an archived one is disabled."""
    row = await reader.fetchrow(
        f"{CREDENTIAL} where c.kind = $1 and w.slug = $2 and c.id = $3", kind, slug, credential_id
    )
    return credential_of(row) if row else None


async def access_tokens(reader: Reader, workspace_id: int) -> list[Credential]:
    """Every access token of a workspace, revoked ones too, by key."""
    rows = await reader.fetch(
        f"{CREDENTIAL} where c.workspace_id = $1 and c.kind = 'access_token' order by c.name", workspace_id
    )
    return [credential_of(row) for row in rows]


async def store_access_token(
    tx: Transaction,
    workspace_id: int,
    key: str,
    jti_hash: bytes,
    claims: list[str],
    expires_at: datetime | None,
) -> None:
    """Store a token under its key; the one that had the key stops working."""
    await tx.execute(
        """
        insert into credentials (workspace_id, kind, name, secret_hash, claims, expires_at)
        values ($1, 'access_token', $2, $3, $4, $5)
        on conflict (workspace_id, kind, name) do update
        set secret_hash = excluded.secret_hash, claims = excluded.claims, expires_at = excluded.expires_at,
            enabled = true, archived_at = null, created_at = now()
        """,
        workspace_id, key, jti_hash, claims, expires_at,
    )  # fmt: skip


async def revoke_access_token(tx: Transaction, workspace_id: int, key: str) -> bool:
    """Whether there was a token of that key that worked."""
    row = await tx.fetchrow(
        """
        update credentials set enabled = false, archived_at = now()
        where workspace_id = $1 and kind = 'access_token' and name = $2 and enabled and archived_at is null
        returning id
        """,
        workspace_id, key,
    )  # fmt: skip
    return row is not None


async def signing_keys(reader: Reader) -> dict[str, bytes]:
    """Ed25519 private keys by key id, newest last."""
    rows = await reader.fetch("select kid, private_key from signing_keys order by created_at, kid")
    return {row["kid"]: row["private_key"] for row in rows}


async def add_signing_key(tx: Transaction, kid: str, private_key: bytes) -> None:
    await tx.execute("insert into signing_keys (kid, private_key) values ($1, $2)", kid, private_key)


async def lock_signing_keys(tx: Transaction) -> None:
    """Let no other process make the first key at the same time."""
    await tx.execute("lock table signing_keys in share row exclusive mode")


def credential_of(row: Row) -> Credential:
    """A row of `CREDENTIAL`."""
    return Credential(
        workspace=Workspace(
            row["workspace_id"], row["slug"], row["workspace_name"], row["timezone"], row["automated"]
        ),
        id=row["id"],
        kind=row["kind"],
        name=row["name"],
        enabled=row["enabled"],
        allowed=tuple(ip_network(text, strict=False) for text in row["allowed_ips"]),
        claims=frozenset(row["claims"]),
        expires_at=row["expires_at"],
    )
