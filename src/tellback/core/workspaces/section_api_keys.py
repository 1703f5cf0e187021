"""Provisioning, section `api_keys`: the keys of outside apps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tellback.core import form, form_values
from tellback.core.section import NewSecret, Scope, Section, Step, Stored, by_key, compare, in_use
from tellback.core.workspaces import rules
from tellback.core.workspaces import section_queries as queries
from tellback.storage.database import Reader, Transaction


@dataclass(frozen=True)
class ApiKeyDoc:
    """An API key as the document has it."""

    name: str
    key: Any = form.KEPT  # form_values.Given or KEPT
    allowed_ips: tuple[str, ...] = ()
    enabled: bool = True
    at: str = form.location()


@dataclass(frozen=True)
class ApiKeys:
    """What is stored, and who in the hub holds the secrets that the document gives."""

    keys: Mapping[str, Stored[ApiKeyDoc]]
    holders: Mapping[bytes, queries.Holder]


FORM = form.Object(
    "API key",
    {
        "name": form.Member(form_values.Text()),
        "key": form.Member(form_values.Secret(), form.KEPT),
        "allowed_ips": form.optional(form.ListOf(form_values.Network(), most=1_000), ()),
        "enabled": form.optional(form_values.Truth(), True, told=True),
    },
    ApiKeyDoc,
)


def known_names(scope: Scope) -> frozenset[str] | None:
    """The names of the keys there will be; None where that cannot be known.

    That is: without a database, unless the document is to be all there is, and where a key has no name.
    """
    left_out = scope.reading.left_out("api_keys")
    if left_out is None:
        return None
    names = {key.name for key in scope.listed("api_keys")} | left_out
    if scope.prune:
        return frozenset(names)
    if scope.stored is None:
        return None
    stored: ApiKeys = scope.stored["api_keys"]
    return frozenset(names | {key.name for key in in_use(stored.keys)})


def _key(key: ApiKeyDoc) -> str:
    return key.name


async def _load(reader: Reader, scope: Scope) -> ApiKeys:
    rows = await queries.credentials(reader, scope.workspace_id, "api_key")
    given = [key.key.digest for key in scope.listed("api_keys") if key.key is not form.KEPT]
    return ApiKeys(
        by_key(
            (
                Stored(
                    row["id"],
                    ApiKeyDoc(row["name"], allowed_ips=tuple(row["allowed_ips"]), enabled=row["enabled"]),
                    row["archived"],
                    row["secret_hash"],
                )
                for row in rows
            ),
            _key,
        ),
        await queries.holders(reader, "api_key", given),
    )


def _show(stored: ApiKeys, scope: Scope) -> Sequence[ApiKeyDoc]:
    return in_use(stored.keys)


def _check(scope: Scope) -> None:
    """No two keys of the hub may share a secret. Nothing is said of whose it is."""
    wanted = {key.name: key for key in scope.listed("api_keys")}
    stored: ApiKeys | None = scope.stored["api_keys"] if scope.stored else None
    seen: set[bytes] = set()
    for key in scope.listed("api_keys"):
        if key.key is form.KEPT:
            continue
        taken = stored is not None and _taken(scope, key, stored, wanted)
        if key.key.digest in seen or taken:
            scope.fault(f"{key.at}.key", "this secret is in use already; every key needs its own")
        seen.add(key.key.digest)


def _taken(scope: Scope, key: ApiKeyDoc, stored: ApiKeys, wanted: Mapping[str, ApiKeyDoc]) -> bool:
    """Whether somebody else holds this key's secret and goes on holding it after this run."""
    holder = stored.holders.get(key.key.digest)
    if holder is None or (holder.workspace_id == scope.workspace_id and holder.name == key.name):
        return False
    if holder.workspace_id != scope.workspace_id:
        return True
    becomes = wanted.get(holder.name)
    if becomes is None:
        return not (holder.archived or scope.prune)
    return becomes.key is form.KEPT or becomes.key.digest == key.key.digest


def _secret(known: Stored[ApiKeyDoc], wanted: ApiKeyDoc) -> Iterable[form.MemberChange]:
    if wanted.key is not form.KEPT and wanted.key.digest != known.secret:
        yield form.MemberChange("key", None, None, secret=True)


def _plan(scope: Scope) -> Sequence[Step[ApiKeyDoc]]:
    stored: Mapping[str, Stored[ApiKeyDoc]] = scope.stored["api_keys"].keys if scope.stored else {}
    return compare(
        "api_keys", FORM, stored, scope.listed("api_keys"), _key, _key,
        prune=scope.prune, leaving=("key",), also=_secret,
    )  # fmt: skip


async def _store(tx: Transaction, scope: Scope, steps: Sequence[Step[ApiKeyDoc]]) -> None:
    given = [step.thing.key.digest for step in steps if step.thing and _gets_new_secret(step)]
    await queries.release_secrets(tx, scope.workspace_id, "api_key", given)
    for step in steps:
        if step.thing is None:
            if step.stored:
                await queries.archive_credential(tx, scope.workspace_id, step.stored.id)
        elif step.stored is None:
            await _add(tx, scope, step.thing)
        else:
            await _change(tx, scope, step.thing, step)


def _gets_new_secret(step: Step[ApiKeyDoc]) -> bool:
    if step.thing is None or step.thing.key is form.KEPT:
        return False
    return step.stored is None or any(one.secret for one in step.change.members)


async def _add(tx: Transaction, scope: Scope, key: ApiKeyDoc) -> None:
    made = key.key is form.KEPT
    secret = form_values.Given(rules.new_secret("key")) if made else key.key
    await queries.add_api_key(tx, scope.workspace_id, key.name, secret.digest, key.allowed_ips, key.enabled)
    scope.secrets.append(NewSecret("api_keys", key.name, secret.text, made))


async def _change(tx: Transaction, scope: Scope, key: ApiKeyDoc, step: Step[ApiKeyDoc]) -> None:
    if step.stored is None:
        return
    digest = None
    if _gets_new_secret(step):
        digest = key.key.digest
        scope.secrets.append(NewSecret("api_keys", key.name, key.key.text, made=False))
    await queries.change_api_key(tx, scope.workspace_id, step.stored.id, digest, key.allowed_ips, key.enabled)


SECTION = Section("api_keys", form.ListOf(FORM, key="name"), _load, _show, _check, _plan, _store)
