"""SQL of provisioning touchpoints, import configurations and incoming webhooks."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tellback.storage.database import Reader, Row, Transaction


async def touchpoints(reader: Reader, workspace_id: int) -> Sequence[Row]:
    """Touchpoints, archived ones too, in the order they were made."""
    rows: Sequence[Row] = await reader.fetch(
        """
        select id, name, archived_at is not null as archived from touchpoints where workspace_id = $1 order by id
        """,
        workspace_id,
    )
    return rows


async def put_touchpoint(tx: Transaction, workspace_id: int, touchpoint_id: int | None, name: str) -> None:
    """Make a touchpoint, or give a known one its name and bring it back."""
    if touchpoint_id is None:
        await tx.execute("insert into touchpoints (workspace_id, name) values ($1, $2)", workspace_id, name)
        return
    await tx.execute(
        "update touchpoints set name = $3, archived_at = null where workspace_id = $1 and id = $2",
        workspace_id, touchpoint_id, name,
    )  # fmt: skip


async def archive_touchpoint(tx: Transaction, workspace_id: int, touchpoint_id: int) -> None:
    await tx.execute(
        "update touchpoints set archived_at = now() where workspace_id = $1 and id = $2",
        workspace_id, touchpoint_id,
    )  # fmt: skip


async def configurations(reader: Reader, workspace_id: int) -> Sequence[Row]:
    """Import configurations, archived ones too, in the order they were made."""
    rows: Sequence[Row] = await reader.fetch(
        """
        select id, reference, name, object, active, unmapped, fields, archived_at is not null as archived
        from import_configurations where workspace_id = $1 order by id
        """,
        workspace_id,
    )
    return rows


async def put_configuration(
    tx: Transaction,
    workspace_id: int,
    reference: str,
    name: str,
    object: str,
    active: bool,
    unmapped: str,
    fields: Sequence[tuple[str, str]],
) -> None:
    """Make a configuration, or store what a known one is now; brings an archived one back."""
    await tx.execute(
        """
        insert into import_configurations (workspace_id, reference, name, object, active, unmapped, fields)
        values ($1, $2, $3, $4, $5, $6, $7::jsonb)
        on conflict (workspace_id, reference) do update
        set name = excluded.name, object = excluded.object, active = excluded.active,
            unmapped = excluded.unmapped, fields = excluded.fields, archived_at = null
        """,
        workspace_id, reference, name, object, active, unmapped, msgspec.json.encode(fields).decode(),
    )  # fmt: skip


async def archive_configuration(tx: Transaction, workspace_id: int, configuration_id: int) -> None:
    await tx.execute(
        "update import_configurations set archived_at = now() where workspace_id = $1 and id = $2",
        workspace_id, configuration_id,
    )  # fmt: skip


async def webhooks(reader: Reader, workspace_id: int) -> Sequence[Row]:
    """Incoming webhooks with their credentials, archived ones too, in the order they were made."""
    rows: Sequence[Row] = await reader.fetch(
        """
        select c.id, c.name, c.secret_hash, c.enabled, c.archived_at is not null as archived,
               h.username, h.password_hash, i.reference
        from incoming_webhooks h
        join credentials c on c.workspace_id = h.workspace_id and c.id = h.credential_id
        join import_configurations i on i.workspace_id = h.workspace_id and i.id = h.configuration_id
        where h.workspace_id = $1 order by c.id
        """,
        workspace_id,
    )
    return rows


async def put_webhook_credential(
    tx: Transaction,
    workspace_id: int,
    credential_id: int | None,
    name: str,
    secret_hash: bytes | None,
    enabled: bool,
) -> int:
    """Make a webhook's credential, or store what a known one is now (no hash keeps it); gives its id."""
    if credential_id is None:
        made: int = await tx.fetchval(
            """
            insert into credentials (workspace_id, kind, name, secret_hash, enabled)
            values ($1, 'incoming_webhook', $2, $3, $4) returning id
            """,
            workspace_id, name, secret_hash, enabled,
        )  # fmt: skip
        return made
    await tx.execute(
        """
        update credentials set secret_hash = coalesce($3, secret_hash), enabled = $4, archived_at = null
        where workspace_id = $1 and id = $2
        """,
        workspace_id, credential_id, secret_hash, enabled,
    )  # fmt: skip
    return credential_id


async def put_webhook(
    tx: Transaction,
    workspace_id: int,
    credential_id: int,
    username: str,
    password_hash: bytes | None,
    reference: str,
) -> None:
    """Store what a webhook is; no `password_hash` keeps the one there is."""
    await tx.execute(
        """
        insert into incoming_webhooks as known
          (workspace_id, credential_id, username, password_hash, configuration_id)
        select $1, $2, $3, coalesce($4, (select password_hash from incoming_webhooks
                                         where workspace_id = $1 and credential_id = $2)), id
        from import_configurations where workspace_id = $1 and reference = $5
        on conflict (workspace_id, credential_id) do update
        set username = excluded.username, configuration_id = excluded.configuration_id,
            password_hash = excluded.password_hash
        """,
        workspace_id, credential_id, username, password_hash, reference,
    )  # fmt: skip
