"""A ticket as one plain document, member for member what the hub's own API shows of it.

Events carry it as their snapshot, where automation may want to know how the subject was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tellback.core import files
from tellback.core.tickets import queries
from tellback.core.tickets.model import Ticket
from tellback.storage.database import Reader


async def documents(reader: Reader, workspace_id: int, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The documents of tickets by id, deleted ones too; ids of no ticket are left out. Times are ISO 8601 texts."""
    found = await queries.by_ids(reader, workspace_id, ids)
    attached = await files.of_ticket(reader, workspace_id, ids)
    return {ticket.id: document(ticket, attached.get(ticket.id, ())) for ticket in found}


def document(ticket: Ticket, attached: Sequence[files.File]) -> dict[str, Any]:
    """A ticket with its files, without its timeline, as JSON has it."""
    shown = {
        "id": ticket.id,
        "display_id": ticket.display_id,
        "project": ticket.project,
        "type": ticket.type,
        "source": {"channel": ticket.channel, "key": ticket.source},
        "status": ticket.status,
        "status_kind": ticket.status_kind,
        "subject": ticket.subject,
        "body": ticket.body,
        "values": ticket.values,
        "submitter": ticket.submitter,
        "assignee": ticket.assignee,
        "priority": ticket.priority,
        "tags": ticket.tags,
        "files": list(attached),
        "external": ticket.external,
        "sla": ticket.sla,
        "created_at": ticket.created_at,
        "changed_at": ticket.changed_at,
        "answered_at": ticket.answered_at,
        "closed_at": ticket.closed_at,
        "deleted": ticket.deleted,
    }
    plain: dict[str, Any] = msgspec.to_builtins(shown)
    return plain
