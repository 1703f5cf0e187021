"""What can go wrong with the embedded server; `str(error)` is one line that says what to do."""

from __future__ import annotations

from tellback.storage.errors import StorageError


class EmbeddedError(StorageError):
    """The embedded PostgreSQL cannot be used."""


class DataFolderBusy(EmbeddedError):
    """Somebody else has the part of the data folder that was asked for."""
