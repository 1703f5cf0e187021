"""Projects: feedback types with their forms and statuses, external sources and their mappings."""

from tellback.core.cache import ConfigurationCache
from tellback.core.projects import queries
from tellback.core.projects.mapping import map_parameters
from tellback.core.projects.model import Element, FeedbackType, Mapped, Project, Source, Status
from tellback.core.projects.rules import display_id, file_element, source_named
from tellback.storage.database import Database

__all__ = [
    "Element",
    "FeedbackType",
    "Mapped",
    "Project",
    "Source",
    "Status",
    "display_id",
    "file_element",
    "find",
    "map_parameters",
    "queries",
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
