"""Records through mappings: import configurations, incoming webhooks, bulk runs."""

from tellback.core.imports import mapping, queries, runs, tables
from tellback.core.imports.actions import find, find_webhook, opens, store
from tellback.core.imports.gathered import STORE
from tellback.core.imports.model import (
    Configuration,
    Mapped,
    NewRecord,
    Read,
    Record,
    Reject,
    Run,
    Stored,
    Tally,
    Webhook,
)

__all__ = [
    "STORE",
    "Configuration",
    "Mapped",
    "NewRecord",
    "Read",
    "Record",
    "Reject",
    "Run",
    "Stored",
    "Tally",
    "Webhook",
    "find",
    "find_webhook",
    "mapping",
    "opens",
    "queries",
    "runs",
    "store",
    "tables",
]
