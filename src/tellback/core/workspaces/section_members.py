"""Provisioning, section `members`: the people who sign in to the console."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tellback.core import form, form_values
from tellback.core.section import NewSecret, Scope, Section, Step, Stored, by_key, compare, in_use
from tellback.core.workspaces import passwords
from tellback.core.workspaces import section_queries as queries
from tellback.storage.database import Reader, Transaction

ROLES = ("admin", "manager", "agent", "viewer")


@dataclass(frozen=True)
class MemberDoc:
    """A member as the document has it."""

    email: str
    name: str
    role: str
    password: Any = form.KEPT  # form_values.Given or KEPT
    at: str = form.location()


FORM = form.Object(
    "member",
    {
        "email": form.Member(form_values.Email()),
        "name": form.Member(form_values.Text()),
        "role": form.Member(form_values.Choice(ROLES)),
        "password": form.Member(form_values.Secret(most=1_024, free=True), form.KEPT),
    },
    MemberDoc,
)


def _key(member: MemberDoc) -> str:
    return member.email.lower()


def _label(member: MemberDoc) -> str:
    return member.email


async def _load(reader: Reader, scope: Scope) -> Mapping[str, Stored[MemberDoc]]:
    rows = await queries.members(reader, scope.workspace_id)
    return by_key(
        (
            Stored(
                row["id"],
                MemberDoc(row["email"], row["name"], row["role"]),
                row["archived"],
                row["password_hash"],
            )
            for row in rows
        ),
        _key,
    )


def _show(stored: Mapping[str, Stored[MemberDoc]], scope: Scope) -> Sequence[MemberDoc]:
    return in_use(stored)


def _check(scope: Scope) -> None:
    """The form says it all."""


def _password(known: Stored[MemberDoc], wanted: MemberDoc) -> Iterable[form.MemberChange]:
    if wanted.password is form.KEPT:
        return
    if known.secret is None or not passwords.matches(str(known.secret), wanted.password.text):
        yield form.MemberChange("password", None, None, secret=True)


def _plan(scope: Scope) -> Sequence[Step[MemberDoc]]:
    stored: Mapping[str, Stored[MemberDoc]] = (scope.stored or {}).get("members", {})
    return compare(
        "members", FORM, stored, scope.listed("members"), _key, _label,
        prune=scope.prune, leaving=("password",), also=_password,
    )  # fmt: skip


async def _store(tx: Transaction, scope: Scope, steps: Sequence[Step[MemberDoc]]) -> None:
    for step in steps:
        if step.thing is None:
            if step.stored:
                await queries.archive_member(tx, scope.workspace_id, step.stored.id)
        elif step.stored is None:
            await _add(tx, scope, step.thing)
        else:
            await _change(tx, scope, step.thing, step.stored, step.change.members)


async def _add(tx: Transaction, scope: Scope, member: MemberDoc) -> None:
    made = member.password is form.KEPT
    password = secrets.token_urlsafe(18) if made else member.password.text
    hashed = await asyncio.to_thread(passwords.hashed, password)
    await queries.add_member(tx, scope.workspace_id, member.email, member.name, member.role, hashed)
    scope.secrets.append(NewSecret("members", member.email, password, made))


async def _change(
    tx: Transaction,
    scope: Scope,
    member: MemberDoc,
    stored: Stored[MemberDoc],
    members: Sequence[form.MemberChange],
) -> None:
    hashed = None
    if any(one.secret for one in members):
        hashed = await asyncio.to_thread(passwords.hashed, member.password.text)
        scope.secrets.append(NewSecret("members", member.email, member.password.text, made=False))
    await queries.change_member(
        tx, scope.workspace_id, stored.id, member.email, member.name, member.role, hashed
    )


SECTION = Section(
    "members",
    form.ListOf(FORM, key="email", fold=True),
    _load,
    _show,
    _check,
    _plan,
    _store,
)
