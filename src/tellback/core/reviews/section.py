"""Provisioning, section `pages`: public pages whose ratings come in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from tellback.core import form, form_values
from tellback.core.projects import section_queries as project_queries
from tellback.core.projects import section_state as projects
from tellback.core.reviews import section_queries as queries
from tellback.core.reviews.rules import HIGHEST, LOWEST
from tellback.core.section import NewSecret, Scope, Section, Step, Stored, by_key, compare, in_use
from tellback.core.workspaces import rules
from tellback.storage.database import Reader, Row, Transaction


@dataclass(frozen=True)
class LowDoc:
    """Which ratings become tickets, and of what type."""

    at_most: int
    project: str
    type: str
    at: str = form.location()

    @property
    def compared(self) -> tuple[object, ...]:
        return (self.at_most, self.project.lower(), self.type.lower())


@dataclass(frozen=True)
class PageDoc:
    """A page as the document has it. Absent secrets stay as they are stored."""

    key: str
    page_id: str
    app_secret: Any = form.KEPT  # form_values.Given or KEPT
    verify_token: Any = form.KEPT
    low_rating_tickets: LowDoc | None = None
    at: str = form.location()


@dataclass(frozen=True)
class Pages:
    """What is stored, the verify tokens' SHA-256 by key, and in which workspaces the document's keys are in use."""

    pages: Mapping[str, Stored[PageDoc]]
    verify_tokens: Mapping[str, bytes]
    holders: Mapping[str, int]


LOW = form.Object(
    "tickets from low ratings",
    {
        "at_most": form.Member(form_values.Whole(LOWEST, HIGHEST)),
        "project": form.Member(form_values.key()),
        "type": form.Member(form_values.key()),
    },
    LowDoc,
)
FORM = form.Object(
    "page",
    {
        "key": form.Member(form_values.key()),
        "page_id": form.Member(form_values.Text("a page id")),
        "app_secret": form.Member(form_values.Secret(), form.KEPT),
        "verify_token": form.Member(form_values.Secret(), form.KEPT),
        "low_rating_tickets": form.optional(LOW),
    },
    PageDoc,
)


def _key(page: PageDoc) -> str:
    return page.key.lower()


def _label(page: PageDoc) -> str:
    return page.key


async def _load(reader: Reader, scope: Scope) -> Pages:
    rows = await queries.pages(reader, scope.workspace_id)
    return Pages(
        by_key((Stored(row["id"], _page(row), row["archived"], row["app_secret"]) for row in rows), _key),
        {row["key"].lower(): row["verify_token_hash"] for row in rows},
        await queries.key_holders(reader, [_key(one) for one in scope.listed("pages")]),
    )


def _page(row: Row) -> PageDoc:
    low = None
    if row["low_rating_tickets"] and row["project"]:
        at_most = msgspec.json.decode(row["low_rating_tickets"])["at_most"]
        low = LowDoc(at_most, row["project"], row["feedback_type"])
    return PageDoc(row["key"], row["page_id"], low_rating_tickets=low)


def _stored(scope: Scope) -> Pages:
    stored: Pages = scope.stored["pages"] if scope.stored else Pages({}, {}, {})
    return stored


def _show(stored: Pages, scope: Scope) -> Sequence[PageDoc]:
    return in_use(stored.pages)


def _check(scope: Scope) -> None:
    """A key may not be another page's, in the whole hub. Nothing is said of whose it is."""
    stored, types = _stored(scope), projects.known_types(scope)
    for page in scope.listed("pages"):
        if stored.holders.get(_key(page), scope.workspace_id) != scope.workspace_id:
            scope.fault(f"{page.at}.key", "this key is in use already; every page of the hub needs its own")
        if scope.stored is not None and page.app_secret is form.KEPT and _key(page) not in stored.pages:
            scope.fault(f"{page.at}.app_secret", "is required: it is the platform's, and none is stored yet")
        low = page.low_rating_tickets
        if low and types is not None and (low.project.lower(), low.type.lower()) not in types:
            scope.fault(
                f"{page.at}.low_rating_tickets.type",
                f"there is no feedback type {low.type!r} in a project {low.project!r}",
            )


def _plan(scope: Scope) -> Sequence[Step[PageDoc]]:
    stored = _stored(scope)

    def others(known: Stored[PageDoc], wanted: PageDoc) -> Iterable[form.MemberChange]:
        was, becomes = known.thing.low_rating_tickets, wanted.low_rating_tickets
        if (was and was.compared) != (becomes and becomes.compared):
            yield form.MemberChange("low_rating_tickets", _plain(was), _plain(becomes))
        if wanted.app_secret is not form.KEPT and wanted.app_secret.text != known.secret:
            yield form.MemberChange("app_secret", None, None, secret=True)
        token = wanted.verify_token
        if token is not form.KEPT and token.digest != stored.verify_tokens.get(_key(wanted)):
            yield form.MemberChange("verify_token", None, None, secret=True)

    return compare(
        "pages", FORM, stored.pages, scope.listed("pages"), _key, _label,
        prune=scope.prune, leaving=("app_secret", "verify_token", "low_rating_tickets"), also=others,
    )  # fmt: skip


def _plain(low: LowDoc | None) -> dict[str, Any] | None:
    return None if low is None else LOW.write(low)


async def _store(tx: Transaction, scope: Scope, steps: Sequence[Step[PageDoc]]) -> None:
    for step in steps:
        if step.thing is not None:
            await _put(tx, scope, step, step.thing)
        elif step.stored:
            await queries.archive_page(tx, scope.workspace_id, step.stored.id)


async def _put(tx: Transaction, scope: Scope, step: Step[PageDoc], page: PageDoc) -> None:
    made = step.stored is None and page.verify_token is form.KEPT
    token = form_values.Given(rules.new_secret("verify")) if made else page.verify_token
    await queries.put_page(
        tx,
        scope.workspace_id,
        step.stored.id if step.stored else None,
        page.key,
        page.page_id,
        None if page.app_secret is form.KEPT else page.app_secret.text,
        None if token is form.KEPT else token.digest,
        await _low(tx, scope, page.low_rating_tickets),
    )
    if made or step.gives_new("verify_token"):
        scope.secrets.append(NewSecret("pages", page.key, token.text, made))
    if step.gives_new("app_secret"):
        scope.secrets.append(NewSecret("pages", f"{page.key} app_secret", page.app_secret.text, made=False))


async def _low(tx: Transaction, scope: Scope, wanted: LowDoc | None) -> dict[str, Any] | None:
    if wanted is None:
        return None
    found = await project_queries.feedback_type(tx, scope.workspace_id, wanted.project, wanted.type)
    if found is None:  # the check has seen it, so the projects of this run have it
        return None
    project_id, type_id = found
    return {"at_most": wanted.at_most, "project_id": project_id, "type_id": type_id}


SECTION = Section("pages", form.ListOf(FORM, key="key", fold=True), _load, _show, _check, _plan, _store)
