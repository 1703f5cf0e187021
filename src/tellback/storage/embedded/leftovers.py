"""What a server that was killed leaves behind: a pid file that may name a stranger, and orphaned children.

The caller owns the cluster (has its lock), so nobody else starts a server there meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tellback.storage.embedded import probe
from tellback.storage.embedded.errors import EmbeddedError

# An immediate shutdown ends its children by force after 5 s.
_PATIENCE_S = 15.0


def clear(cluster: Path, run: Path) -> None:
    """Wait for a server that is going down, end what is left of a dead one, remove its stale lock files.

    Raises `EmbeddedError` when a server that is not ours works there and stays.
    """
    deadline = time.monotonic() + _PATIENCE_S
    while (server := _server(cluster)) is not None:
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"another PostgreSQL server (process {server}) works on {cluster}; stop it first."
            )
        time.sleep(0.02)
    _end_orphans(cluster)
    lock = probe.socket_path(run).with_name(probe.socket_path(run).name + ".lock")
    for stale in (cluster / "postmaster.pid", probe.socket_path(run), lock):
        stale.unlink(missing_ok=True)


def _server(cluster: Path) -> int | None:
    """The living main process of `cluster`: the one named in its pid file, or one that has children."""
    named = _named_pid(cluster)
    if not sys.platform.startswith("linux"):
        return named if named is not None and _is_called_postgres(named) else None
    working = _working_in(cluster)
    if named in working:
        return named
    return next((parent for parent in working.values() if parent in working), None)


def _named_pid(cluster: Path) -> int | None:
    try:
        first, *_ = (cluster / "postmaster.pid").read_text().split()
        return abs(int(first))  # negative: a server in single-user mode
    except (FileNotFoundError, ValueError):  # never written, truncated, or garbage
        return None


def _end_orphans(cluster: Path) -> None:
    """Children of a killed server hold its shared memory until they notice; one in a long query takes long.

    The log makes this safe: what they had not committed was never promised.
    """
    if not sys.platform.startswith("linux"):
        return
    while orphans := _working_in(cluster):
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def _working_in(cluster: Path) -> dict[int, int]:
    """pid -> parent's pid of every PostgreSQL process that works in `cluster` (all change into it)."""
    home = cluster.stat()
    found: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError, IndexError, ValueError):  # gone meanwhile, or another user's
            if not os.path.samestat((entry / "cwd").stat(), home):
                continue
            name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
            if name == "postgres":
                found[int(entry.name)] = int(rest.split()[1])
    return found


def _is_called_postgres(pid: int) -> bool:
    done = subprocess.run(  # noqa: S603
        ["/bin/ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return "postgres" in done.stdout
