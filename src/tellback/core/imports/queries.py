"""SQL of import configurations, incoming webhooks and bulk runs."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tellback.core.imports.model import Configuration, Note, Reject, Run, Tally, Webhook
from tellback.core.workspaces.queries import CREDENTIAL, credential_of
from tellback.storage.database import Reader, Row, Transaction


async def configuration(reader: Reader, workspace_id: int, reference: str) -> Configuration | None:
    """The configuration of that reference; an archived one is not active."""
    row = await reader.fetchrow(
        """
        select i.*, w.timezone,
               array(select name from touchpoints t
                     where t.workspace_id = $1 and t.archived_at is null order by id) as touchpoints
        from import_configurations i join workspaces w on w.id = i.workspace_id
        where i.workspace_id = $1 and i.reference = $2
        """,
        workspace_id, reference,
    )  # fmt: skip
    if row is None:
        return None
    return Configuration(
        workspace_id=workspace_id,
        id=row["id"],
        reference=row["reference"],
        name=row["name"],
        object=row["object"],
        active=row["active"] and row["archived_at"] is None,
        reject_unmapped=row["unmapped"] == "reject",
        fields=tuple((heading, name) for heading, name in msgspec.json.decode(row["fields"])),
        timezone=row["timezone"],
        touchpoints=tuple(row["touchpoints"]),
    )


async def webhook(reader: Reader, token_hash: bytes) -> Webhook | None:
    """The incoming webhook whose address has this token, in whatever workspace; an archived one is disabled."""
    row = await reader.fetchrow(
        f"""
        select c.*, h.username, h.password_hash, i.reference
        from ({CREDENTIAL} where c.kind = 'incoming_webhook' and c.secret_hash = $1) c
        join incoming_webhooks h on h.workspace_id = c.workspace_id and h.credential_id = c.id
        join import_configurations i on i.workspace_id = h.workspace_id and i.id = h.configuration_id
        """,
        token_hash,
    )
    if row is None:
        return None
    return Webhook(credential_of(row), row["username"], row["password_hash"], row["reference"])


_RUN = """
select r.*, i.reference from import_runs r
join import_configurations i on i.workspace_id = r.workspace_id and i.id = r.configuration_id
"""


async def runs(reader: Reader, workspace_id: int, before: int | None, limit: int) -> list[Run]:
    """Bulk runs below id `before`, newest first."""
    rows = await reader.fetch(
        f"{_RUN} where r.workspace_id = $1 and ($2::bigint is null or r.id < $2) order by r.id desc limit $3",
        workspace_id, before, limit,
    )  # fmt: skip
    return [_run(row) for row in rows]


async def last_run(reader: Reader, workspace_id: int, configuration_id: int, content: bytes) -> Run | None:
    """The newest run of this content with this configuration."""
    row = await reader.fetchrow(
        f"""
        {_RUN} where r.workspace_id = $1 and r.configuration_id = $2 and r.content = $3
        order by r.id desc limit 1
        """,
        workspace_id, configuration_id, content,
    )  # fmt: skip
    return _run(row) if row else None


async def add_run(
    tx: Transaction, workspace_id: int, configuration_id: int, content: bytes, file: str, size: int
) -> int:
    """A new run; its id."""
    run_id: int = await tx.fetchval(
        """
        insert into import_runs (workspace_id, configuration_id, content, file, size)
        values ($1, $2, $3, $4, $5) returning id
        """,
        workspace_id, configuration_id, content, file, size,
    )  # fmt: skip
    return run_id


async def lock_configuration(tx: Transaction, workspace_id: int, configuration_id: int) -> None:
    """Let nobody else begin a run of this configuration until the transaction ends."""
    await tx.execute(
        "select from import_configurations where workspace_id = $1 and id = $2 for update",
        workspace_id, configuration_id,
    )  # fmt: skip


async def lock_run(tx: Transaction, workspace_id: int, run_id: int, place: int) -> bool:
    """Lock a run; False where it is not at `place` any more: another process is at it."""
    at_place: int | None = await tx.fetchval(
        """
        select 1 from import_runs
        where workspace_id = $1 and id = $2 and place = $3 and finished_at is null for update
        """,
        workspace_id, run_id, place,
    )  # fmt: skip
    return at_place is not None


async def move_run(
    tx: Transaction, workspace_id: int, run_id: int, place: int, line: int, tally: Tally
) -> None:
    """Move a run to `place` and `line`, and count what was done on the way."""
    await tx.execute(
        """
        update import_runs
        set place = $3, line = $4, created = created + $5, updated = updated + $6, unchanged = unchanged + $7,
            rejected = rejected + $8, changed_at = now()
        where workspace_id = $1 and id = $2
        """,
        workspace_id, run_id, place, line, tally.created, tally.updated, tally.unchanged, len(tally.rejects),
    )  # fmt: skip
    if tally.notes:
        await tx.execute(
            """
            insert into import_notes (workspace_id, run_id, line, note)
            select $1, $2, new.line, new.note from unnest($3::bigint[], $4::text[]) as new (line, note)
            """,
            workspace_id, run_id, [one.line for one in tally.notes], [one.text for one in tally.notes],
        )  # fmt: skip
    if tally.rejects:
        await tx.execute(
            """
            insert into import_rejects (workspace_id, run_id, line, cells, reason)
            select $1, $2, new.line, array(select jsonb_array_elements_text(new.cells::jsonb)), new.reason
            from unnest($3::bigint[], $4::text[], $5::text[]) as new (line, cells, reason)
            """,
            workspace_id, run_id,
            [one.line for one in tally.rejects],
            [msgspec.json.encode(one.cells).decode() for one in tally.rejects],
            [one.reason for one in tally.rejects],
        )  # fmt: skip


async def finish_run(tx: Transaction, workspace_id: int, run_id: int) -> Run:
    """Note that a run has come to the end of its file."""
    await tx.execute(
        "update import_runs set finished_at = now(), changed_at = now() where workspace_id = $1 and id = $2",
        workspace_id, run_id,
    )  # fmt: skip
    row = await tx.fetchrow(f"{_RUN} where r.workspace_id = $1 and r.id = $2", workspace_id, run_id)
    return _run(row)


async def rejects(reader: Reader, workspace_id: int, run_id: int, after: int, limit: int) -> Sequence[Reject]:
    """Rejected rows of a run below line `after` of its file."""
    rows = await reader.fetch(
        """
        select line, cells, reason from import_rejects
        where workspace_id = $1 and run_id = $2 and line > $3 order by line limit $4
        """,
        workspace_id, run_id, after, limit,
    )  # fmt: skip
    return [Reject(row["line"], tuple(row["cells"]), row["reason"]) for row in rows]


async def is_run(reader: Reader, workspace_id: int, run_id: int) -> bool:
    """Whether there is such a run."""
    found: bool = await reader.fetchval(
        "select exists (select from import_runs where workspace_id = $1 and id = $2)", workspace_id, run_id
    )
    return found


async def noted(reader: Reader, workspace_id: int, run_id: int) -> int:
    """How many rows of a run have a note."""
    many: int = await reader.fetchval(
        "select count(*) from import_notes where workspace_id = $1 and run_id = $2", workspace_id, run_id
    )
    return many


async def notes(reader: Reader, workspace_id: int, run_id: int, after: int, limit: int) -> Sequence[Note]:
    """What is to be known of rows that went in, below line `after` of the run's file."""
    rows = await reader.fetch(
        """
        select line, note from import_notes
        where workspace_id = $1 and run_id = $2 and line > $3 order by line limit $4
        """,
        workspace_id, run_id, after, limit,
    )  # fmt: skip
    return [Note(row["line"], row["note"]) for row in rows]


def _run(row: Row) -> Run:
    same = (
        "id", "file", "size", "place", "line", "created", "updated", "unchanged", "rejected", "started_at",
        "finished_at",
    )  # fmt: skip
    return Run(configuration=row["reference"], **{name: row[name] for name in same})
