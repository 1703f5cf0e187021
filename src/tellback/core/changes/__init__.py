"""The change feed: every effect writes a row here, in its own transaction."""

from tellback.core.changes import queries, readers
from tellback.core.changes.model import Change, Kind, NewChange, SubjectType
from tellback.core.changes.queries import record
from tellback.core.changes.watch import Watch

__all__ = ["Change", "Kind", "NewChange", "SubjectType", "Watch", "queries", "readers", "record"]
