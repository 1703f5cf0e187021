"""SQL of provisioning pages."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from tellback.storage.database import Reader, Row, Transaction


async def pages(reader: Reader, workspace_id: int) -> Sequence[Row]:
    """Pages with what their tickets refer to, archived ones too, in the order they were made."""
    rows: Sequence[Row] = await reader.fetch(
        """
        select g.*, p.key as project, t.key as feedback_type, g.archived_at is not null as archived
        from pages g
        left join feedback_types t
          on t.workspace_id = g.workspace_id and t.id = (g.low_rating_tickets ->> 'type_id')::bigint
        left join projects p on p.workspace_id = t.workspace_id and p.id = t.project_id
        where g.workspace_id = $1 order by g.id
        """,
        workspace_id,
    )
    return rows


async def key_holders(reader: Reader, keys: Collection[str]) -> dict[str, int]:
    """In which workspace of the whole hub these (lower-case) keys are in use, archived pages included."""
    rows = await reader.fetch(
        "select lower(key) as key, workspace_id from pages where lower(key) = any($1::text[])", list(keys)
    )
    return {row["key"]: row["workspace_id"] for row in rows}


async def put_page(
    tx: Transaction,
    workspace_id: int,
    page_id: int | None,
    key: str,
    platform_id: str,
    app_secret: str | None,
    verify_token_hash: bytes | None,
    low_rating_tickets: dict[str, Any] | None,
) -> None:
    """Make a page, or store what a known one is now and bring it back; secrets that are None stay."""
    low = None if low_rating_tickets is None else msgspec.json.encode(low_rating_tickets).decode()
    if page_id is None:
        await tx.execute(
            """
            insert into pages (workspace_id, key, page_id, app_secret, verify_token_hash, low_rating_tickets)
            values ($1, $2, $3, $4, $5, $6)
            """,
            workspace_id, key, platform_id, app_secret, verify_token_hash, low,
        )  # fmt: skip
        return
    await tx.execute(
        """
        update pages set key = $3, page_id = $4, app_secret = coalesce($5, app_secret),
               verify_token_hash = coalesce($6, verify_token_hash), low_rating_tickets = $7, archived_at = null
        where workspace_id = $1 and id = $2
        """,
        workspace_id, page_id, key, platform_id, app_secret, verify_token_hash, low,
    )  # fmt: skip


async def archive_page(tx: Transaction, workspace_id: int, page_id: int) -> None:
    await tx.execute(
        "update pages set archived_at = now() where workspace_id = $1 and id = $2", workspace_id, page_id
    )
