"""Provisioning, section `survey_keys`: pairs of `apikey` and `apisecret` that open the workspace's surveys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tellback.core import form, form_values
from tellback.core.section import NewSecret, Scope, Section, Step, Stored, by_key, compare, in_use
from tellback.core.workspaces import pair_queries, rules
from tellback.core.workspaces import section_queries as queries
from tellback.storage.database import Reader, Transaction

# Visible ASCII, and no colon: Basic authentication ends a user name with one (RFC 7617, section 2).
_APIKEY = re.compile(r"[!-9;-~]+\Z")
_NAME_OF_SECRET = re.compile(r"[@&]apisecret=")


@dataclass(frozen=True)
class SurveyKeyDoc:
    """A survey key as the document has it. An absent secret stays as it is stored."""

    name: str
    apikey: str
    apisecret: Any = form.KEPT  # form_values.Given or KEPT
    allowed_ips: tuple[str, ...] = ()
    enabled: bool = True
    at: str = form.location()


@dataclass(frozen=True)
class SurveyKeys:
    """What is stored, and who in the hub holds the ids and the secrets that the document gives."""

    keys: Mapping[str, Stored[SurveyKeyDoc]]
    ids: Mapping[str, queries.Holder]
    secrets: Mapping[bytes, queries.Holder]


def _readable(key: SurveyKeyDoc) -> Iterable[tuple[str, str]]:
    """Clients glue key and secret together as the vendor prints them; the key may not look like both."""
    if _NAME_OF_SECRET.search(key.apikey):
        yield "apikey", "'@apisecret=' and '&apisecret=' may not stand in a key"


FORM = form.Object(
    "survey key",
    {
        "name": form.Member(form_values.Text()),
        "apikey": form.Member(
            form_values.Text("a key (visible ASCII without spaces and colons)", shape=_APIKEY)
        ),
        "apisecret": form.Member(form_values.Secret(), form.KEPT),
        "allowed_ips": form.optional(form.ListOf(form_values.Network(), most=1_000), ()),
        "enabled": form.optional(form_values.Truth(), True),
    },
    SurveyKeyDoc,
    _readable,
)


def _name(key: SurveyKeyDoc) -> str:
    return key.name


async def _load(reader: Reader, scope: Scope) -> SurveyKeys:
    rows = await pair_queries.pairs(reader, scope.workspace_id, "survey_key")
    wanted: Sequence[SurveyKeyDoc] = scope.listed("survey_keys")
    secrets = [key.apisecret.digest for key in wanted if key.apisecret is not form.KEPT]
    return SurveyKeys(
        by_key(
            (
                Stored(
                    row["id"],
                    SurveyKeyDoc(
                        row["name"],
                        row["public_id"] or "",
                        allowed_ips=tuple(row["allowed_ips"]),
                        enabled=row["enabled"],
                    ),
                    row["archived"],
                    row["secret_hash"],
                )
                for row in rows
            ),
            _name,
        ),
        await pair_queries.id_holders(reader, "survey_key", [key.apikey for key in wanted]),
        await queries.holders(reader, "survey_key", secrets),
    )


def _show(stored: SurveyKeys, scope: Scope) -> Sequence[SurveyKeyDoc]:
    return in_use(stored.keys)


def _check(scope: Scope) -> None:
    """Neither id nor secret may be another key's, in the whole hub. Nothing is said of whose it is."""
    stored: SurveyKeys = scope.stored["survey_keys"] if scope.stored else SurveyKeys({}, {}, {})
    ids: set[str] = set()
    secrets: set[bytes] = set()
    for key in scope.listed("survey_keys"):
        if key.apikey in ids or _held_by_another(scope, key, stored.ids.get(key.apikey), _same_id):
            scope.fault(f"{key.at}.apikey", "this key is in use already; every survey key needs its own")
        ids.add(key.apikey)
        if key.apisecret is form.KEPT:
            continue
        digest = key.apisecret.digest
        if digest in secrets or _held_by_another(scope, key, stored.secrets.get(digest), _same_secret):
            scope.fault(
                f"{key.at}.apisecret", "this secret is in use already; every survey key needs its own"
            )
        secrets.add(digest)


def _same_id(key: SurveyKeyDoc, other: SurveyKeyDoc) -> bool:
    return other.apikey == key.apikey


def _same_secret(key: SurveyKeyDoc, other: SurveyKeyDoc) -> bool:
    return other.apisecret is form.KEPT or bool(other.apisecret.digest == key.apisecret.digest)


def _held_by_another(
    scope: Scope,
    key: SurveyKeyDoc,
    holder: queries.Holder | None,
    same: Callable[[SurveyKeyDoc, SurveyKeyDoc], bool],
) -> bool:
    """Whether somebody else holds this id or secret and goes on holding it after this run."""
    if holder is None or (holder.workspace_id == scope.workspace_id and holder.name == key.name):
        return False
    if holder.workspace_id != scope.workspace_id:
        return True
    becomes = next((one for one in scope.listed("survey_keys") if one.name == holder.name), None)
    if becomes is None:
        return not (holder.archived or scope.prune)
    return same(key, becomes)


def _secret(known: Stored[SurveyKeyDoc], wanted: SurveyKeyDoc) -> Iterable[form.MemberChange]:
    if wanted.apisecret is not form.KEPT and wanted.apisecret.digest != known.secret:
        yield form.MemberChange("apisecret", None, None, secret=True)


def _plan(scope: Scope) -> Sequence[Step[SurveyKeyDoc]]:
    stored: Mapping[str, Stored[SurveyKeyDoc]] = scope.stored["survey_keys"].keys if scope.stored else {}
    return compare(
        "survey_keys", FORM, stored, scope.listed("survey_keys"), _name, _name,
        prune=scope.prune, leaving=("apisecret",), also=_secret,
    )  # fmt: skip


async def _store(tx: Transaction, scope: Scope, steps: Sequence[Step[SurveyKeyDoc]]) -> None:
    kept = [step.thing for step in steps if step.thing]
    if kept:
        given = [step.thing.apisecret.digest for step in steps if step.thing and _gets_new_secret(step)]
        await pair_queries.release_ids(tx, scope.workspace_id, "survey_key", [key.apikey for key in kept])
        await queries.release_secrets(tx, scope.workspace_id, "survey_key", given)
    for step in steps:
        if step.thing is not None:
            await _put(tx, scope, step, step.thing)
        elif step.stored:
            await queries.archive_credential(tx, scope.workspace_id, step.stored.id)


def _gets_new_secret(step: Step[SurveyKeyDoc]) -> bool:
    if step.thing is None or step.thing.apisecret is form.KEPT:
        return False
    return step.stored is None or any(one.secret for one in step.change.members)


async def _put(tx: Transaction, scope: Scope, step: Step[SurveyKeyDoc], key: SurveyKeyDoc) -> None:
    made = step.stored is None and key.apisecret is form.KEPT
    secret = form_values.Given(rules.new_secret("survey")) if made else key.apisecret
    if step.stored is None:
        await pair_queries.add_pair(
            tx, scope.workspace_id, "survey_key", key.name, key.apikey, secret.digest,
            key.allowed_ips, key.enabled,
        )  # fmt: skip
    else:
        digest = secret.digest if _gets_new_secret(step) else None
        await pair_queries.change_pair(
            tx, scope.workspace_id, step.stored.id, key.apikey, digest, key.allowed_ips, key.enabled
        )
    if made or _gets_new_secret(step):
        scope.secrets.append(NewSecret("survey_keys", key.name, secret.text, made))


SECTION = Section("survey_keys", form.ListOf(FORM, key="name"), _load, _show, _check, _plan, _store)
