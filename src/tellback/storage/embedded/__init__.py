"""The embedded PostgreSQL: a server of our own on a data folder, shared by the processes that need it."""

from tellback.storage.embedded.errors import DataFolderBusy, EmbeddedError
from tellback.storage.embedded.server import EmbeddedPostgres
from tellback.storage.embedded.sharing import Membership, joined, serving

__all__ = ["DataFolderBusy", "EmbeddedError", "EmbeddedPostgres", "Membership", "joined", "serving"]
