"""SQL of captured values: a row with where each came from, and all of a subject beside the subject itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tellback.core.deliveries.model import Captured
from tellback.storage.database import Transaction

# Only what has a place for values; `revision` marks a ticket as changed for reports.
_HELD = {
    "ticket": "select external from tickets where workspace_id = $1 and id = $2 for no key update",
    "response": "select external from responses where workspace_id = $1 and id = $2 for no key update",
    "contact": "select external from contacts where workspace_id = $1 and id = $2 for no key update",
}
_KEEP = {
    "ticket": "update tickets set external = $3::jsonb, revision = revision + 1, changed_at = now() "
    "where workspace_id = $1 and id = $2",
    "response": "update responses set external = $3::jsonb where workspace_id = $1 and id = $2",
    "contact": "update contacts set external = $3::jsonb, changed_at = now() where workspace_id = $1 and id = $2",
}

#: What captured values can be stored on.
SUBJECTS = frozenset(_HELD)


async def hold(
    tx: Transaction, workspace_id: int, subject_type: str, subject_id: int
) -> dict[str, Any] | None:
    """Lock a subject; its captured values ({group: {label: value}}), None where it is not there."""
    held = await tx.fetchval(_HELD[subject_type], workspace_id, subject_id)
    return None if held is None else msgspec.json.decode(held)


async def keep(
    tx: Transaction, workspace_id: int, subject_type: str, subject_id: int, external: Mapping[str, Any]
) -> None:
    """Write all captured values of a subject that is held."""
    await tx.execute(_KEEP[subject_type], workspace_id, subject_id, msgspec.json.encode(external).decode())


async def trace(
    tx: Transaction,
    workspace_id: int,
    subject_type: str,
    subject_id: int,
    captured: Sequence[Captured],
    *,
    delivery: tuple[int, int] | None = None,
    listener: str | None = None,
) -> None:
    """Write where values came from: a delivery's attempt, or a listener."""
    delivery_id, attempt = delivery or (None, None)
    await tx.execute(
        """
        insert into captured_values as c (workspace_id, subject_type, subject_id, data_group, label, value,
                                          delivery_id, attempt, listener)
        select $1, $2, $3, t.data_group, t.label, t.value::jsonb, $4, $5, $6
        from unnest($7::text[], $8::text[], $9::text[]) as t (data_group, label, value)
        on conflict (workspace_id, subject_type, subject_id, data_group, label) do update
        set value = excluded.value, delivery_id = excluded.delivery_id, attempt = excluded.attempt,
            listener = excluded.listener, at = now()
        """,
        workspace_id, subject_type, subject_id, delivery_id, attempt, listener,
        [one.group for one in captured], [one.label for one in captured],
        [msgspec.json.encode(one.value).decode() for one in captured],
    )  # fmt: skip
