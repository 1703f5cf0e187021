"""Automation: what happens by itself when something happened.

Rules are stored as JSON in the `definition` of their row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tellback.core.conditions import Conditions
from tellback.core.deliveries.definitions import Subscription, Webhook
from tellback.core.deliveries.model import DestinationKind

#: So many rule runs may follow each other from one event; the next is stopped.
LONGEST_CHAIN = 8

Result = Literal["done", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a rule does: `verb` is the name in the configuration, `argument` what stands behind it."""

    verb: Literal[
        "webhook", "set_status", "set_field", "add_tag", "assign", "add_note", "create_ticket"
    ]  # fmt: skip
    argument: Any


@dataclass(frozen=True, slots=True)
class Rule:
    """What to do (`do`, in order) on an event that fits `when`; `every` is seconds, of a schedule."""

    key: str
    on: str
    when: Conditions
    do: tuple[Action, ...]
    every: int | None = None
    once: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an event came from: how many rule runs led to it, which rules they were, over how many hubs.

    `automation` and `workflow` are false where its source switched rules or external destinations off.
    """

    depth: int = 0
    rules: tuple[str, ...] = ()
    hop: int = 0
    automation: bool = True
    workflow: bool = True

    def as_json(self) -> dict[str, Any]:
        """As the feed keeps it; members that say nothing are left out."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in (
                ("depth", self.depth), ("rules", self.rules), ("hop", self.hop),
                ("automation", self.automation), ("workflow", self.workflow),
            )
            if value != getattr(_PLAIN, name)
        }  # fmt: skip


_PLAIN = Origin()


@dataclass(frozen=True, slots=True)
class Occasion:
    """An event with its subject as it was then (`document`, as the hub's API shows it).

    `seq` is its place in the feed; None for a schedule, a listener and a test call. `concerned` are the contact
    and the account it is about, whole, as `subjects.concerned` gives them.
    """

    kind: str
    at: datetime
    subject_type: str
    subject_id: str
    document: Mapping[str, Any]
    actor: str
    seq: int | None = None
    origin: Origin = field(default_factory=Origin)
    concerned: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredRule:
    id: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class StoredDestination:
    """A webhook or subscription that calls can be queued for."""

    id: int
    kind: DestinationKind
    key: str
    definition: Webhook | Subscription


@dataclass(frozen=True, slots=True)
class Machinery:
    """Everything of a workspace that acts on events. Keys are lower-cased.

    `entered` leads from (project, type, status) to the webhook that entering the status sends; `projects` and
    `types` to names.
    """

    workspace_id: int
    slug: str
    name: str
    rules: tuple[StoredRule, ...]
    webhooks: Mapping[str, StoredDestination]
    subscriptions: tuple[StoredDestination, ...]
    entered: Mapping[tuple[str, str, str], str]
    projects: Mapping[str, str]
    types: Mapping[tuple[str, str], str]

    @property
    def idle(self) -> bool:
        """Nothing acts on anything."""
        return not (self.rules or self.subscriptions or self.entered)


@dataclass(frozen=True, slots=True)
class Run:
    """That a rule ran, and what came of it; `detail` in words where it did not go well."""

    rule_id: int
    rule_key: str
    occasion: Occasion
    outcome: Result
    detail: str | None = None
