"""Runs: what rules and listeners do when their moment has come.

A run does all of its actions or none. What it does to tickets is done at once; the calls it makes and the
tickets it opens are gathered, because their rows are locked after all tickets (docs/decisions/0018).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tellback.core import changes, errors, templates, tickets
from tellback.core.automation import queries, rendering
from tellback.core.automation.model import Action, Machinery, Occasion, Origin, Run
from tellback.core.deliveries import queries as delivery_queries
from tellback.core.deliveries.model import NewDelivery
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
    #: What is to be told of this run alone: unknown tags in its texts.
    warnings: list[str] = field(default_factory=list)

    def add(self, other: Gathered) -> None:
        self.deliveries += other.deliveries
        self.opening += other.opening
        self.runs += other.runs
        self.notes += other.notes
        self.news += other.news


async def act(
    tx: Transaction,
    machinery: Machinery,
    occasion: Occasion,
    actions: Sequence[Action],
    actor: str,
    causes: Origin,
) -> Gathered:
    """Do actions to an event's subject, as `actor`; `causes` is the origin of what they cause. Raises `HubError`.

    What is gathered is for the caller to `write`, when all that holds tickets is done.
    """
    gathered = Gathered()
    by = tickets.By(actor, causes.as_json())
    work = [
        one for action in actions if (one := _on_ticket(machinery, occasion, action, gathered)) is not None
    ]
    for action in actions:
        if action.verb == "webhook":
            gathered.deliveries.append(_called(machinery, occasion, str(action.argument), causes))
        elif action.verb == "create_ticket":
            gathered.opening.append((_opened(machinery, occasion, action, gathered), by))
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


def _opened(machinery: Machinery, occasion: Occasion, action: Action, gathered: Gathered) -> tickets.ToOpen:
    wanted = action.argument
    return tickets.ToOpen(
        wanted["project"],
        wanted["type"],
        _filled_in(machinery, occasion, wanted["subject"], gathered),
        _filled_in(machinery, occasion, wanted.get("body") or "", gathered),
    )


def _filled_in(machinery: Machinery, occasion: Occasion, source: str, gathered: Gathered) -> str:
    text = templates.render_text(source, rendering.scope(machinery, occasion))
    gathered.warnings += [warning for warning in text.warnings if warning not in gathered.warnings]
    return text.text


def _ticket(occasion: Occasion) -> int:
    if occasion.subject_type != "ticket" or not occasion.subject_id.isdigit():
        raise errors.Invalid(
            [Fault("do", f"This works on tickets, and the event is about a {occasion.subject_type}.")]
        )
    return int(occasion.subject_id)


def _on_ticket(
    machinery: Machinery, occasion: Occasion, action: Action, gathered: Gathered
) -> tickets.Action | None:
    """What an action does to the event's ticket; None for one that does something else."""
    argument = action.argument
    match action.verb:
        case "set_status":
            return tickets.SetStatus(argument)
        case "set_field":
            return tickets.SetField(argument["field"], argument["value"])
        case "add_tag":
            return tickets.AddTag(argument)
        case "assign":
            return tickets.Assign(argument)
        case "add_note":
            return tickets.AddNote(_filled_in(machinery, occasion, argument, gathered))
        case "webhook" | "create_ticket":
            return None


async def write(tx: Transaction, workspace_id: int, gathered: Gathered, first_s: float = 0.0) -> None:
    """Write what was gathered; the feed's rows, with those of opened tickets, are left for the caller.

    The first attempt at a call is made in `first_s` seconds.
    """
    if gathered.runs:
        await queries.record_runs(tx, workspace_id, gathered.runs)
    if gathered.notes:
        await tickets.queries.add_timeline(tx, gathered.notes)
    await delivery_queries.add(tx, workspace_id, gathered.deliveries, first_s)
    for opening, by in gathered.opening:
        opened = await tickets.open_ticket(tx, workspace_id, opening, by)
        gathered.news += opened.news
