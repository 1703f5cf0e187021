"""Provisioning, section `rules`: what happens by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tellback.core import form
from tellback.core.automation import section_checks as checks
from tellback.core.automation import section_documents as documents
from tellback.core.automation import section_forms as forms
from tellback.core.automation import section_queries as queries
from tellback.core.automation.model import Rule
from tellback.core.automation.section_documents import RuleDoc
from tellback.core.section import Scope, Section, Step, Stored, by_key, compare, in_use
from tellback.storage.database import Reader, Transaction


def _key(rule: RuleDoc) -> str:
    return rule.key.lower()


def _label(rule: RuleDoc) -> str:
    return rule.key


async def _load(reader: Reader, scope: Scope) -> Mapping[str, Stored[RuleDoc]]:
    rows = await queries.rules(reader, scope.workspace_id)
    return by_key(
        (
            Stored(row["id"], _document(msgspec.json.decode(row["definition"], type=Rule)), row["archived"])
            for row in rows
        ),
        _key,
    )


def _document(rule: Rule) -> RuleDoc:
    return RuleDoc(
        rule.key, rule.on, forms.action_docs(rule.do), rule.every, forms.pairs(rule.when), rule.once
    )


def _stored(scope: Scope) -> Mapping[str, Stored[RuleDoc]]:
    stored: Mapping[str, Stored[RuleDoc]] = scope.stored["rules"] if scope.stored else {}
    return stored


def _show(stored: Mapping[str, Stored[RuleDoc]], scope: Scope) -> Sequence[RuleDoc]:
    return in_use(stored)


def _check(scope: Scope) -> None:
    names = checks.names(scope)
    for rule in scope.listed("rules"):
        checks.check_conditions(scope, f"{rule.at}.when", rule.when, names)
        checks.check_actions(scope, f"{rule.at}.do", rule.do, rule.when, names)


def _plan(scope: Scope) -> Sequence[Step[RuleDoc]]:
    return compare(
        "rules", documents.RULE, _stored(scope), scope.listed("rules"), _key, _label, prune=scope.prune
    )


async def _store(tx: Transaction, scope: Scope, steps: Sequence[Step[RuleDoc]]) -> None:
    for step in steps:
        rule = step.thing
        if rule is None and step.stored:
            await queries.archive_rule(tx, scope.workspace_id, step.stored.id)
        elif rule is not None:
            definition = Rule(
                rule.key, rule.on, forms.conditions(rule.when), forms.actions(rule.do), rule.every, rule.once
            )
            await queries.put_rule(
                tx, scope.workspace_id, step.stored.id if step.stored else None, rule.key,
                msgspec.json.encode(definition).decode(), rule.every,
            )  # fmt: skip


SECTION = Section(
    "rules",
    form.ListOf(documents.RULE, key="key", fold=True, most=10_000),
    _load,
    _show,
    _check,
    _plan,
    _store,
)
