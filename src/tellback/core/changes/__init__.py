"""The change feed: every effect writes a row here, in its own transaction."""

from tellback.core.changes.model import Kind, NewChange, SubjectType
from tellback.core.changes.queries import record

__all__ = ["Kind", "NewChange", "SubjectType", "record"]
