"""SQL of provisioning listeners, record lookups and data packages."""

from __future__ import annotations

from collections.abc import Sequence

from tellback.core.windows.model import Kind
from tellback.storage.database import Reader, Row, Transaction


async def windows(reader: Reader, workspace_id: int, kind: Kind) -> Sequence[Row]:
    """Windows of a kind, archived ones too, in the order they were made."""
    rows: Sequence[Row] = await reader.fetch(
        """
        select w.id, w.key, w.definition, p.key as project, c.name as api_key, w.archived_at is not null as archived
        from windows w join credentials c on c.workspace_id = w.workspace_id and c.id = w.credential_id
        left join projects p on p.workspace_id = w.workspace_id and p.id = w.project_id
        where w.workspace_id = $1 and w.kind = $2 order by w.id
        """,
        workspace_id, kind,
    )  # fmt: skip
    return rows


async def put_window(
    tx: Transaction,
    workspace_id: int,
    window_id: int | None,
    kind: Kind,
    key: str,
    project: str | None,
    credential_id: int,
    definition: str,
) -> None:
    """Make a window, or store what a known one is now and bring it back; `project` is a key."""
    project_id = None
    if project is not None:
        project_id = await tx.fetchval(
            "select id from projects where workspace_id = $1 and lower(key) = lower($2)",
            workspace_id,
            project,
        )
    if window_id is None:
        await tx.execute(
            """
            insert into windows (workspace_id, kind, key, project_id, credential_id, definition)
            values ($1, $2, $3, $4, $5, $6::jsonb)
            """,
            workspace_id, kind, key, project_id, credential_id, definition,
        )  # fmt: skip
        return
    await tx.execute(
        """
        update windows set key = $3, project_id = $4, credential_id = $5, definition = $6::jsonb, archived_at = null
        where workspace_id = $1 and id = $2
        """,
        workspace_id, window_id, key, project_id, credential_id, definition,
    )  # fmt: skip


async def archive_window(tx: Transaction, workspace_id: int, window_id: int) -> None:
    await tx.execute(
        "update windows set archived_at = now() where workspace_id = $1 and id = $2", workspace_id, window_id
    )
