"""SQL of the intake log and of kept answers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from tellback.core.intake.model import Entry, KeptAnswer, Key, NewEntry
from tellback.storage import arrays
from tellback.storage.database import Reader, Row, Transaction

# The log's columns as arrays, in the order of `entry_arrays`; another capability that files its effect and its
# log entries in one statement puts this in its own parameter list.
ENTRY_COLUMNS = (
    "workspace_id", "request_id", "surface", "method", "endpoint", "credential", "target", "status", "error",
    "hint", "unmapped", "missing", "unmatched", "submitter", "created_type", "created_id", "body",
)  # fmt: skip
ENTRY_TYPES = (
    "bigint", "text", "text", "text", "text", "text", "text", "smallint", "text",
    "text", "text", "text", "text", "text", "text", "text", "text",
)  # fmt: skip

_GETTERS = [attrgetter(name) for name in ENTRY_COLUMNS]
_LISTS = [ENTRY_COLUMNS.index(name) for name in ("unmapped", "missing", "unmatched")]
_DOCUMENTS = {name: f"coalesce(e.{name}, '[]')::jsonb" for name in ("unmapped", "missing", "unmatched")}


def entry_source(first: int) -> str:
    """`unnest(...)` over the parameters from number `first` on, as `e`, with its ordinality `n`."""
    given = ", ".join(f"${first + i}::{kind}[]" for i, kind in enumerate(ENTRY_TYPES))
    return f"unnest({given}) with ordinality as e ({', '.join(ENTRY_COLUMNS)}, n)"


def entry_insert(overrides: dict[str, str] | None = None) -> str:
    """`insert into intake ... select` without its FROM; `overrides` are expressions for single columns."""
    expressions = {name: f"e.{name}" for name in ENTRY_COLUMNS} | _DOCUMENTS | (overrides or {})
    columns = ", ".join(ENTRY_COLUMNS)
    return f"insert into intake ({columns}) select {', '.join(expressions[name] for name in ENTRY_COLUMNS)}"


def entry_arrays(entries: Sequence[NewEntry]) -> list[list[Any]]:
    """The parameters of `entry_source`."""
    columns: list[list[Any]] = [list(map(get, entries)) for get in _GETTERS]
    for place in _LISTS:
        columns[place] = [_json(value) if value else None for value in columns[place]]
    return [arrays.sparse(column) for column in columns]


_RECORD = f"{entry_insert()} from {entry_source(1)}"


async def record(tx: Transaction, entries: Sequence[NewEntry]) -> None:
    """Append to the log."""
    await tx.execute(_RECORD, *entry_arrays(entries))


async def newest(reader: Reader, workspace_id: int, limit: int, before: int | None = None) -> list[Entry]:
    """Entries below id `before`, newest first."""
    rows = await reader.fetch(
        "select * from intake where workspace_id = $1 and ($2::bigint is null or id < $2) order by id desc limit $3",
        workspace_id, before, limit,
    )  # fmt: skip
    return [_entry(row) for row in rows]


async def arrived(
    reader: Reader, workspace_id: int, after: int, among: Collection[int], limit: int
) -> list[Entry]:
    """Entries above id `after`, and those with one of the ids `among`, oldest first."""
    rows = await reader.fetch(
        """
        select * from intake where workspace_id = $1 and (id > $2 or id = any($3::bigint[]))
        order by id limit $4
        """,
        workspace_id, after, list(among), limit,
    )  # fmt: skip
    return [_entry(row) for row in rows]


async def claim(tx: Transaction, keys: Sequence[tuple[int, Key]]) -> set[tuple[int, bytes]]:
    """Take idempotency keys for this transaction; gives (workspace id, scope) of those that were free.

    A key another transaction is taking is waited for. Keys are taken in one order everywhere, so two batches
    cannot wait for each other. A key older than a day is free again.
    """
    ordered = sorted(keys, key=lambda pair: (pair[0], pair[1].scope))
    rows = await tx.fetch(
        """
        insert into kept_answers as kept (workspace_id, scope, fingerprint)
        select * from unnest($1::bigint[], $2::bytea[], $3::bytea[])
        on conflict (workspace_id, scope) do update
        set fingerprint = excluded.fingerprint, status = null, headers = null, body = null, at = now()
        where kept.at < now() - interval '24 hours'
        returning workspace_id, scope
        """,
        [workspace_id for workspace_id, _ in ordered],
        [key.scope for _, key in ordered],
        [key.fingerprint for _, key in ordered],
    )
    return {(row["workspace_id"], row["scope"]) for row in rows}


async def release(tx: Transaction, keys: Sequence[tuple[int, Key]]) -> None:
    """Give back idempotency keys that this transaction claimed."""
    await tx.execute(
        """
        delete from kept_answers k using unnest($1::bigint[], $2::bytea[]) as mine (workspace_id, scope)
        where k.workspace_id = mine.workspace_id and k.scope = mine.scope
        """,
        [workspace_id for workspace_id, _ in keys],
        [key.scope for _, key in keys],
    )


async def keep(tx: Transaction, answers: Sequence[tuple[int, Key, KeptAnswer]]) -> None:
    """Store the answers of keys claimed in this transaction."""
    await tx.execute(
        """
        update kept_answers k set status = a.status, headers = a.headers::jsonb, body = a.body
        from unnest($1::bigint[], $2::bytea[], $3::smallint[], $4::text[], $5::bytea[])
          as a (workspace_id, scope, status, headers, body)
        where k.workspace_id = a.workspace_id and k.scope = a.scope
        """,
        [workspace_id for workspace_id, _, _ in answers],
        [key.scope for _, key, _ in answers],
        [answer.status for _, _, answer in answers],
        [_json(answer.headers) for _, _, answer in answers],
        [answer.body for _, _, answer in answers],
    )


async def kept(reader: Reader, workspace_id: int, scope: bytes) -> tuple[bytes, KeptAnswer] | None:
    """The fingerprint and the answer under a key used in the last 24 hours."""
    row = await reader.fetchrow(
        """
        select fingerprint, status, headers, body from kept_answers
        where workspace_id = $1 and scope = $2 and at >= now() - interval '24 hours' and status is not null
        """,
        workspace_id, scope,
    )  # fmt: skip
    if row is None:
        return None
    return row["fingerprint"], KeptAnswer(row["status"], msgspec.json.decode(row["headers"]), row["body"])


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _entry(row: Row) -> Entry:
    created = {"type": row["created_type"], "id": row["created_id"]} if row["created_type"] else None
    return Entry(
        id=row["id"],
        at=row["at"],
        request_id=row["request_id"],
        surface=row["surface"],
        method=row["method"],
        endpoint=row["endpoint"],
        credential=row["credential"],
        target=row["target"],
        status=row["status"],
        error=row["error"],
        hint=row["hint"],
        unmapped=msgspec.json.decode(row["unmapped"]),
        missing=msgspec.json.decode(row["missing"]),
        unmatched=msgspec.json.decode(row["unmatched"]),
        submitter=row["submitter"],
        created=created,
        body=row["body"],
    )
