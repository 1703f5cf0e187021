"""The demo's workspace: made as demo_data/hub.yaml says, with tokens to enter it and tickets to see in it."""

from __future__ import annotations

import importlib.resources
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tellback.cli import databases, demo_feedback, demo_team, faults
from tellback.core import cache_queries, errors, provisioning, workspaces
from tellback.storage.database import Database, Transaction

SLUG = "demo"
_SENT_WITHIN_S = 5.0


@dataclass(frozen=True)
class Tokens:
    """Access tokens: for the hub's own API, and for reports."""

    hub: str = field(repr=False)
    reports: str = field(repr=False)

    def write(self, folder: Path) -> tuple[Path, Path]:
        """A file each, as the header that carries it; for its owner alone."""
        return _written(folder / "demo-token", self.hub), _written(
            folder / "demo-reports-token", self.reports
        )


def keys() -> dict[str, str]:
    """The API keys of the demo's file, by name."""
    return {key.name: str(key.key.text) for key in _document("").values["api_keys"]}


async def provisioned(url: str, place: databases.Place, team: str) -> Tokens:
    """Make the workspace be as its file says, with its outside systems at the address `team`; fresh tokens for it."""
    db = await Database.open(url, connections=1)
    try:
        async with db.reading() as reader:
            found = [workspace.slug for workspace in await workspaces.queries.workspaces(reader)]
        if found and SLUG not in found:
            raise faults.Refused(
                f"{place.data} is a hub of its own (workspace {found[0]}); give the demo another --data."
            )
        await provisioning.apply(db, _document(team))
        return await db.write(_tokens)
    finally:
        await db.close()


def filled(client: demo_feedback.Client, team: demo_team.Team) -> list[dict[str, Any]]:
    """Post the demo's feedback where that was not done yet; every ticket there is, oldest first.

    What is sent to the team because of it has been sent then, unless that takes unduly long.
    """
    before = sum(1 for _ in client.tickets())
    client.fill(demo_feedback.bundled(), before)
    deadline = time.monotonic() + _SENT_WITHIN_S
    while True:
        stored = list(client.tickets())
        to_send = [ticket for ticket in stored[before:] if _goes_to_tracker(ticket)]
        told = len(team.calls()) >= 2 * len(to_send)  # the tracker of a bug, the chat of its status
        if (told and all(ticket["external"] for ticket in to_send)) or time.monotonic() > deadline:
            return stored
        time.sleep(0.05)


def is_bug(ticket: Mapping[str, Any]) -> bool:
    return bool((ticket["project"], ticket["type"]) == ("beta", "bugs"))


def _goes_to_tracker(ticket: Mapping[str, Any]) -> bool:
    """As the rule in the file has it."""
    return is_bug(ticket) and ticket["values"].get("severity") == "High"


def _document(team: str) -> provisioning.Document:
    text = (importlib.resources.files(__package__) / "demo_data" / "hub.yaml").read_text("utf-8")
    at = f"http://127.0.0.1:{demo_team.PORT}"
    document = provisioning.read(text.replace(at, team or at).encode(), "demo_data/hub.yaml")
    if document.faults:
        raise errors.Invalid(document.faults)
    return document


async def _tokens(tx: Transaction) -> Tokens:
    workspace = await workspaces.find(tx, SLUG)
    hub = await workspaces.tokens.issue(tx, workspace, SLUG, ["hub_read", "hub_write"])
    reports = await workspaces.tokens.issue(tx, workspace, "reports", ["errand_data"])
    await cache_queries.raise_version(tx)
    return Tokens(hub, reports)


def _written(file: Path, token: str) -> Path:
    file.unlink(missing_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
        out.write(f"Authorization: Bearer {token}\n")
    return file
