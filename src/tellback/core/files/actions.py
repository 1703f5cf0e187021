"""Attaching files, and removing from the store what no row points to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from tellback.core.files import queries
from tellback.core.files.model import File, NewFile
from tellback.storage.blobs import PREFIXES, BlobStore
from tellback.storage.database import Database, Transaction


async def add_many(
    tx: Transaction, workspace_id: int, ticket_id: int, new_files: Sequence[NewFile]
) -> list[File]:
    """Attach stored files to a ticket, in order. Timeline and change feed are the caller's to write."""
    return await queries.add(tx, workspace_id, ticket_id, new_files)


async def sweep_unreferenced(
    database: Database,
    store: BlobStore,
    *,
    older_than: timedelta = timedelta(hours=24),
    prefixes: Sequence[str] = PREFIXES,
) -> int:
    """Remove blobs and unfinished uploads that no row points to and that are older; gives how many.

    A row is committed after its blob, so a blob without one is waiting for it or was given up; `older_than`
    tells the two apart and must be longer than any request. Raises `DatabaseAway`, `BlobsAway`.
    """

    async def known(names: Sequence[str]) -> set[str]:
        async with database.reading() as reader:
            return await queries.known_blobs(reader, names)

    return await store.sweep(known, older_than=older_than, prefixes=prefixes)
