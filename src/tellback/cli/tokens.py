"""`tellback token`: access tokens for the hub's API."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import click

from tellback import settings
from tellback.cli import databases, faults, options, output
from tellback.core import cache_queries, form_values, workspaces
from tellback.core.workspaces import Credential
from tellback.storage.database import Database, Transaction

Expiry = date | timedelta


#: A hundred years. What should hold for longer is given no end.
LONGEST_S = 36_525 * settings.DAY_S


def expiry(text: str) -> Expiry:
    """`90d` from now, or the end of a day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        seconds = settings.duration(text)
        if seconds > LONGEST_S:
            raise ValueError
        return timedelta(seconds=seconds)
    except ValueError:
        raise ValueError(f"{text!r} is no time; write it like 90d or 2027-12-31") from None


@click.group()
def command() -> None:
    """Create, list and revoke access tokens."""


@command.command()
@options.workspace
@options.option("--key", required=True, help="What the token is called; it takes the place of one that is.")
@options.option(
    "--claim",
    "claims",
    type=options.Words("claim", str),
    multiple=True,
    required=True,
    help=f"What it opens: {', '.join(workspaces.CLAIMS)}. May be repeated, or hold several.",
)
@click.argument("further", nargs=-1, metavar="...")
@options.option(
    "--expires",
    type=options.Words("90d|2027-12-31", expiry),
    help="How long it is good for, or its last day; without it, for ever.",
)
@options.hub
def create(
    place: databases.Place,
    as_json: bool,
    workspace: str,
    key: str,
    claims: tuple[str, ...],
    further: tuple[str, ...],
    expires: Expiry | None,
) -> None:
    """Make an access token and print it, this once."""
    ticked = _words((*claims, *further))

    async def job(db: Database) -> str:
        async def effect(tx: Transaction) -> str:
            found = await workspaces.find(tx, workspace)
            made = await workspaces.tokens.issue(tx, found, key, ticked, _moment(expires, found.timezone))
            # A token of the same key has just stopped working.
            await cache_queries.raise_version(tx)
            return made

        return await db.write(effect)

    token = databases.work(place, job)
    if as_json:
        output.document({"key": key, "token": token})
    else:
        output.line(token)


@command.command("list")
@options.workspace
@options.hub
def list_tokens(place: databases.Place, as_json: bool, workspace: str) -> None:
    """The access tokens there are, revoked ones too. The tokens themselves are not known to the hub."""

    async def job(db: Database) -> list[Credential]:
        async with db.reading() as reader:
            found = await workspaces.find(reader, workspace)
            return await workspaces.queries.access_tokens(reader, found.id)

    found = databases.work(place, job)
    if as_json:
        output.document([_document(token) for token in found])
        return
    output.table(
        ("key", "claims", "expires", "state"),
        [
            (token.name, " ".join(sorted(token.claims)), f"{token.expires_at or 'never'}", _state(token))
            for token in found
        ],
    )


@command.command()
@options.workspace
@options.option("--key", required=True, help="What the token is called.")
@options.hub
def revoke(place: databases.Place, as_json: bool, workspace: str, key: str) -> None:
    """Make an access token stop working; running servers know within 2 s."""

    async def job(db: Database) -> None:
        async def effect(tx: Transaction) -> None:
            found = await workspaces.find(tx, workspace)
            if not await workspaces.queries.revoke_access_token(tx, found.id, key):
                raise faults.Refused(f"{workspace} has no access token {key!r} that works.")
            await cache_queries.raise_version(tx)

        await db.write(effect)

    databases.work(place, job)
    if as_json:
        output.document({"key": key, "revoked": True})
    else:
        output.line(f"{key}: revoked")


def _words(given: Iterable[str]) -> list[str]:
    """Claims as people write them: one a `--claim`, several after one, or several in one."""
    return [word for text in given for word in re.split(r"[\s,]+", text.strip(" ,"))]


def _moment(expires: Expiry | None, zone: str) -> datetime | None:
    if isinstance(expires, timedelta):
        return datetime.now(UTC) + expires
    return form_values.end_of_day(expires, zone) if expires else None


def _state(token: Credential) -> str:
    if not token.enabled:
        return "revoked"
    return "expired" if workspaces.rules.expired(token, datetime.now(UTC)) else "active"


def _document(token: Credential) -> dict[str, object]:
    return {
        "key": token.name,
        "claims": sorted(token.claims),
        "expires": token.expires_at,
        "state": _state(token),
    }
