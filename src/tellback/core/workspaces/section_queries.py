"""SQL of provisioning a workspace, its members and its credentials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tellback.core.workspaces.model import CredentialKind, Workspace
from tellback.storage.database import Reader, Row, Transaction


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a secret. Only its own workspace may be told."""

    workspace_id: int
    name: str
    archived: bool


async def workspace_by_id(reader: Reader, workspace_id: int) -> Workspace | None:
    row = await reader.fetchrow("select id, slug, name, timezone from workspaces where id = $1", workspace_id)
    return Workspace(**row) if row else None


async def add_workspace(tx: Transaction, slug: str, name: str, timezone: str) -> int:
    """A new workspace with its counters; gives its id."""
    workspace_id: int = await tx.fetchval(
        """
        with made as (insert into workspaces (slug, name, timezone) values ($1, $2, $3) returning id)
        insert into workspace_counters (workspace_id) select id from made returning workspace_id
        """,
        slug, name, timezone,
    )  # fmt: skip
    return workspace_id


async def change_workspace(tx: Transaction, workspace_id: int, name: str, timezone: str) -> None:
    await tx.execute(
        "update workspaces set name = $2, timezone = $3 where id = $1", workspace_id, name, timezone
    )


async def members(reader: Reader, workspace_id: int) -> Sequence[Row]:
    """Members, archived ones too, in the order they were made."""
    rows: Sequence[Row] = await reader.fetch(
        """
        select id, email, name, role, password_hash, archived_at is not null as archived
        from members where workspace_id = $1 order by id
        """,
        workspace_id,
    )
    return rows


async def add_member(
    tx: Transaction, workspace_id: int, email: str, name: str, role: str, password_hash: str
) -> None:
    await tx.execute(
        "insert into members (workspace_id, email, name, role, password_hash) values ($1, $2, $3, $4, $5)",
        workspace_id, email, name, role, password_hash,
    )  # fmt: skip


async def change_member(
    tx: Transaction,
    workspace_id: int,
    member_id: int,
    email: str,
    name: str,
    role: str,
    password_hash: str | None,
) -> None:
    """Store what a member is now; no `password_hash` keeps the one there is. Brings an archived one back."""
    await tx.execute(
        """
        update members set email = $3, name = $4, role = $5, password_hash = coalesce($6, password_hash),
               archived_at = null
        where workspace_id = $1 and id = $2
        """,
        workspace_id, member_id, email, name, role, password_hash,
    )  # fmt: skip


async def archive_member(tx: Transaction, workspace_id: int, member_id: int) -> None:
    await tx.execute(
        "update members set archived_at = now() where workspace_id = $1 and id = $2", workspace_id, member_id
    )


async def credentials(reader: Reader, workspace_id: int, kind: CredentialKind) -> Sequence[Row]:
    """Credentials of one kind, archived ones too, in the order they were made."""
    rows: Sequence[Row] = await reader.fetch(
        """
        select id, name, secret_hash, allowed_ips, claims, enabled, expires_at,
               archived_at is not null as archived
        from credentials where workspace_id = $1 and kind = $2 order by id
        """,
        workspace_id, kind,
    )  # fmt: skip
    return rows


async def holders(reader: Reader, kind: CredentialKind, hashes: Sequence[bytes]) -> dict[bytes, Holder]:
    """Who in the whole hub holds these secrets of a kind: they open a workspace, so no two may share one."""
    rows = await reader.fetch(
        """
        select secret_hash, workspace_id, name, archived_at is not null as archived
        from credentials where kind = $1 and secret_hash = any($2::bytea[])
        """,
        kind, list(hashes),
    )  # fmt: skip
    return {row["secret_hash"]: Holder(row["workspace_id"], row["name"], row["archived"]) for row in rows}


async def release_secrets(
    tx: Transaction, workspace_id: int, kind: CredentialKind, hashes: Sequence[bytes]
) -> None:
    """Take these secrets from their holders in the workspace, so that others can have them.

    What stays in their place is the hash of nothing anybody knows.
    """
    await tx.execute(
        """
        update credentials set secret_hash = sha256(gen_random_uuid()::text::bytea || secret_hash)
        where workspace_id = $1 and kind = $2 and secret_hash = any($3::bytea[])
        """,
        workspace_id, kind, list(hashes),
    )  # fmt: skip


async def add_api_key(
    tx: Transaction,
    workspace_id: int,
    name: str,
    secret_hash: bytes,
    allowed_ips: Sequence[str],
    enabled: bool,
) -> None:
    await tx.execute(
        """
        insert into credentials (workspace_id, kind, name, secret_hash, allowed_ips, enabled)
        values ($1, 'api_key', $2, $3, $4, $5)
        """,
        workspace_id, name, secret_hash, list(allowed_ips), enabled,
    )  # fmt: skip


async def change_api_key(
    tx: Transaction,
    workspace_id: int,
    credential_id: int,
    secret_hash: bytes | None,
    allowed_ips: Sequence[str],
    enabled: bool,
) -> None:
    """Store what a key is now; no `secret_hash` keeps the one there is. Brings an archived one back."""
    await tx.execute(
        """
        update credentials set secret_hash = coalesce($3, secret_hash), allowed_ips = $4, enabled = $5,
               archived_at = null
        where workspace_id = $1 and id = $2
        """,
        workspace_id, credential_id, secret_hash, list(allowed_ips), enabled,
    )  # fmt: skip


async def archive_credential(tx: Transaction, workspace_id: int, credential_id: int) -> None:
    await tx.execute(
        "update credentials set archived_at = now() where workspace_id = $1 and id = $2",
        workspace_id, credential_id,
    )  # fmt: skip


async def credential_ids(reader: Reader, workspace_id: int, kind: CredentialKind) -> dict[str, int]:
    """The ids of the credentials of a kind that are in use, by name."""
    rows = await reader.fetch(
        """
        select name, id from credentials where workspace_id = $1 and kind = $2 and archived_at is null
        """,
        workspace_id, kind,
    )  # fmt: skip
    return {row["name"]: row["id"] for row in rows}
