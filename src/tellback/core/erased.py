"""The word that every capability knows of erasing."""

from __future__ import annotations

#: What stands where a text of an erased person was.
ERASED = "erased"
