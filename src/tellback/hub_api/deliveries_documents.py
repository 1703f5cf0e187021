"""What the hub's API shows of deliveries and of where they go."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from tellback import logs
from tellback.core.deliveries.model import Attempt, Delivery, Destination


class DeliveryEvent(msgspec.Struct):
    """`id` is the event's place in the feed; null of a test call and of a schedule."""

    id: int | None
    kind: str
    at: datetime


class DeliverySubject(msgspec.Struct):
    type: str
    id: str


class AttemptRequest(msgspec.Struct):
    """As sent; secrets are masked. Headers are pairs of name and value."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: str | None


class AttemptDocument(msgspec.Struct, kw_only=True):
    """Without `duration_ms` it was begun, and its end is not known."""

    number: int
    at: datetime
    duration_ms: int | None
    request: AttemptRequest
    status: int | None
    response_headers: dict[str, str] | None
    response_body: str | None
    error: str | None
    hint: str | None
    warnings: list[str]


class DeliveryDocument(msgspec.Struct, kw_only=True):
    """A request on its way to a webhook or a subscription, with every attempt."""

    id: int
    webhook: str | msgspec.UnsetType = msgspec.UNSET
    subscription: str | msgspec.UnsetType = msgspec.UNSET
    event: DeliveryEvent
    subject: DeliverySubject
    message_id: str
    state: str
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    attempts: list[AttemptDocument]


class Replayed(msgspec.Struct):
    """How many deliveries are sent anew."""

    replayed: int


class WebhookDocument(msgspec.Struct, kw_only=True):
    """A webhook and how it stands; its templates as they are configured, without secrets."""

    key: str
    method: str
    url: str
    ordered: bool
    state: str
    reason: str | None
    disabled_at: datetime | None
    failing_since: datetime | None
    failures: int
    waiting: int


class SubscriptionDocument(msgspec.Struct, kw_only=True):
    """A subscription and how it stands."""

    key: str
    url: str
    events: list[str]
    state: str
    reason: str | None
    disabled_at: datetime | None
    failing_since: datetime | None
    failures: int
    waiting: int


def delivery(found: Delivery) -> DeliveryDocument:
    return DeliveryDocument(
        id=found.id,
        webhook=found.key if found.destination == "webhook" else msgspec.UNSET,
        subscription=found.key if found.destination == "subscription" else msgspec.UNSET,
        event=DeliveryEvent(found.event_seq, found.event_kind, found.event_at),
        subject=DeliverySubject(found.subject_type, found.subject_id),
        message_id=found.message_id,
        state=found.state,
        next_attempt_at=found.next_attempt_at,
        created_at=found.created_at,
        finished_at=found.finished_at,
        attempts=[_attempt(one) for one in found.attempts],
    )


def _attempt(found: Attempt) -> AttemptDocument:
    return msgspec.convert(found, AttemptDocument, from_attributes=True)


def webhook(found: Destination) -> WebhookDocument:
    return msgspec.convert(
        {**_standing(found), **_defined(found, "method", "ordered"), "url": _url(found)}, WebhookDocument
    )


def subscription(found: Destination) -> SubscriptionDocument:
    return msgspec.convert(
        {**_standing(found), **_defined(found, "events"), "url": _url(found)}, SubscriptionDocument
    )


def _url(found: Destination) -> str:
    """Where it goes, without the credentials that some receivers want in their address."""
    return logs.mask_text(str(found.definition["url"]))


def _defined(found: Destination, *members: str) -> dict[str, Any]:
    return {"ordered": True} | {name: found.definition[name] for name in members if name in found.definition}


def _standing(found: Destination) -> dict[str, Any]:
    members = ("key", "state", "reason", "disabled_at", "failing_since", "failures", "waiting")
    return {name: getattr(found, name) for name in members}
