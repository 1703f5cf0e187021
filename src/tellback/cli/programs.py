"""PostgreSQL's client programs: where they are, and how they get at the hub's database."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from urllib.parse import parse_qs, unquote, urlsplit

from tellback.cli import databases, faults
from tellback.storage.embedded import binaries


def find(name: str, place: databases.Place, major: int | None = None) -> str:
    """A program; of the system's for a server elsewhere, because that one can do TLS, if it is of `major`.

    Raises `Refused` where there is none.
    """
    system = shutil.which(name)
    if system and major is not None and _major(system) != major:
        system = None
    if system and place.database_url is not None:
        return system
    found = binaries.find().program(name)
    if os.access(found, os.X_OK):
        return found
    if system:
        return system
    raise faults.Refused(f"there is no {name} in {os.path.dirname(found)}, nor on the PATH.")


def _major(program: str) -> int | None:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(found[1]) if found else None


def environment(url: str) -> dict[str, str]:
    """The address as libpq's variables: on a command line everyone could read the password."""
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    found = {
        "PGHOST": query.get("host", parts.hostname or ""),
        "PGPORT": query.get("port", str(parts.port or "")),
        "PGUSER": unquote(parts.username or "") or query.get("user", ""),
        "PGPASSWORD": unquote(parts.password or "") or query.get("password", ""),
        "PGDATABASE": unquote(parts.path.lstrip("/")) or query.get("dbname", ""),
        "PGSSLMODE": query.get("sslmode", ""),
    }
    return {**os.environ, **{name: value for name, value in found.items() if value}}
