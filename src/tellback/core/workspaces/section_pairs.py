"""Provisioning credentials that come as a pair: an id that is no secret, and a secret.

A section of them says by a `Pair` what its own words are; the rest is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from tellback.core import form, form_values
from tellback.core.section import NewSecret, Scope, Section, Step, Stored, by_key, compare, in_use
from tellback.core.workspaces import pair_queries, rules
from tellback.core.workspaces import section_queries as queries
from tellback.core.workspaces.model import CredentialKind
from tellback.storage.database import Reader, Transaction


@dataclass(frozen=True)
class Pair:
    """One kind of pair. `built` makes the section's own thing of (name, id, allowed_ips, enabled).

    The thing has `name`, `enabled`, `at`, `allowed_ips` (where the kind has them) and the two members named here.
    """

    section: str
    kind: CredentialKind
    noun: str
    id_noun: str
    id_member: str
    private_member: str
    prefix: str
    form: form.Object
    built: Callable[[str, str, tuple[str, ...], bool], Any]

    def id(self, thing: Any) -> str:
        public_id: str = getattr(thing, self.id_member)
        return public_id

    def secret(self, thing: Any) -> Any:
        """`form_values.Given` or `KEPT`."""
        return getattr(thing, self.private_member)


@dataclass(frozen=True)
class Pairs:
    """What is stored, and who in the hub holds the ids and the secrets that the document gives."""

    things: Mapping[str, Stored[Any]]
    ids: Mapping[str, queries.Holder]
    secrets: Mapping[bytes, queries.Holder]


def section(pair: Pair) -> Section:
    """The section of one kind of pair."""
    return Section(
        pair.section,
        form.ListOf(pair.form, key="name"),
        partial(_load, pair),
        partial(_show, pair),
        partial(_check, pair),
        partial(_plan, pair),
        partial(_store, pair),
    )


def _name(thing: Any) -> str:
    name: str = thing.name
    return name


def _addresses(thing: Any) -> Sequence[str]:
    """Empty where the kind has none: any address."""
    return getattr(thing, "allowed_ips", ())


async def _load(pair: Pair, reader: Reader, scope: Scope) -> Pairs:
    rows = await pair_queries.pairs(reader, scope.workspace_id, pair.kind)
    wanted: Sequence[Any] = scope.listed(pair.section)
    secrets = [pair.secret(one).digest for one in wanted if pair.secret(one) is not form.KEPT]
    return Pairs(
        by_key(
            (
                Stored(
                    row["id"],
                    pair.built(
                        row["name"], row["public_id"] or "", tuple(row["allowed_ips"]), row["enabled"]
                    ),
                    row["archived"],
                    row["secret_hash"],
                )
                for row in rows
            ),
            _name,
        ),
        await pair_queries.id_holders(reader, pair.kind, [pair.id(one) for one in wanted]),
        await queries.holders(reader, pair.kind, secrets),
    )


def _show(pair: Pair, stored: Pairs, scope: Scope) -> Sequence[Any]:
    return in_use(stored.things)


def _check(pair: Pair, scope: Scope) -> None:
    """Neither id nor secret may be another's, in the whole hub. Nothing is said of whose it is."""
    stored: Pairs = scope.stored[pair.section] if scope.stored else Pairs({}, {}, {})
    ids: set[str] = set()
    secrets: set[bytes] = set()
    for one in scope.listed(pair.section):
        own = f"every {pair.noun} needs its own"
        public_id, secret = pair.id(one), pair.secret(one)
        if public_id in ids or _held_by_another(pair, scope, one, stored.ids.get(public_id), _same_id):
            scope.fault(f"{one.at}.{pair.id_member}", f"this {pair.id_noun} is in use already; {own}")
        ids.add(public_id)
        if secret is form.KEPT:
            continue
        holder = stored.secrets.get(secret.digest)
        if secret.digest in secrets or _held_by_another(pair, scope, one, holder, _same_secret):
            scope.fault(f"{one.at}.{pair.private_member}", f"this secret is in use already; {own}")
        secrets.add(secret.digest)


def _same_id(pair: Pair, one: Any, other: Any) -> bool:
    return pair.id(other) == pair.id(one)


def _same_secret(pair: Pair, one: Any, other: Any) -> bool:
    kept = pair.secret(other) is form.KEPT
    return kept or bool(pair.secret(other).digest == pair.secret(one).digest)


def _held_by_another(
    pair: Pair,
    scope: Scope,
    one: Any,
    holder: queries.Holder | None,
    same: Callable[[Pair, Any, Any], bool],
) -> bool:
    """Whether somebody else holds this id or secret and goes on holding it after this run."""
    if holder is None or (holder.workspace_id == scope.workspace_id and holder.name == one.name):
        return False
    if holder.workspace_id != scope.workspace_id:
        return True
    becomes = next((other for other in scope.listed(pair.section) if other.name == holder.name), None)
    if becomes is None:
        return not (holder.archived or scope.prune)
    return same(pair, one, becomes)


def _plan(pair: Pair, scope: Scope) -> Sequence[Step[Any]]:
    stored: Mapping[str, Stored[Any]] = scope.stored[pair.section].things if scope.stored else {}

    def secret(known: Stored[Any], wanted: Any) -> Iterable[form.MemberChange]:
        given = pair.secret(wanted)
        if given is not form.KEPT and given.digest != known.secret:
            yield form.MemberChange(pair.private_member, None, None, secret=True)

    return compare(
        pair.section, pair.form, stored, scope.listed(pair.section), _name, _name,
        prune=scope.prune, leaving=(pair.private_member,), also=secret,
    )  # fmt: skip


async def _store(pair: Pair, tx: Transaction, scope: Scope, steps: Sequence[Step[Any]]) -> None:
    kept = [step.thing for step in steps if step.thing]
    if kept:
        given = [pair.secret(step.thing).digest for step in steps if _gets_new_secret(pair, step)]
        await pair_queries.release_ids(tx, scope.workspace_id, pair.kind, [pair.id(one) for one in kept])
        await queries.release_secrets(tx, scope.workspace_id, pair.kind, given)
    for step in steps:
        if step.thing is not None:
            await _put(pair, tx, scope, step)
        elif step.stored:
            await queries.archive_credential(tx, scope.workspace_id, step.stored.id)


def _gets_new_secret(pair: Pair, step: Step[Any]) -> bool:
    if step.thing is None or pair.secret(step.thing) is form.KEPT:
        return False
    return step.stored is None or any(one.secret for one in step.change.members)


async def _put(pair: Pair, tx: Transaction, scope: Scope, step: Step[Any]) -> None:
    thing: Any = step.thing
    made = step.stored is None and pair.secret(thing) is form.KEPT
    secret = form_values.Given(rules.new_secret(pair.prefix)) if made else pair.secret(thing)
    if step.stored is None:
        await pair_queries.add_pair(
            tx, scope.workspace_id, pair.kind, thing.name, pair.id(thing), secret.digest,
            _addresses(thing), thing.enabled,
        )  # fmt: skip
    else:
        digest = secret.digest if _gets_new_secret(pair, step) else None
        await pair_queries.change_pair(
            tx, scope.workspace_id, step.stored.id, pair.id(thing), digest, _addresses(thing), thing.enabled
        )
    if made or _gets_new_secret(pair, step):
        scope.secrets.append(NewSecret(pair.section, thing.name, secret.text, made))
