"""Bodies of this vendor's calls, rendered from the core's types. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from tellback.core.files import File
from tellback.core.projects import Project, Source
from tellback.core.tickets import Filed, Ticket


def created(base_url: str, project: Project, source: Source, filed: Filed) -> dict[str, Any]:
    """The body of a 201. `endpoint` is the short form of seed 000's remark, `url` the full one; neither has the key."""
    name = quote(source.key, safe="")
    within = quote(project.key, safe="")
    return {
        "status": 201,
        "description": "Created",
        "id": filed.id,
        "feedbackId": filed.display_id,
        "fileElements": [
            {
                "parameter": parameter,
                "endpoint": f"{base_url}/api/v1/feedbackTypes/{name}/{filed.id}/fileElements/{quote(parameter, safe='')}",
                "url": f"{base_url}/api/v1/projects/{within}/feedbackTypes/{name}/{filed.id}/fileElements/"
                f"{quote(parameter, safe='')}",
            }
            for element, parameter in source.fields
            if element.type == "file"
        ],
    }


def location(project: Project, source: Source, filed: Filed) -> str:
    """Where the ticket is read back."""
    return f"/api/v1/projects/{quote(project.key, safe='')}/feedback/{quote(source.key, safe='')}/{filed.id}"


def ticket(found: Ticket, attached: Sequence[File]) -> dict[str, Any]:
    """The body of a read-back."""
    submitter = None
    if found.submitter is not None:
        submitter = {
            "email": found.submitter.email,
            "name": found.submitter.name,
            "given": found.submitter.given,
        }
    return {
        "id": found.id,
        "feedbackId": found.display_id,
        "status": found.status,
        "createdAt": timestamp(found.created_at),
        "submitter": submitter,
        "values": found.values,
        "files": [{"id": file.id, "parameter": file.parameter, **_stored(file)} for file in attached],
    }


def files(stored: Sequence[File]) -> list[dict[str, Any]]:
    """The body of an upload's 201."""
    return [{"id": file.id, **_stored(file)} for file in stored]


def timestamp(at: datetime) -> str:
    """ISO 8601 in UTC with microseconds, as `2026-11-21T20:22:07.123456Z`."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _stored(file: File) -> dict[str, Any]:
    return {"name": file.name, "size": file.size, "sha256": file.sha256}
