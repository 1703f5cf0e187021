"""Projects: feedback types with their forms and statuses, external sources and their mappings."""

from tellback.core.cache import ConfigurationCache
from tellback.core.projects import queries
from tellback.core.projects.mapping import Refused, is_empty, map_parameters, read_value
from tellback.core.projects.model import (
    Element,
    FeedbackType,
    Mapped,
    Opinion,
    Project,
    Promise,
    Satisfaction,
    Source,
    Status,
)
from tellback.core.projects.rules import display_id, file_element, origin, source_named
from tellback.core.workspaces import Workspace
from tellback.storage.database import Database

__all__ = [
    "Element",
    "FeedbackType",
    "Mapped",
    "Opinion",
    "Project",
    "Promise",
    "Refused",
    "Satisfaction",
    "Source",
    "Status",
    "display_id",
    "file_element",
    "find",
    "is_empty",
    "map_parameters",
    "origin",
    "queries",
    "read_value",
    "source_named",
    "workspace_of",
]

#: Characters of a project's key that are looked for.
LONGEST_KEY = 255


async def find(
    db: Database, configuration: ConfigurationCache, workspace_id: int, key: str
) -> Project | None:
    """The compiled project of a workspace, from memory where it is known."""

    async def load() -> Project | None:
        async with db.reading() as reader:
            return await queries.project_by_key(reader, workspace_id, key)

    return await configuration.get(("project", workspace_id, key.lower()), load)


async def workspace_of(db: Database, configuration: ConfigurationCache, key: str) -> Workspace | None:
    """The only workspace that has a project by that key; None where there is none, or more than one."""
    if (
        len(key) > LONGEST_KEY or not key.isprintable()
    ):  # strangers put anything there, also what cannot be stored
        return None

    async def load() -> Workspace | None:
        async with db.reading() as reader:
            having = await queries.workspaces_with_project(reader, key)
        return having[0] if len(having) == 1 else None

    return await configuration.get(("workspace of project", key.lower()), load)
