"""SQL of contacts and participants."""

from __future__ import annotations

from tellback.core.people.model import Participant
from tellback.storage.database import Reader


async def participants(reader: Reader, workspace_id: int, project_id: int) -> list[Participant]:
    """Everyone who may submit in a project."""
    rows = await reader.fetch(
        """
        select p.contact_id, c.email, p.name
        from participants p join contacts c on c.workspace_id = p.workspace_id and c.id = p.contact_id
        where p.workspace_id = $1 and p.project_id = $2 and p.archived_at is null and c.email is not null
        """,
        workspace_id, project_id,
    )  # fmt: skip
    return [Participant(**row) for row in rows]
