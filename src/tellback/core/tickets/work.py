"""Verbs on one ticket, in the caller's transaction.

They give their feed rows back instead of recording them: the feed is written last and once a transaction,
because it holds the workspace's counter, and only the caller knows when that is.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from tellback.core import errors, projects, workspaces
from tellback.core.changes import NewChange
from tellback.core.errors import Fault
from tellback.core.projects import FeedbackType
from tellback.core.tickets import satisfaction_queries, snapshots, work_queries, work_rules
from tellback.core.tickets.satisfaction_model import NewOpinion
from tellback.core.tickets.work_model import Acted, Action, Assign, By, Event, Note, Opened, ToOpen
from tellback.core.tickets.work_rules import LONGEST_SUBJECT, LONGEST_TEXT, Scene
from tellback.storage.database import Transaction


async def act(tx: Transaction, workspace_id: int, ticket_id: int, actions: Sequence[Action], by: By) -> Acted:
    """Do things to a ticket, all of them or none; whether that changed anything, and the news of it.

    The ticket is held from the first statement on, its revision rises by one when anything changed, and
    nothing is written when nothing did. Raises `NotFound`, and `Invalid` with every fault, before anything
    is stored.
    """
    now = await work_queries.lock(tx, workspace_id, ticket_id)
    if now is None:
        raise errors.NotFound("There is no such ticket.")
    before, automated = await work_queries.work(tx, workspace_id, ticket_id)
    emails = [one.assignee.strip().lower() for one in actions if isinstance(one, Assign) and one.assignee]
    members = await work_queries.members(tx, workspace_id, emails) if emails else {}
    step = work_rules.decide(before, actions, Scene(by.actor, now, members))
    if not step.events:
        return Acted(False, [])
    new_tags = [tag for tag in step.after.tags if tag not in before.tags]
    if new_tags:
        await work_queries.number_tags(tx, workspace_id, new_tags)
    await work_queries.store(tx, workspace_id, step.after, now)
    await work_queries.add_notes(tx, workspace_id, ticket_id, by.actor, step.notes, now)
    for answer in step.answers:
        token = secrets.token_urlsafe(24) if answer.page else None
        await work_queries.add_answer(tx, workspace_id, ticket_id, by.actor, answer, token, now)
    return Acted(True, await _news(tx, workspace_id, ticket_id, step.events, by, automated))


async def opine(tx: Transaction, new: NewOpinion, by: By) -> list[NewChange]:
    """Keep what was chosen on an answer's page, if it is the first choice; its news, none if it is not."""
    page = new.page
    now = await work_queries.lock(tx, page.workspace_id, page.ticket_id)
    if now is None or not await satisfaction_queries.keep_opinion(tx, page, new.opinion):
        return []
    before, automated = await work_queries.work(tx, page.workspace_id, page.ticket_id)
    step = work_rules.rated(before, new.opinion.text, by.actor)
    await work_queries.store(tx, page.workspace_id, step.after, now)
    await work_queries.add_notes(tx, page.workspace_id, page.ticket_id, by.actor, step.notes, now)
    return await _news(tx, page.workspace_id, page.ticket_id, step.events, by, automated)


async def open_ticket(tx: Transaction, workspace_id: int, new: ToOpen, by: By) -> Opened:
    """Open a ticket that came from no one outside, perhaps as a reply in another one's thread.

    Subject and body are cut to what fits. Takes the workspace's counter: to be called after everything that
    holds tickets. Raises `Invalid` for a project or type that is not there, `NotFound` for a ticket to reply
    to that is not.
    """
    found = await projects.queries.feedback_type_by_key(tx, workspace_id, new.project, new.type)
    if found is None:
        raise errors.Invalid(
            [Fault("type", f"There is no feedback type '{new.type}' in a project '{new.project}'.")]
        )
    project_id, project_key, type = found
    thread_id, now = None, None
    if new.reply_to is not None:
        now = await work_queries.lock(tx, workspace_id, new.reply_to)
        if now is None:
            raise errors.NotFound("There is no such ticket to reply to.")
        thread_id = await work_queries.thread_of(tx, workspace_id, new.reply_to)
    id, name = await _store(tx, workspace_id, project_id, type, new, thread_id)
    news = await _replied(tx, workspace_id, new.reply_to, name, by, now) if new.reply_to and now else []
    await work_queries.add_notes(
        tx, workspace_id, id, by.actor, [Note("created", f"Ticket {name} was created by {by.actor}")], now
    )
    about = {"project": project_key, "type": type.key, "status": type.statuses[0].name, "source": None}
    automated = await workspaces.queries.is_automated(tx, workspace_id)
    events: list[Event] = [("ticket.created", {**about, "display_id": name})]
    return Opened(id, name, [*news, *await _news(tx, workspace_id, id, events, by, automated)])


async def _store(
    tx: Transaction,
    workspace_id: int,
    project_id: int,
    type: FeedbackType,
    new: ToOpen,
    thread_id: int | None,
) -> tuple[int, str]:
    told = {"subject": new.subject[:LONGEST_SUBJECT], "body": new.body[:LONGEST_TEXT]}
    holders = {element.role: element.key for element in type.elements if element.role}
    values = {key: told[role] for role, key in holders.items() if told[role]}
    body = None if "body" in holders else told["body"]
    cut = replace(new, subject=told["subject"])
    return await work_queries.open_one(tx, workspace_id, project_id, type, cut, body, values, thread_id)


async def _replied(
    tx: Transaction, workspace_id: int, ticket_id: int, reply: str, by: By, now: datetime
) -> list[NewChange]:
    """The ticket that was replied to is seen otherwise from now on, so it has changed, too."""
    before, automated = await work_queries.work(tx, workspace_id, ticket_id)
    step = work_rules.replied(before, reply, by.actor)
    await work_queries.store(tx, workspace_id, step.after, now)
    await work_queries.add_notes(tx, workspace_id, ticket_id, by.actor, step.notes, now)
    return await _news(tx, workspace_id, ticket_id, step.events, by, automated)


async def _news(
    tx: Transaction,
    workspace_id: int,
    ticket_id: int,
    events: Sequence[Event],
    by: By,
    automated: bool,
) -> list[NewChange]:
    """Events as the feed has them; with the ticket as it is now where something may act on them."""
    snapshot, origin = None, None
    if automated:
        snapshot = (await snapshots.documents(tx, workspace_id, [ticket_id]))[ticket_id]
        origin = by.origin
    return [
        NewChange(kind, "ticket", str(ticket_id), by.actor, data, snapshot, origin) for kind, data in events
    ]
