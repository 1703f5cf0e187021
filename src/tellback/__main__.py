"""`tellback` and `python -m tellback`."""

from __future__ import annotations

import sys

from tellback.cli import root


def main() -> None:
    sys.exit(root.run(sys.argv[1:]))


if __name__ == "__main__":
    main()
