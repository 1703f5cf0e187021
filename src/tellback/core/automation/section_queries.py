"""SQL of provisioning automation."""

from __future__ import annotations

from collections.abc import Sequence

from tellback.core.deliveries.model import DestinationKind
from tellback.storage.database import Reader, Row, Transaction


async def destinations(reader: Reader, workspace_id: int, kind: DestinationKind) -> Sequence[Row]:
    """Webhooks or subscriptions, archived ones too, in the order they were made."""
    rows: Sequence[Row] = await reader.fetch(
        """
        select id, key, definition, secrets, state, archived_at is not null as archived
        from destinations where workspace_id = $1 and kind = $2 order by id
        """,
        workspace_id, kind,
    )  # fmt: skip
    return rows


async def add_destination(
    tx: Transaction,
    workspace_id: int,
    kind: DestinationKind,
    key: str,
    definition: str,
    secrets: Sequence[str],
) -> None:
    await tx.execute(
        "insert into destinations (workspace_id, kind, key, definition, secrets) values ($1, $2, $3, $4, $5)",
        workspace_id, kind, key, definition, list(secrets),
    )  # fmt: skip


async def change_destination(
    tx: Transaction, workspace_id: int, id: int, key: str, definition: str, secrets: Sequence[str]
) -> None:
    """Store what a destination is now, and bring it back."""
    await tx.execute(
        """
        update destinations set key = $3, definition = $4, secrets = $5, archived_at = null
        where workspace_id = $1 and id = $2
        """,
        workspace_id, id, key, definition, list(secrets),
    )  # fmt: skip


async def move_deliveries(tx: Transaction, workspace_id: int, id: int, old: str, new: str) -> None:
    """Have requests that are yet to get through begin their URL with `new` in place of `old`."""
    await tx.execute(
        """
        update deliveries
        set request = jsonb_set(request, '{url}', to_jsonb($4 || substr(request ->> 'url', length($3) + 1)))
        where workspace_id = $1 and destination_id = $2 and state in ('waiting', 'failed')
          and starts_with(request ->> 'url', $3)
        """,
        workspace_id, id, old, new,
    )  # fmt: skip


async def archive_destination(tx: Transaction, workspace_id: int, id: int) -> None:
    """Its queue waits until it is back."""
    await tx.execute(
        "update destinations set archived_at = now(), next_at = null where workspace_id = $1 and id = $2",
        workspace_id, id,
    )  # fmt: skip


async def rules(reader: Reader, workspace_id: int) -> Sequence[Row]:
    """Rules, archived ones too, in the order they were made."""
    rows: Sequence[Row] = await reader.fetch(
        """
        select id, definition, archived_at is not null as archived
        from rules where workspace_id = $1 order by id
        """,
        workspace_id,
    )
    return rows


async def put_rule(
    tx: Transaction, workspace_id: int, known: int | None, key: str, definition: str, every_s: int | None
) -> None:
    """Make a rule, or store what a known one is now and bring it back; a schedule's first round is one span away."""
    if known is None:
        await tx.execute(
            """
            insert into rules (workspace_id, key, definition, next_at)
            values ($1, $2, $3, now() + make_interval(secs => $4))
            """,
            workspace_id, key, definition, None if every_s is None else float(every_s),
        )  # fmt: skip
        return
    await tx.execute(
        """
        update rules set key = $3, definition = $4, next_at = now() + make_interval(secs => $5),
                         sweep_after = null, archived_at = null
        where workspace_id = $1 and id = $2
        """,
        workspace_id, known, key, definition, None if every_s is None else float(every_s),
    )  # fmt: skip


async def archive_rule(tx: Transaction, workspace_id: int, id: int) -> None:
    await tx.execute(
        "update rules set archived_at = now(), next_at = null where workspace_id = $1 and id = $2",
        workspace_id, id,
    )  # fmt: skip


async def mark_automated(tx: Transaction, workspace_id: int) -> None:
    """Have the workspace's events carry their subject and be read where anything acts on events, and only there.

    What begins to act does so on what happens from now on, so the reader's place moves to the feed's end.
    """
    await tx.execute(
        """
        with found as (
          select exists (select from rules where workspace_id = $1 and archived_at is null)
              or exists (select from destinations
                         where workspace_id = $1 and kind = 'subscription' and archived_at is null)
              or exists (select from feedback_types t, jsonb_array_elements(t.statuses) as status
                         where t.workspace_id = $1 and t.archived_at is null and status ->> 'webhook' is not null)
              as automated
        ), turned as (
          update workspaces w set automated = found.automated
          from found where w.id = $1 and w.automated <> found.automated
          returning w.id, w.automated
        )
        insert into feed_readers (workspace_id, name, seq)
        select c.workspace_id, 'automation', c.changes
        from turned join workspace_counters c on c.workspace_id = turned.id where turned.automated
        on conflict (workspace_id, name) do update set seq = excluded.seq
        """,
        workspace_id,
    )
