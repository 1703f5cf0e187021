"""What `doctor` asks the database."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from tellback.cli.doctor_checks import Finding
from tellback.core import provisioning, workspaces
from tellback.core.deliveries import reading_queries as delivery_reading_queries
from tellback.storage import database, migrate
from tellback.storage.database import Database
from tellback.storage.errors import DatabaseAway, StorageError

Found: TypeAlias = Coroutine[Any, Any, list[Finding]]

_CLOCKS_APART = timedelta(seconds=5)
_COUNTED = ("members", "api_keys", "access_tokens", "projects")


async def findings(url: str) -> list[Finding]:
    """Does it answer, is its schema ours, do the clocks agree, what is configured."""
    try:
        steps = await migrate.status(url)
    except DatabaseAway as error:
        advice = "Check its address, and that the server runs and lets this machine in."
        return [Finding("database", False, str(error).rstrip("."), advice)]
    except StorageError as error:
        return [Finding("database", False, str(error).rstrip("."))]
    pending = [f"{step.number:04}_{step.name}" for step in steps if step.applied_at is None]
    found = [await _clock(url)]
    if pending:
        advice = "Run `tellback db migrate`; `tellback serve` does it too."
        return [*found, Finding("schema", False, f"steps not applied: {', '.join(pending)}", advice)]
    return [*found, Finding("schema", True, f"{len(steps)} steps, all applied"), *await _configuration(url)]


async def _clock(url: str) -> Finding:
    async with migrate.connected(url) as connection:
        version = connection.get_server_version()
        apart = abs(await database.now(database.Reader(connection)) - datetime.now(UTC))
    clocks = f"its clock and ours are {apart.total_seconds():.1f} s apart"
    text = f"PostgreSQL {version.major}.{version.micro} answers; {clocks}"
    advice = "Set both by NTP: tokens and times in the log go by these clocks."
    return Finding("database", apart < _CLOCKS_APART, text, advice)


async def _configuration(url: str) -> list[Finding]:
    db = await Database.open(url, connections=1)
    try:
        async with db.reading() as reader:
            found = await workspaces.queries.workspaces(reader)
            shown = [await provisioning.show(reader, one.slug) for one in found]
            disabled = await delivery_reading_queries.disabled(reader)
    finally:
        await db.close()
    if not shown:
        return [Finding("configuration", True, "no workspace yet; `tellback apply` makes one")]
    return [
        Finding(
            f"workspace {document['workspace']['slug']}",
            True,
            ", ".join(f"{len(document.get(name, ()))} {name.replace('_', ' ')}" for name in _COUNTED),
        )
        for document in shown
    ] + [_disabled(*one) for one in disabled]


def _disabled(workspace: str, kind: str, key: str, reason: str, since: datetime) -> Finding:
    """A destination that nothing is sent to any more."""
    collection = {"webhook": "webhooks", "subscription": "subscriptions"}[kind]
    text = f"disabled since {since:%Y-%m-%d %H:%M} UTC: {reason}"
    advice = f"Mend the receiver or apply another URL; POST /hub/v1/{collection}/{key}/enable goes on with its queue."
    return Finding(f"{kind} {key} of {workspace}", False, text, advice)
