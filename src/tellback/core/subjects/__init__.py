"""Subjects: what events are about, as documents (`documents`), and whom they concern (`concerned`)."""

from tellback.core.subjects import queries
from tellback.core.subjects.concerned import concerned
from tellback.core.subjects.documents import Document, Documents, document, missing, tickets_above

__all__ = ["Document", "Documents", "concerned", "document", "missing", "queries", "tickets_above"]
