"""Events with the contact and the account they are about, for tags that name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tellback.core import subjects
from tellback.core.automation.model import Occasion
from tellback.storage.database import Reader


async def introduced(reader: Reader, workspace_id: int, occasions: Sequence[Occasion]) -> list[Occasion]:
    """The same events, in their order, each with whom it is about as they are now."""
    found = await subjects.concerned(reader, workspace_id, [one.document for one in occasions])
    return [replace(one, concerned=who) for one, who in zip(occasions, found, strict=True)]
