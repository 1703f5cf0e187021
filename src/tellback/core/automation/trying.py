"""Trying a webhook out, on a ticket or, before anything has happened, on sample data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tellback.core import deliveries, errors, subjects
from tellback.core.automation import introducing, queries, rendering
from tellback.core.automation.model import Occasion
from tellback.core.deliveries.model import TEST, Delivery
from tellback.storage.database import Transaction

#: A ticket as the hub's API shows one.
_SAMPLE: Final[Mapping[str, Any]] = {
    "id": 0,
    "display_id": "SAMPLE-0000",
    "project": "sample",
    "type": "sample",
    "source": {"channel": "test", "key": None},
    "status": "New",
    "status_kind": "open",
    "subject": "A sample ticket",
    "body": "This call was made to try the webhook out.",
    "values": {},
    "submitter": {"contact_id": 0, "email": "sample@example.com", "name": "Sam Sample", "given": None},
    "assignee": None,
    "priority": None,
    "tags": ["sample"],
    "files": [],
    "external": {},
    "sla": None,
    "created_at": "2026-01-01T00:00:00Z",
    "changed_at": "2026-01-01T00:00:00Z",
    "answered_at": None,
    "closed_at": None,
    "deleted": False,
}


async def try_out(
    tx: Transaction, workspace_id: int, key: str, ticket_id: int | None, actor: str
) -> Delivery:
    """Queue one call of a webhook, for a ticket or for sample data, ahead of its queue; it is tried once.

    Raises `NotFound`, `Conflict` for a disabled webhook, and `TemplateFault`.
    """
    id, state = await deliveries.known(tx, workspace_id, "webhook", key)
    if state == "disabled":
        raise errors.Conflict("The webhook is disabled; enable it first.")
    document = _SAMPLE
    if ticket_id is not None:
        found = await subjects.document(tx, workspace_id, "ticket", str(ticket_id))
        if found is None:
            raise errors.NotFound("There is no such ticket.")
        document = found
    machinery = await queries.machinery(tx, workspace_id)
    now = await queries.clock(tx)
    subject_id = str(ticket_id) if ticket_id is not None else "sample"
    tried = Occasion(TEST, now, "ticket", subject_id, document, actor)
    (occasion,) = await introducing.introduced(tx, workspace_id, [tried])
    call = rendering.webhook_call(machinery, occasion, machinery.webhooks[key.lower()], occasion.origin)
    (delivery_id,) = await deliveries.queries.add(tx, workspace_id, [call])
    assert id == call.destination_id
    return await deliveries.find(tx, workspace_id, delivery_id)
