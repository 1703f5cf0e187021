"""`/hub/v1/imports`: bulk runs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.params import Parameter

from tellback.core import errors, imports, paging
from tellback.core.hub import Hub
from tellback.hub_api import access, documents
from tellback.hub_api.tickets_api import After, Limit


class ImportRun(msgspec.Struct):
    """A bulk run; `done` and `size` are bytes of the file. Rows are the sum of the four counts."""

    id: int
    configuration: str
    file: str
    size: int
    done: int
    rows: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    started_at: datetime
    finished_at: datetime | None


@get("/imports", responses=documents.REFUSALS, summary="Bulk runs, newest first")
async def list_imports(
    request: Request[Any, Any, Any], hub: Hub, after: After = None, limit: Limit = None
) -> documents.Page[ImportRun]:
    """Runs of `tellback import`; one without `finished_at` runs, or was stopped and can go on."""
    known = await access.bearer(request, "hub_read")
    access.only(request, "after", "limit")
    place, rows = paging.place("import", after), paging.limit(limit)
    async with hub.db.reading() as reader:
        found = await imports.queries.runs(reader, known.workspace.id, place, rows + 1)
    more, found = len(found) > rows, found[:rows]
    return documents.Page(
        [_document(run) for run in found], paging.cursor("import", found[-1].id) if more else None
    )


class ImportNote(msgspec.Struct):
    """What is to be known of a row that went in: which contact was meant, and whose the phone stayed."""

    line: int
    note: str


@get("/imports/{run:str}/notes", responses=documents.REFUSALS, summary="Identities that a bulk run left open")
async def list_notes(
    request: Request[Any, Any, Any],
    hub: Hub,
    run: Annotated[str, Parameter(description="The run's `id`.")],
    after: After = None,
    limit: Limit = None,
) -> documents.Page[ImportNote]:
    """Rows by their line in the file; only those whose e-mail and phone belong to different contacts have a note."""
    known = await access.bearer(request, "hub_read")
    access.only(request, "after", "limit")
    place, rows = paging.place("note", after), paging.limit(limit)
    id = int(run) if run.isascii() and run.isdigit() and len(run) < 19 else 0
    async with hub.db.reading() as reader:
        if not await imports.queries.is_run(reader, known.workspace.id, id):
            raise errors.NotFound("There is no such import.")
        found = await imports.queries.notes(reader, known.workspace.id, id, place or 0, rows + 1)
    more, found = len(found) > rows, found[:rows]
    return documents.Page(
        [ImportNote(one.line, one.text) for one in found],
        paging.cursor("note", found[-1].line) if more else None,
    )


def _document(run: imports.Run) -> ImportRun:
    return ImportRun(
        run.id, run.configuration, run.file, run.size, run.place, run.rows, run.created, run.updated,
        run.unchanged, run.rejected, run.started_at, run.finished_at,
    )  # fmt: skip
