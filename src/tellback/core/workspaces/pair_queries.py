"""SQL of credentials that come as a pair: an id that is no secret, and a secret."""

from __future__ import annotations

from collections.abc import Sequence

from tellback.core.workspaces.model import Credential, CredentialKind
from tellback.core.workspaces.queries import CREDENTIAL, credential_of
from tellback.core.workspaces.section_queries import Holder
from tellback.storage.database import Reader, Row, Transaction


async def by_public_id(
    reader: Reader, kind: CredentialKind, public_id: str
) -> tuple[Credential, bytes] | None:
    """The one credential of a kind with this id, in whatever workspace, and the SHA-256 of its secret."""
    row = await reader.fetchrow(f"{CREDENTIAL} where c.kind = $1 and c.public_id = $2", kind, public_id)
    return (credential_of(row), row["secret_hash"]) if row else None


async def pairs(reader: Reader, workspace_id: int, kind: CredentialKind) -> Sequence[Row]:
    """Credentials of one kind, archived ones too, in the order they were made."""
    rows: Sequence[Row] = await reader.fetch(
        """
        select id, name, public_id, secret_hash, allowed_ips, enabled, archived_at is not null as archived
        from credentials where workspace_id = $1 and kind = $2 order by id
        """,
        workspace_id, kind,
    )  # fmt: skip
    return rows


async def id_holders(reader: Reader, kind: CredentialKind, public_ids: Sequence[str]) -> dict[str, Holder]:
    """Who in the whole hub holds these ids of a kind."""
    rows = await reader.fetch(
        """
        select public_id, workspace_id, name, archived_at is not null as archived
        from credentials where kind = $1 and public_id = any($2::text[])
        """,
        kind, list(public_ids),
    )  # fmt: skip
    return {row["public_id"]: Holder(row["workspace_id"], row["name"], row["archived"]) for row in rows}


async def release_ids(
    tx: Transaction, workspace_id: int, kind: CredentialKind, public_ids: Sequence[str]
) -> None:
    """Take these ids from their holders in the workspace, so that others can have them."""
    await tx.execute(
        """
        update credentials set public_id = null
        where workspace_id = $1 and kind = $2 and public_id = any($3::text[])
        """,
        workspace_id, kind, list(public_ids),
    )  # fmt: skip


async def add_pair(
    tx: Transaction,
    workspace_id: int,
    kind: CredentialKind,
    name: str,
    public_id: str,
    secret_hash: bytes,
    allowed_ips: Sequence[str],
    enabled: bool,
) -> None:
    await tx.execute(
        """
        insert into credentials (workspace_id, kind, name, public_id, secret_hash, allowed_ips, enabled)
        values ($1, $2, $3, $4, $5, $6, $7)
        """,
        workspace_id, kind, name, public_id, secret_hash, list(allowed_ips), enabled,
    )  # fmt: skip


async def change_pair(
    tx: Transaction,
    workspace_id: int,
    credential_id: int,
    public_id: str,
    secret_hash: bytes | None,
    allowed_ips: Sequence[str],
    enabled: bool,
) -> None:
    """Store what a pair is now; no `secret_hash` keeps the one there is. Brings an archived one back."""
    await tx.execute(
        """
        update credentials set public_id = $3, secret_hash = coalesce($4, secret_hash), allowed_ips = $5,
               enabled = $6, archived_at = null
        where workspace_id = $1 and id = $2
        """,
        workspace_id, credential_id, public_id, secret_hash, list(allowed_ips), enabled,
    )  # fmt: skip
