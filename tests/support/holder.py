"""A process that holds an embedded PostgreSQL until its standard input ends.

    python holder.py joined|serving DATA [BINARIES]

Prints one JSON line, {"url": ..., "owns": ...} or {"error": kind, "message": one line}; reports go to stderr.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tellback.storage import embedded


def main() -> None:
    enter = {"joined": embedded.joined, "serving": embedded.serving}[sys.argv[1]]
    binaries = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    try:
        with enter(Path(sys.argv[2]), binaries, report=_report) as membership:
            print(json.dumps({"url": membership.url, "owns": membership.owns}), flush=True)
            sys.stdin.read()
    except embedded.EmbeddedError as error:
        print(json.dumps({"error": type(error).__name__, "message": str(error)}), flush=True)


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
