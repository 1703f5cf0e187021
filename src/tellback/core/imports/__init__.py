"""Records through mappings: import configurations, incoming webhooks, bulk runs.

Stored in one of three ways, by one set of rules (`people.rules`, `mapping`) and with the same result:

- `STORE` (`gathered`): what single calls bring, a batch in one statement as long as it changes nobody who is known;
- `store` (`actions`): those that do change somebody, under locks;
- `runs`: a file, read by columns (`blocks`, `columns`) and stored by COPY (`bulk`).
"""

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
