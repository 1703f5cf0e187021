"""Decisions about ratings. No I/O.

Deliveries come late, twice, and in any order. What is stored is therefore a function of the set of changes
seen, not of their order: the newest change wins, wholly, and changes are totally ordered.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from tellback.core.changes import Kind, NewChange
from tellback.core.reviews.model import Delivered, Page, Rating, Standing
from tellback.core.tickets import NewTicket
from tellback.core.workspaces import rules as credentials

SUBJECT_LIMIT = 255
LOWEST, HIGHEST = 1, 5

#: Of changes in one second a removal counts for most: only what is newer than it brings a rating back.
_RANK = {"add": 0, "edit": 1, "remove": 2}
_RECOMMENDED = {"positive": 5, "neutral": 3, "negative": 1}


def signed(page: Page, body: bytes, signature: str) -> bool:
    """Whether `signature` (`sha256=<hex>`) is the body's, made with the page's secret. In constant time."""
    scheme, _, given = signature.strip().partition("=")
    due = hmac.new(page.app_secret.encode(), body, sha256).hexdigest()
    # Compared as bytes: a header may hold anything, and texts must be ASCII to be compared.
    return hmac.compare_digest(due.encode(), given.lower().encode("utf-8", "replace")) and scheme == "sha256"


def verified(page: Page, token: str) -> bool:
    """Whether `token` is the one the page was set up with. In constant time."""
    return hmac.compare_digest(page.verify_token_hash, credentials.secret_hash(token))


def stars(rating: int | None, recommendation: str | None) -> int | None:
    """The number a rating counts: its own, else that of the recommendation; None where neither says one."""
    if rating is not None:
        return rating
    return _RECOMMENDED.get((recommendation or "").lower())


def merged(known: Standing | None, change: Delivered) -> Standing:
    """What is known after `change`; `known` itself where it tells nothing new."""
    added_at = known.added_at if known else None
    if change.verb == "add" and (added_at is None or change.at > added_at):
        added_at = change.at
    newest = change if known is None or _order(change) > _order(known.newest) else known.newest
    if known is not None and (newest, added_at) == (known.newest, known.added_at):
        return known
    return Standing(newest, added_at)


def created_at(standing: Standing) -> datetime:
    """When a rating was made: its newest add, or, while none has come, its newest change."""
    return standing.added_at or standing.newest.at


def news(before: Standing | None, after: Standing) -> Kind | None:
    """What readers are told of a change; None where nothing that they can see is another."""
    if after.newest.verb == "remove":
        return None if before and before.newest.verb == "remove" else "rating.removed"
    if before is None or before.newest.verb == "remove":
        return "rating.received"
    return "rating.changed" if _shown(before) != _shown(after) else None


def actor(page: Page) -> str:
    """Who the feed names for what comes in by a page."""
    return f"page {page.key}"


def told(page: Page, kind: Kind, rating: Rating, *, automated: bool) -> NewChange:
    """The feed's row; with the rating as it is now where automation is to see it."""
    data = {"page": page.key, "story_id": rating.story_id, "rating": rating.rating}
    new = NewChange(kind, "rating", str(rating.id), actor(page), data)
    return replace(new, snapshot=document(rating), origin={}) if automated else new


def as_read(
    page: Page, rating_id: int, standing: Standing, changed_at: datetime, revision: int, reported: int = 0
) -> Rating:
    """What is known of a rating, as it is read."""
    newest = standing.newest
    return Rating(
        rating_id, page.key, newest.story_id, newest.rating, newest.recommendation, newest.message,
        newest.reviewer_id, newest.reviewer_name, created_at(standing), changed_at,
        newest.verb == "remove", revision, reported,
    )  # fmt: skip


def document(rating: Rating) -> dict[str, Any]:
    """A rating as the hub's API and automation show it (contract hub-api.md, "Members")."""
    reviewer = None
    if rating.reviewer_id is not None or rating.reviewer_name is not None:
        reviewer = {"id": rating.reviewer_id, "name": rating.reviewer_name}
    return {
        "id": rating.id,
        "page": rating.page,
        "story_id": rating.story_id,
        "rating": rating.rating,
        "recommendation": rating.recommendation,
        "message": rating.message,
        "reviewer": reviewer,
        "created_at": rating.created_at,
        "changed_at": rating.changed_at,
        "removed": rating.removed,
    }


def ticket(page: Page, standing: Standing) -> NewTicket | None:
    """The ticket that a low rating becomes, where the page says so; in the type's initial status."""
    wanted, newest = page.low_rating, standing.newest
    if wanted is None or newest.rating is None or newest.rating > wanted.at_most:
        return None
    said = {"subject": _subject(newest), "body": newest.message or ""}
    holders = {element.role: element.key for element in wanted.type.elements if element.role}
    status = wanted.type.statuses[0]
    return NewTicket(
        workspace_id=page.workspace.id,
        project_id=wanted.project_id,
        project_key=wanted.project_key,
        type_id=wanted.type.id,
        type_key=wanted.type.key,
        prefix=wanted.type.prefix,
        digits=wanted.type.digits,
        channel="page",
        source_id=page.id,
        source_key=page.key,
        status=status.name,
        status_kind=status.kind,
        subject=said["subject"],
        body=None if "body" in holders else said["body"],
        values={key: said[role] for role, key in holders.items()},
        submitter_id=None,
        submitter_given=newest.reviewer_name,
        actor=actor(page),
    )


def _subject(newest: Delivered) -> str:
    """`2 of 5: ` and the message's first words."""
    first = " ".join((newest.message or "").split())
    said = f"{newest.rating} of {HIGHEST}" + (f": {first}" if first else "")
    return said if len(said) <= SUBJECT_LIMIT else said[: SUBJECT_LIMIT - 1] + "…"


def _order(change: Delivered) -> tuple[object, ...]:
    """Tells of any two changes of a rating which one is newer, whatever order they came in."""
    content = (change.rating, change.recommendation, change.message, change.reviewer_id, change.reviewer_name)
    texts = tuple("" if one is None else f"={one}" for one in content)
    return (change.at, _RANK[change.verb], change.place, *texts)


def _shown(standing: Standing) -> tuple[object, ...]:
    newest = standing.newest
    return (
        newest.rating, newest.recommendation, newest.message, newest.reviewer_id, newest.reviewer_name,
        created_at(standing),
    )  # fmt: skip
