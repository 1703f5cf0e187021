"""Runs: what rules and listeners do when their moment has come.

A run does all of its actions or none. What it does to tickets is done at once; the calls it makes and the
tickets it opens are gathered, because their rows are locked after all tickets (docs/decisions/0018).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tellback.core import changes, errors, tickets
from tellback.core.automation import (
    delivery_queries,
    events_queries,
    events_rules,
    rendering,
    subjects,
    templates,
)
from tellback.core.automation.delivery_model import NewDelivery
from tellback.core.automation.events_model import Machinery, Occasion, Origin, Run
from tellback.core.automation.model import Action
from tellback.core.errors import Fault
from tellback.storage.database import Transaction


@dataclass
class Gathered:
    """What a transaction has to write after its runs, in this order; the feed comes last."""

    deliveries: list[NewDelivery] = field(default_factory=list)
    opening: list[tuple[tickets.ToOpen, tickets.By]] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    notes: list[tuple[int, int, str, str, str]] = field(default_factory=list)
    news: list[changes.NewChange] = field(default_factory=list)

    def add(self, other: Gathered) -> None:
        self.deliveries += other.deliveries
        self.opening += other.opening
        self.runs += other.runs
        self.notes += other.notes
        self.news += other.news


async def run_actions(
    tx: Transaction,
    workspace_id: int,
    subject: tuple[changes.SubjectType, int],
    actions: Sequence[Action],
    by: tickets.By,
) -> list[changes.NewChange]:
    """Do a rule's actions to a subject now, as a listener asks; all or none.

    Returns the feed's rows for the caller to record last; only that may follow in the transaction. `by.origin`
    goes on to what is caused. Raises `NotFound` where there is no such subject, and `Invalid` or
    `TemplateFault` for an action that cannot be done.
    """
    subject_type, subject_id = subject
    document = await subjects.document(tx, workspace_id, subject_type, str(subject_id))
    if document is None:
        raise errors.NotFound(f"There is no such {subject_type}.")
    machinery = await events_queries.machinery(tx, workspace_id)
    origin = events_rules.origin_of(by.origin)
    now = await events_queries.clock(tx)
    occasion = Occasion("listener", now, subject_type, str(subject_id), document, by.actor, origin=origin)
    gathered = await act(tx, machinery, occasion, actions, by.actor, origin)
    await write(tx, workspace_id, gathered)
    return gathered.news


async def act(
    tx: Transaction,
    machinery: Machinery,
    occasion: Occasion,
    actions: Sequence[Action],
    actor: str,
    causes: Origin,
) -> Gathered:
    """Do actions to an event's subject, as `actor`; `causes` is the origin of what they cause. Raises `HubError`."""
    gathered = Gathered()
    by = tickets.By(actor, causes.as_json())
    work = [one for action in actions if (one := _on_ticket(machinery, occasion, action)) is not None]
    for action in actions:
        if action.verb == "webhook":
            gathered.deliveries.append(_called(machinery, occasion, str(action.argument), causes))
        elif action.verb == "create_ticket":
            gathered.opening.append((_opened(machinery, occasion, action), by))
    if work:
        ticket_id = _ticket(occasion)
        acted = await tickets.act(tx, machinery.workspace_id, ticket_id, work, by)
        gathered.news += acted.news
    return gathered


def _called(machinery: Machinery, occasion: Occasion, key: str, causes: Origin) -> NewDelivery:
    destination = machinery.webhooks.get(key.lower())
    if destination is None:
        raise errors.Invalid([Fault("webhook", f"There is no webhook '{key}'.")])
    return rendering.webhook_call(machinery, occasion, destination, causes)


def _opened(machinery: Machinery, occasion: Occasion, action: Action) -> tickets.ToOpen:
    wanted = action.argument
    scope = rendering.scope(machinery, occasion)
    return tickets.ToOpen(
        wanted["project"],
        wanted["type"],
        templates.render_text(wanted["subject"], scope).text,
        templates.render_text(wanted.get("body") or "", scope).text,
    )


def _ticket(occasion: Occasion) -> int:
    if occasion.subject_type != "ticket" or not occasion.subject_id.isdigit():
        raise errors.Invalid(
            [Fault("do", f"This works on tickets, and the event is about a {occasion.subject_type}.")]
        )
    return int(occasion.subject_id)


def _on_ticket(machinery: Machinery, occasion: Occasion, action: Action) -> tickets.Action | None:
    """What an action does to the event's ticket; None for one that does something else."""
    argument = action.argument
    if action.verb == "set_status":
        return tickets.SetStatus(argument)
    if action.verb == "set_field":
        return tickets.SetField(argument["field"], argument["value"])
    if action.verb == "add_tag":
        return tickets.AddTag(argument)
    if action.verb == "assign":
        return tickets.Assign(argument)
    if action.verb == "add_note":
        return tickets.AddNote(templates.render_text(argument, rendering.scope(machinery, occasion)).text)
    return None


async def write(tx: Transaction, workspace_id: int, gathered: Gathered, first_s: float = 0.0) -> None:
    """Write what was gathered; the feed's rows, with those of opened tickets, are left for the caller.

    The first attempt at a call is made in `first_s` seconds.
    """
    if gathered.runs:
        await events_queries.record_runs(tx, workspace_id, gathered.runs)
    if gathered.notes:
        await tickets.queries.add_timeline(tx, gathered.notes)
    await delivery_queries.add(tx, workspace_id, gathered.deliveries, first_s)
    for opening, by in gathered.opening:
        opened = await tickets.open_ticket(tx, workspace_id, opening, by)
        gathered.news += opened.news
