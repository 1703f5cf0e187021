"""The open hub: the handles a surface works with."""

from __future__ import annotations

from dataclasses import dataclass

from tellback.core.cache import ConfigurationCache
from tellback.settings import Settings
from tellback.storage.blobs import BlobStore
from tellback.storage.database import Database
from tellback.storage.group_commit import GroupCommit


@dataclass(frozen=True, slots=True)
class Hub:
    """Made once a process by `runtime`; everything in it is shared by all requests."""

    settings: Settings
    db: Database
    commits: GroupCommit
    configuration: ConfigurationCache
    blobs: BlobStore
