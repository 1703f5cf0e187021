"""`tellback` and `python -m tellback`."""

from __future__ import annotations

import importlib
import sys

from tellback import headstart

_SERVING = ("serve", "demo")


def main() -> None:
    if sys.argv[1:2] and sys.argv[1] in _SERVING:
        headstart.begin()
    # Only now: a worker imports meanwhile.
    sys.exit(importlib.import_module("tellback.cli.root").run(sys.argv[1:]))


if __name__ == "__main__":
    main()
