"""SQL that takes what a person said out of tickets. The tickets are held by the caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tellback.core.erased import ERASED
from tellback.core.erasure import rules
from tellback.core.erasure.model import Filed
from tellback.core.text_queries import SCAN_S
from tellback.storage.database import Reader, Transaction

#: Together they mark a file whose bytes are yet to be removed.
_MARKED = "name = 'erased' and sha256 = ''"


@dataclass(frozen=True, slots=True)
class MarkedFile:
    """A file that is erased but for its bytes."""

    id: int
    blob: str


async def erase(tx: Transaction, workspace_id: int, filed: Sequence[Filed], actor: str) -> None:
    """Texts, submitter, captured values, notes, answers and words go; status, choices and times stay."""
    ids = [one.id for one in filed]
    await tx.execute(
        """
        update tickets t
        set subject = case t.subject when '' then '' else $4 end, body = case when t.body is not null then $4 end,
            "values" = new.told::jsonb, external = '{}', submitter_id = null, submitter_given = null,
            revision = t.revision + 1, changed_at = now()
        from unnest($2::bigint[], $3::text[]) as new (id, told)
        where t.workspace_id = $1 and t.id = new.id
        """,
        workspace_id, ids,
        [msgspec.json.encode(rules.values(one.values, one.kinds)).decode() for one in filed], ERASED,
    )  # fmt: skip
    await tx.execute(
        """
        update timeline set note = $3, data = '{}'
        where workspace_id = $1 and ticket_id = any($2::bigint[]) and kind <> all($4::text[])
        """,
        workspace_id, ids, ERASED, list(rules.PLAIN_NOTES),
    )  # fmt: skip
    await tx.execute(
        """
        update answers set subject = case subject when '' then '' else $3 end, body = $3
        where workspace_id = $1 and ticket_id = any($2::bigint[])
        """,
        workspace_id, ids, ERASED,
    )  # fmt: skip
    await tx.execute(
        """
        insert into timeline (workspace_id, ticket_id, actor, kind, note)
        select $1, new.id, $4, 'erased', 'What the submitter of ticket ' || new.name || ' sent was erased by ' || $4
        from unnest($2::bigint[], $3::text[]) as new (id, name)
        """,
        workspace_id, ids, [one.display_id for one in filed], actor,
    )  # fmt: skip


async def detach(tx: Transaction, workspace_id: int, contact_id: int) -> list[int]:
    """Take the contact off tickets that others sent, in whose place it stood; their ids."""
    rows = await tx.fetch(
        """
        update tickets set submitter_id = null, revision = revision + 1, changed_at = now()
        where workspace_id = $1 and submitter_id = $2 returning id
        """,
        workspace_id, contact_id,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def forget_words(tx: Transaction, workspace_id: int, ticket_ids: Sequence[int]) -> None:
    """Take tickets out of the index; the feed's row of their change has them indexed as they are now."""
    await tx.execute(
        "delete from ticket_search where workspace_id = $1 and ticket_id = any($2::bigint[])",
        workspace_id, list(ticket_ids),
    )  # fmt: skip


async def mark_files(tx: Transaction, workspace_id: int, ticket_ids: Sequence[int]) -> None:
    """Erase all that is known of the tickets' files but where their bytes are."""
    await tx.execute(
        """
        update files set name = 'erased', sha256 = '', size = 0, media_type = 'application/octet-stream'
        where workspace_id = $1 and ticket_id = any($2::bigint[])
        """,
        workspace_id, list(ticket_ids),
    )  # fmt: skip


async def marked_files(reader: Reader, workspace_id: int) -> list[MarkedFile]:
    """Files that an erasure, perhaps an earlier one that did not end, has left the bytes of."""
    rows = await reader.fetch(
        f"select id, blob from files where workspace_id = $1 and {_MARKED} order by id",
        workspace_id,
        timeout=SCAN_S,
    )
    return [MarkedFile(row["id"], row["blob"]) for row in rows]


async def forget_files(tx: Transaction, workspace_id: int, ids: Sequence[int]) -> None:
    """Delete the rows of marked files; their bytes are gone."""
    await tx.execute(
        f"delete from files where workspace_id = $1 and id = any($2::bigint[]) and {_MARKED}",
        workspace_id, list(ids),
    )  # fmt: skip
