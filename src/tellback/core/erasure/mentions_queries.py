"""SQL that finds an address or a number in what others said, and puts back what is left of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from tellback.core.erased import ERASED
from tellback.core.erasure import rules
from tellback.core.erasure.places import Place
from tellback.core.text_queries import SCAN_S, holds, lowered
from tellback.storage.database import Row, Transaction

#: Columns that are raised where a row is another for it, so that reports, readers and old replies see it.
_REVISED = {
    "sessions": ", step = step + 1",
    "tickets": ", revision = revision + 1, changed_at = now()",
    "ratings": ", revision = revision + 1, changed_at = now()",
}


async def replace(
    tx: Transaction, workspace_id: int, place: Place, needles: Sequence[str], known: re.Pattern[str]
) -> list[tuple[Any, ...]]:
    """Replace what `known` finds in the place's columns; the keys of rows that are others for it."""
    found = await tx.fetch(_found(place), workspace_id, list(needles), timeout=SCAN_S)
    changed = []
    for row in found:
        after = [_without(place, row, column, known) for column in place.columns]
        if after != [row[column] for column in place.columns]:
            changed.append((tuple(row[column] for column in place.key), after))
    for key, after in changed:
        await tx.execute(_put(place), workspace_id, *key, *after)
    return [key for key, _ in changed]


async def replace_tags(
    tx: Transaction, workspace_id: int, needles: Sequence[str], known: re.Pattern[str]
) -> None:
    """As `replace`, of the tags' own names; two may become one."""
    found = await tx.fetch(
        f"""
        select id, name from tags {lowered("name")} where workspace_id = $1 and {holds("$2")}
        """,
        workspace_id, list(needles),
    )  # fmt: skip
    names = {row["id"]: known.sub(ERASED, row["name"]) for row in found}
    changed = {row["id"]: names[row["id"]] for row in found if names[row["id"]] != row["name"]}
    await tx.execute(
        "delete from tags where workspace_id = $1 and id = any($2::bigint[])", workspace_id, list(changed)
    )
    await tx.execute(
        """
        insert into tags (workspace_id, name) select distinct $1::bigint, one from unnest($2::text[]) one
        on conflict do nothing
        """,
        workspace_id, list(changed.values()),
    )  # fmt: skip


def _found(place: Place) -> str:
    names = ", ".join(f'"{column}"' for column in (*place.key, *place.columns))
    texts = " || E'\\n' || ".join(f"coalesce({_as_text(place, column)}, '')" for column in place.columns)
    return f"""
    select {names} from {place.table} {lowered(texts)}
    where workspace_id = $1 and {holds("$2")} order by {", ".join(place.key)} for update of {place.table}
    """


def _as_text(place: Place, column: str) -> str:
    if column in place.lists:
        return f"""array_to_string("{column}", E'\\n')"""
    return f'"{column}"::text'


def _put(place: Place) -> str:
    first = 2 + len(place.key)
    kinds = dict.fromkeys(place.documents, "::jsonb") | dict.fromkeys(place.lists, "::text[]")
    sets = [f'"{column}" = ${first + n}{kinds.get(column, "")}' for n, column in enumerate(place.columns)]
    keys = [f"{column} = ${2 + n}" for n, column in enumerate(place.key)]
    return (
        f"update {place.table} set {', '.join(sets)}{_REVISED.get(place.table, '')} "
        f"where workspace_id = $1 and {' and '.join(keys)}"
    )


def _without(place: Place, row: Row, column: str, known: re.Pattern[str]) -> Any:
    value = row[column]
    if value is None or column not in place.documents:
        return rules.without(value, known)
    before = msgspec.json.decode(value)
    after = rules.without(before, known)
    return value if after == before else msgspec.json.encode(after).decode()
