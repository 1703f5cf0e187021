"""Captured values: what outside systems answered or sent, stored on a ticket, response or contact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tellback.core import changes, subjects, workspaces
from tellback.core.deliveries import capturing_queries as queries
from tellback.core.deliveries.model import Captured
from tellback.storage.database import Transaction

#: Who is said to have changed a subject by an answer.
ACTOR = "tellback"


def storable(subject_type: str, subject_id: str) -> bool:
    """Whether values can be stored on such a subject."""
    return subject_type in queries.SUBJECTS and subject_id.isdigit()


async def store(
    tx: Transaction,
    workspace_id: int,
    subject: tuple[changes.SubjectType, int],
    captured: Sequence[Captured],
    *,
    by: str,
    delivery: tuple[int, int] | None = None,
    listener: str | None = None,
    origin: Mapping[str, Any] | None = None,
) -> list[changes.NewChange]:
    """Store values on a subject, the last of a label counts; `delivery` is its id and the attempt's number.

    Returns the feed's rows for the caller to record last; none where the subject is gone.
    """
    subject_type, subject_id = subject
    external = await queries.hold(tx, workspace_id, subject_type, subject_id)
    if external is None or not captured:
        return []
    newest = {(one.group, one.label): one for one in captured}
    for one in newest.values():
        external.setdefault(one.group, {})[one.label] = one.value
    await queries.keep(tx, workspace_id, subject_type, subject_id, external)
    await queries.trace(
        tx,
        workspace_id,
        subject_type,
        subject_id,
        list(newest.values()),
        delivery=delivery,
        listener=listener,
    )
    values: dict[str, dict[str, Any]] = {}
    for one in newest.values():
        values.setdefault(one.group, {})[one.label] = one.value
    data = {"values": values} | ({"listener": listener} if listener else {})
    snapshot = None
    if await workspaces.queries.is_automated(tx, workspace_id):
        snapshot = await subjects.document(tx, workspace_id, subject_type, str(subject_id))
    return [changes.NewChange("value.captured", subject_type, str(subject_id), by, data, snapshot, origin)]
