"""`tellback` and `python -m tellback`."""

from __future__ import annotations

import importlib
import os
import sys

from tellback import headstart

_SERVING = ("serve", "demo")
_INTERRUPTED = 130


def main() -> None:
    if sys.argv[1:2] and sys.argv[1] in _SERVING:
        headstart.begin()
    try:
        # Only now: a worker imports meanwhile.
        code = importlib.import_module("tellback.cli.root").run(sys.argv[1:])
    except KeyboardInterrupt:  # before `run` could take care of it
        code = _INTERRUPTED
    _leave(code)


def _leave(code: int) -> None:
    if "obstore" in sys.modules:  # its threads do not bear the interpreter's end
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
