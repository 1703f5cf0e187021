"""The hub's reader of the feed that acts on events: rules, external destinations of statuses, subscriptions.

Events of a workspace are read in order, each exactly once; what is made of them is written in the transaction
that moves the reader. A rule that fails, and an event that nothing can be made of, are recorded and passed.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from tellback.core import changes, errors, subjects
from tellback.core.automation import introducing, queries, rendering, rules, running
from tellback.core.automation.model import Machinery, Occasion, Result, Run, StoredDestination, StoredRule
from tellback.core.automation.running import Gathered
from tellback.core.deliveries.model import NewDelivery
from tellback.storage.database import Database, Transaction
from tellback.storage.savepoint import attempted

READER = "automation"
#: Events read in one transaction.
AT_MOST = 100
#: Tickets that a schedule looks at in one transaction.
SWEPT = 200

log = structlog.get_logger(__name__)


class Events:
    """Reads and acts. What workspaces have set up is kept until any configuration changes."""

    def __init__(self, first_s: float = 0.0) -> None:
        self._first_s = first_s
        self._version = -1
        self._machinery: dict[int, Machinery] = {}
        self.queued = 0  # calls, since it began

    async def catch_up(self, db: Database) -> int:
        """Act on what has happened; how many events were read. Call again while it is above 0."""
        return await changes.readers.catch_up(db, READER, self._act, at_most=AT_MOST, automated=True)

    async def keep_schedule(self, db: Database) -> bool:
        """One piece of one rule's round whose time has come; False when there is none."""
        return await db.write(self._scheduled)

    async def _act(self, tx: Transaction, workspace_id: int, read: Sequence[changes.Change]) -> None:
        machinery = await self._known(tx, workspace_id)
        if machinery.idle:
            return
        documents = await subjects.missing(tx, workspace_id, read)
        gathered = Gathered()
        occasions = [one for change in read if (one := _occasion(change, documents)) is not None]
        if machinery.rules or machinery.entered:
            occasions = await introducing.introduced(tx, workspace_id, occasions)
        for occasion in occasions:
            await self._answer(tx, machinery, occasion, gathered)
        await self._write(tx, workspace_id, gathered)

    async def _known(self, tx: Transaction, workspace_id: int) -> Machinery:
        version = await queries.version(tx)
        if version != self._version:
            self._machinery, self._version = {}, version
        if workspace_id not in self._machinery:
            self._machinery[workspace_id] = await queries.machinery(tx, workspace_id)
        return self._machinery[workspace_id]

    async def _write(self, tx: Transaction, workspace_id: int, gathered: Gathered) -> None:
        self.queued += len(gathered.deliveries)
        await running.write(tx, workspace_id, gathered, self._first_s)
        if gathered.news:
            await changes.record(tx, workspace_id, gathered.news)

    async def _answer(
        self, tx: Transaction, machinery: Machinery, occasion: Occasion, gathered: Gathered
    ) -> None:
        """Everything that one event is for."""
        try:
            destination = rules.entered(machinery, occasion)
            wanted = list(rules.wanted(machinery, occasion))
            told = list(rules.subscribed(machinery, occasion))
        except Exception:  # whatever is odd about it, the events behind it must not wait for ever
            log.exception("events.passed", workspace=machinery.slug, seq=occasion.seq)
            return
        if destination is not None:
            await _forward(tx, machinery, occasion, destination, gathered)
        for stored in wanted:
            await _run(tx, machinery, occasion, stored, gathered)
        for subscription in told:
            gathered.deliveries.append(rendering.subscription_call(occasion, subscription))

    async def _scheduled(self, tx: Transaction) -> bool:
        due = await queries.due_schedule(tx)
        if due is None:
            return False
        workspace_id, stored, after, now = due
        machinery = await self._known(tx, workspace_id)
        found = await subjects.tickets_above(tx, workspace_id, stored.rule.when, after, SWEPT)
        gathered = Gathered()
        occasions = [
            Occasion("schedule", now, "ticket", str(id), document, f"rule {stored.rule.key}")
            for id, document in found
        ]
        fitting = [one for one in occasions if rules.fits(stored.rule.when, one)]
        for occasion in await introducing.introduced(tx, workspace_id, fitting):
            await _run(tx, machinery, occasion, stored, gathered)
        if len(found) == SWEPT:
            await queries.go_on(tx, workspace_id, stored.id, found[-1][0])
        else:
            await queries.round_done(tx, workspace_id, stored.id, stored.rule.every or 3600)
        await self._write(tx, workspace_id, gathered)
        return True


def _occasion(change: changes.Change, documents: subjects.Documents) -> Occasion | None:
    document = change.snapshot or documents.get((change.subject_type, change.subject_id))
    if document is None:
        # What is gone or has no document of its own: what the feed says of it.
        document = {"id": change.subject_id, **change.data}
    origin = rules.origin_of(change.origin)
    return Occasion(
        change.kind,
        change.at,
        change.subject_type,
        change.subject_id,
        document,
        change.actor,
        change.seq,
        origin,
    )


async def _forward(
    tx: Transaction,
    machinery: Machinery,
    occasion: Occasion,
    destination: StoredDestination,
    gathered: Gathered,
) -> None:
    """Send the external destination of the status that the ticket entered."""
    try:
        call: NewDelivery = rendering.webhook_call(machinery, occasion, destination, occasion.origin)
    except errors.HubError as fault:
        _note(machinery, occasion, f"Webhook {destination.key} could not be sent: {fault.message}", gathered)
        return
    gathered.deliveries.append(call)
    if occasion.subject_id.isdigit():
        await queries.mark_forwarded(tx, machinery.workspace_id, int(occasion.subject_id))


async def _run(
    tx: Transaction, machinery: Machinery, occasion: Occasion, stored: StoredRule, gathered: Gathered
) -> None:
    """One run of a rule, recorded however it ends."""
    rule = stored.rule
    subject = occasion.subject_type, occasion.subject_id
    if rules.is_stopped(occasion.origin):
        chain = " > ".join(occasion.origin.rules)
        _record(
            machinery, occasion, stored, "stopped", f"too many rules followed each other: {chain}", gathered
        )
        return
    if rule.once and not await queries.is_first(tx, machinery.workspace_id, stored.id, subject):
        return
    causes = rules.led_to_by(occasion.origin, rule.key)
    outcome = await attempted(
        tx, lambda inner: running.act(inner, machinery, occasion, rule.do, f"rule {rule.key}", causes)
    )
    if isinstance(outcome, Gathered):
        gathered.add(outcome)
        _record(machinery, occasion, stored, "done", "; ".join(outcome.warnings) or None, gathered)
    elif isinstance(outcome, errors.HubError):
        _record(machinery, occasion, stored, "failed", outcome.message, gathered)
    else:
        log.error("events.run_failed", workspace=machinery.slug, rule=rule.key, exc_info=outcome)
        _record(machinery, occasion, stored, "failed", "an internal fault; the log says more", gathered)


def _record(
    machinery: Machinery,
    occasion: Occasion,
    stored: StoredRule,
    outcome: Result,
    detail: str | None,
    gathered: Gathered,
) -> None:
    gathered.runs.append(Run(stored.id, stored.rule.key, occasion, outcome, detail))
    words = {"done": "ran", "failed": "failed", "stopped": "was stopped"}[outcome]
    did = detail
    if outcome == "done":
        did = ", ".join(action.verb for action in stored.rule.do) + (
            f" (warnings: {detail})" if detail else ""
        )
    _note(machinery, occasion, f"Rule {stored.rule.key} {words} on {occasion.kind}: {did}", gathered)


def _note(machinery: Machinery, occasion: Occasion, text: str, gathered: Gathered) -> None:
    if occasion.subject_type == "ticket" and occasion.subject_id.isdigit():
        gathered.notes.append((machinery.workspace_id, int(occasion.subject_id), "tellback", "rule", text))
