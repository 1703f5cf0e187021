"""`tellback` and `python -m tellback`."""

from __future__ import annotations

import importlib
import sys

from tellback import headstart

_SERVING = ("serve", "demo")
_INTERRUPTED = 130


def main() -> None:
    if sys.argv[1:2] and sys.argv[1] in _SERVING:
        headstart.begin()
    try:
        # Only now: a worker imports meanwhile.
        sys.exit(importlib.import_module("tellback.cli.root").run(sys.argv[1:]))
    except KeyboardInterrupt:  # before `run` could take care of it
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
