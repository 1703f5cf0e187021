"""Provisioning, section `access_tokens`: signed tokens with claims. The hub makes them; none can be given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tellback.core import form, form_values
from tellback.core.section import NewSecret, Scope, Section, Step, Stored, by_key, compare, in_use, replaced
from tellback.core.workspaces import section_queries as queries
from tellback.core.workspaces import tokens
from tellback.core.workspaces.model import CLAIMS, Workspace
from tellback.core.workspaces.queries import revoke_access_token
from tellback.storage.database import Reader, Transaction


@dataclass(frozen=True)
class AccessTokenDoc:
    """An access token as the document has it; a stored one's `expires` is always a moment in UTC."""

    key: str
    claims: tuple[str, ...] = ()
    expires: date | datetime | None = None
    at: str = form.location()


def _once(token: AccessTokenDoc) -> Iterable[tuple[str, str]]:
    if len(set(token.claims)) < len(token.claims):
        yield "claims", "a claim is here twice"


FORM = form.Object(
    "access token",
    {
        "key": form.Member(form_values.Text()),
        "claims": form.Member(form.ListOf(form_values.Choice(CLAIMS), least=1)),
        "expires": form.optional(form_values.Moment()),
    },
    AccessTokenDoc,
    _once,
)


def _key(token: AccessTokenDoc) -> str:
    return token.key


async def _load(reader: Reader, scope: Scope) -> Mapping[str, Stored[AccessTokenDoc]]:
    rows = await queries.credentials(reader, scope.workspace_id, "access_token")
    return by_key(
        (
            Stored(
                row["id"],
                AccessTokenDoc(row["name"], tuple(sorted(row["claims"])), row["expires_at"]),
                row["archived"] or not row["enabled"],
            )
            for row in rows
        ),
        _key,
    )


def _show(stored: Mapping[str, Stored[AccessTokenDoc]], scope: Scope) -> Sequence[AccessTokenDoc]:
    return [replaced(token, expires=_day(token.expires, scope.timezone)) for token in in_use(stored)]


def _day(moment: date | datetime | None, zone: str) -> date | datetime | None:
    """The day whose end `moment` is in the zone; a moment within a day stays one."""
    if not isinstance(moment, datetime):
        return moment
    local = moment.astimezone(ZoneInfo(zone))
    return local.date() - timedelta(days=1) if local.time() == time() else moment.astimezone(UTC)


def _check(scope: Scope) -> None:
    """The form says it all."""


def _exact(token: AccessTokenDoc, zone: str) -> AccessTokenDoc:
    expires = token.expires
    if expires is not None and not isinstance(expires, datetime):
        expires = form_values.end_of_day(expires, zone)
    return replaced(token, claims=tuple(sorted(token.claims)), expires=expires)


def _plan(scope: Scope) -> Sequence[Step[AccessTokenDoc]]:
    stored: Mapping[str, Stored[AccessTokenDoc]] = (scope.stored or {}).get("access_tokens", {})
    wanted = [_exact(token, scope.timezone) for token in scope.listed("access_tokens")]
    return compare("access_tokens", FORM, stored, wanted, _key, _key, prune=scope.prune)


async def _store(tx: Transaction, scope: Scope, steps: Sequence[Step[AccessTokenDoc]]) -> None:
    """What a token is good for stands in the token: a changed one is made anew, and the old one stops."""
    workspace = Workspace(scope.workspace_id, scope.slug, scope.slug, scope.timezone)
    for step in steps:
        if step.thing is None:
            if step.stored:
                await revoke_access_token(tx, scope.workspace_id, step.stored.thing.key)
            continue
        expires = step.thing.expires if isinstance(step.thing.expires, datetime) else None
        token = await tokens.issue(tx, workspace, step.thing.key, list(step.thing.claims), expires)
        scope.secrets.append(NewSecret("access_tokens", step.thing.key, token, made=True))


SECTION = Section("access_tokens", form.ListOf(FORM, key="key"), _load, _show, _check, _plan, _store)
