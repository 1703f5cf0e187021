"""Reviews: what people say of a business on its public pages, as the platform tells of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from tellback.core.projects import FeedbackType
from tellback.core.workspaces import Workspace

Verb = Literal["add", "edit", "remove"]


@dataclass(frozen=True, slots=True)
class LowRatingTicket:
    """The ticket that a rating of `at_most` or less becomes."""

    at_most: int
    project_id: int
    project_key: str
    type: FeedbackType


@dataclass(frozen=True, slots=True)
class Page:
    """A page whose ratings come in. `page_id` is the platform's name for it, `key` the address here."""

    workspace: Workspace
    id: int
    key: str
    page_id: str
    app_secret: str = field(repr=False)
    verify_token_hash: bytes = field(repr=False)
    low_rating: LowRatingTicket | None


@dataclass(frozen=True, slots=True)
class Delivered:
    """One change of one rating, as it was delivered. `at` is the platform's time, whole seconds in UTC.

    `place` counts the changes that came in one delivery: it decides between changes of one second. A removal
    has neither rating nor texts.
    """

    story_id: str
    verb: Verb
    at: datetime
    place: int = 0
    rating: int | None = None
    recommendation: str | None = None
    message: str | None = None
    reviewer_id: str | None = None
    reviewer_name: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a rating: its newest change, and the newest time at which it was added."""

    newest: Delivered
    added_at: datetime | None


@dataclass(frozen=True, slots=True)
class Held:
    """A rating's row, locked. `standing` is None for one that nothing was told of before."""

    id: int
    standing: Standing | None
    revision: int
    ticket_id: int | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one delivery says of ratings of one page, in its order."""

    page: Page
    changes: tuple[Delivered, ...]


@dataclass(frozen=True, slots=True)
class Received:
    """What a delivery changed: the ids of its ratings, without those it said nothing new of."""

    ratings: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rating:
    """A rating as it is read. It is dirty while `revision` is above `reported`."""

    id: int
    page: str
    story_id: str
    rating: int | None
    recommendation: str | None
    message: str | None
    reviewer_id: str | None
    reviewer_name: str | None
    created_at: datetime
    changed_at: datetime
    removed: bool
    revision: int
    reported: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A report of a rating that was given out, and the revision it was made from."""

    workspace_id: int
    rating_id: int
    revision: int


@dataclass(frozen=True, slots=True)
class Filter:
    """Which ratings; None leaves a question open. `page` is its key."""

    page: str | None = None
    removed: bool | None = None
