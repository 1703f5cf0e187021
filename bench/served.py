"""Any ASGI application under the hub's own server, with its parent, workers and options.

`serving` runs it in a process of its own (`python -m bench.served module:factory`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import hub, processes
from tellback import server
from tellback.settings import Settings

SETTINGS = "BENCH_SERVED_SETTINGS"


@contextmanager
def serving(target: str, settings: Settings, log: Path) -> Iterator[int]:
    """The application that `target` (`module:factory`, called with the settings) makes; gives its port.

    Raises `BenchFault`.
    """
    env = {SETTINGS: settings.to_json(), "PYTHONPATH": str(processes.ROOT)}
    command = [sys.executable, "-m", "bench.served", target]
    port = settings.port
    with processes.running(command, log=log, ready=lambda: hub.ready(port), env=env):
        yield port


if __name__ == "__main__":
    server.serve(Settings.from_json(os.environ[SETTINGS]), target=sys.argv[1])
