"""`tellback db`: the database itself."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from urllib.parse import parse_qs, unquote, urlsplit

import click

from tellback.cli import databases, faults, options, output
from tellback.storage import migrate as migrations
from tellback.storage.embedded import binaries


@click.group()
def command() -> None:
    """The database: its schema, a prompt."""


@command.command()
@options.hub
def migrate(place: databases.Place, as_json: bool) -> None:
    """Bring the schema up to date. `serve` and `apply` do so too."""
    with databases.access(place) as database:
        applied = [f"{step.number:04}_{step.name}" for step in asyncio.run(migrations.migrate(database.url))]
    if as_json:
        output.document({"applied": applied})
        return
    for name in applied:
        output.line(f"{name}: applied")
    if not applied:
        output.line("the schema is up to date")


@command.command()
@options.hub
def status(place: databases.Place, as_json: bool) -> None:
    """The schema's steps, and when each was applied."""
    with databases.access(place) as database:
        steps = asyncio.run(migrations.status(database.url))
    if as_json:
        output.document(
            [{"number": one.number, "name": one.name, "applied_at": one.applied_at} for one in steps]
        )
        return
    output.table(
        ("step", "applied"),
        [(f"{one.number:04}_{one.name}", str(one.applied_at or "pending")) for one in steps],
    )


@command.command()
@options.hub
def shell(place: databases.Place, as_json: bool) -> int:
    """psql on the hub's database; what standard input holds is run. With --output json the rows are CSV."""
    with databases.access(place, make=False) as database:
        psql = _psql(embedded=place.database_url is None)
        # Ctrl-C is psql's while it runs.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            return subprocess.run(  # noqa: S603 - the program the operator installed
                [psql, "--no-psqlrc", *(["--csv"] if as_json else [])],
                env={**os.environ, **_connection(database.url)},
                check=False,
            ).returncode
        finally:
            signal.signal(signal.SIGINT, before)


def _psql(*, embedded: bool) -> str:
    """A psql; of the system's for a server elsewhere, because that one can do TLS."""
    system = shutil.which("psql")
    if system and not embedded:
        return system
    found = binaries.find().program("psql")
    if os.access(found, os.X_OK):
        return found
    if system:
        return system
    raise faults.Refused(f"there is no psql in {os.path.dirname(found)}, nor on the PATH.")


def _connection(url: str) -> dict[str, str]:
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
    return {name: value for name, value in found.items() if value}
