"""What every capability knows of erasing, so that `core/erasure` can reach into it."""

from __future__ import annotations

import re

#: What stands where a text of an erased person was.
ERASED = "erased"
#: Seconds that a look through a whole table may take, which is longer than intake waits for a statement.
SCAN_S = 300.0


def like(needle: str) -> str:
    """A LIKE pattern for whatever contains the needle."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", needle) + "%"
