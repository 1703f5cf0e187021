"""`tellback import` with small chunks, so that a kill has many places to hit: `… importing 50 FILE …`."""

from __future__ import annotations

import sys

from tellback.cli import root
from tellback.core.imports import runs


def main() -> int:
    runs.CHUNK = int(sys.argv[1])
    return root.run(["import", *sys.argv[2:]])


if __name__ == "__main__":
    sys.exit(main())
