"""Decisions about events: which rules, webhooks and subscriptions they are for. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tellback.core import conditions
from tellback.core.automation.model import (
    LONGEST_CHAIN,
    Machinery,
    Occasion,
    Origin,
    StoredDestination,
    StoredRule,
)
from tellback.core.deliveries.definitions import Subscription

_ENTERING = frozenset({"ticket.created", "ticket.status"})
_OF_TICKETS = frozenset({"project", "type"})


def origin_of(kept: Mapping[str, Any] | None) -> Origin:
    """An event's origin as the feed keeps it; what is absent says nothing."""
    kept = kept or {}
    return Origin(
        depth=int(kept.get("depth", 0)),
        rules=tuple(str(key) for key in kept.get("rules", ())),
        hop=int(kept.get("hop", 0)),
        automation=kept.get("automation", True) is not False,
        workflow=kept.get("workflow", True) is not False,
    )


def wanted(machinery: Machinery, occasion: Occasion) -> Iterator[StoredRule]:
    """The rules an event is for, in their order; none that led to it, so that no rule triggers itself."""
    if not occasion.origin.automation:
        return
    for stored in machinery.rules:
        rule = stored.rule
        if rule.on == occasion.kind and rule.key not in occasion.origin.rules and fits(rule.when, occasion):
            yield stored


def is_stopped(origin: Origin) -> bool:
    """Whether so many runs led here that no other may follow."""
    return origin.depth >= LONGEST_CHAIN


def led_to_by(origin: Origin, rule_key: str) -> Origin:
    """The origin of what a run of this rule does."""
    return replace(origin, depth=origin.depth + 1, rules=(*origin.rules, rule_key))


def entered(machinery: Machinery, occasion: Occasion) -> StoredDestination | None:
    """The external destination of the status that a ticket has just entered."""
    if occasion.kind not in _ENTERING or not occasion.origin.workflow:
        return None
    ticket = occasion.document
    place = (str(ticket.get("project")).lower(), str(ticket.get("type")).lower(), str(ticket.get("status")))
    key = machinery.entered.get(place)
    return machinery.webhooks.get(key) if key else None


def subscribed(machinery: Machinery, occasion: Occasion) -> Iterator[StoredDestination]:
    """Who is told of an event."""
    for stored in machinery.subscriptions:
        definition = stored.definition
        assert isinstance(definition, Subscription)
        if occasion.kind in definition.events and fits(_about(definition.when, occasion), occasion):
            yield stored


def _about(when: Mapping[str, Any], occasion: Occasion) -> Mapping[str, Any]:
    """The conditions that an event can meet at all: tickets alone have a project and a type.

    Who lists `response.recorded` beside `ticket.created` wants responses, though only tickets of one project.
    """
    if occasion.subject_type == "ticket":
        return when
    return {name: wanted for name, wanted in when.items() if name not in _OF_TICKETS}


def fits(when: Mapping[str, Any], occasion: Occasion) -> bool:
    return conditions.matches(when, occasion.document)
