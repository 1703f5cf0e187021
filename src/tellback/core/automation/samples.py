"""Sample data, for trying a webhook out before anything has happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: A ticket as the hub's API shows one.
TICKET: Final[Mapping[str, Any]] = {
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
