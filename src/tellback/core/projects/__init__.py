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
]


async def find(
    db: Database, configuration: ConfigurationCache, workspace_id: int, key: str
) -> Project | None:
    """The compiled project of a workspace, from memory where it is known."""

    async def load() -> Project | None:
        async with db.reading() as reader:
            return await queries.project_by_key(reader, workspace_id, key)

    return await configuration.get(("project", workspace_id, key.lower()), load)
