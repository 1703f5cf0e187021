"""SQL of attachments."""

from __future__ import annotations

from collections.abc import Sequence

from tellback.core.files.model import File, NewFile
from tellback.storage.database import Reader, Row, Transaction

_COLUMNS = "id, element, parameter, name, media_type, size, sha256, created_at"


async def add(tx: Transaction, workspace_id: int, ticket_id: int, new: Sequence[NewFile]) -> list[File]:
    """One row a file, numbered in the order given."""
    rows = await tx.fetch(
        f"""
        with added as (
          insert into files
            (workspace_id, ticket_id, element, parameter, name, media_type, size, sha256, blob)
          select $1, $2, new.element, new.parameter, new.name, new.media_type, new.size, new.sha256, new.blob
          from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[])
            with ordinality as new (element, parameter, name, media_type, size, sha256, blob, n)
          order by new.n
          returning {_COLUMNS}
        )
        select * from added order by id
        """,
        workspace_id,
        ticket_id,
        [file.element for file in new],
        [file.parameter for file in new],
        [file.name for file in new],
        [file.media_type for file in new],
        [file.size for file in new],
        [file.sha256 for file in new],
        [file.blob for file in new],
    )
    return [_file(row) for row in rows]


async def of_ticket(reader: Reader, workspace_id: int, ticket_ids: Sequence[int]) -> dict[int, list[File]]:
    """The files of tickets by ticket id, oldest first; a ticket without files is not among the keys."""
    rows = await reader.fetch(
        f"""
        select ticket_id, {_COLUMNS} from files
        where workspace_id = $1 and ticket_id = any($2::bigint[]) order by id
        """,
        workspace_id,
        ticket_ids,
    )
    found: dict[int, list[File]] = {}
    for row in rows:
        found.setdefault(row["ticket_id"], []).append(_file(row))
    return found


async def blob_of(reader: Reader, workspace_id: int, file_id: int) -> tuple[File, str] | None:
    """A file and the store's name of its bytes."""
    row = await reader.fetchrow(
        f"select {_COLUMNS}, blob from files where workspace_id = $1 and id = $2", workspace_id, file_id
    )
    return None if row is None else (_file(row), row["blob"])


async def known_blobs(reader: Reader, names: Sequence[str]) -> set[str]:
    """Which of these blobs have a row, in any workspace: one store serves them all."""
    rows = await reader.fetch("select blob from files where blob = any($1::text[])", names)
    return {row["blob"] for row in rows}


def _file(row: Row) -> File:
    return File(
        id=row["id"],
        element=row["element"],
        parameter=row["parameter"],
        name=row["name"],
        media_type=row["media_type"],
        size=row["size"],
        sha256=row["sha256"],
        created_at=row["created_at"],
    )
