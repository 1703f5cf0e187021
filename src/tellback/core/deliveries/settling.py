"""Settling: what attempts came to is written, and the next ones are begun, for many destinations at once.

One transaction holds both, so that whoever is killed between leaves either an attempt whose end is not known
or a queue that stands where it stood.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tellback.core import changes, tickets
from tellback.core.deliveries import attempt_queries as attempts
from tellback.core.deliveries import capturing, queries, rules
from tellback.core.deliveries import capturing_queries as captures
from tellback.core.deliveries.model import Answered, Begun, Decision, Finished, Leased, Standing, Step
from tellback.core.deliveries.queries import Key
from tellback.storage.database import Transaction

News = dict[int, list[changes.NewChange]]


async def settle(tx: Transaction, steps: Sequence[Step], schedule: tuple[float, ...]) -> list[Answered]:
    """Take every step whose lease is still held; the others are answered `held=False`, and nothing of them is kept.

    `schedule`: seconds before each attempt, the first one's included.
    """
    await _hold_subjects(tx, steps)
    standings = await queries.hold(tx, {_key(step.lease): step.lease for step in steps})
    mine = [step for step in steps if _key(step.lease) in standings]
    news: News = defaultdict(list)
    standings = await _finish(tx, mine, standings, schedule, news)
    await attempts.give_back(tx, [one for step in mine for one in step.unsent])
    begun = await _begin(tx, mine, standings)
    released = _released(mine, begun)
    if released:
        await queries.release(tx, {key: standings[key].ordered for key in released})
    if any(news.values()):
        await queries.wait_for_disk(tx)
    for workspace_id in sorted(news):
        await changes.record(tx, workspace_id, news[workspace_id])
    return _answers(steps, standings, begun, released)


def is_plain(step: Step) -> bool:
    """Whether a step tells of attempts that went well and of nothing else, which is what most do."""
    return bool(step.finished) and not step.unsent and all(map(_went_well, step.finished))


def _went_well(one: Finished) -> bool:
    if one.captured or one.warnings or one.begun.warnings:
        return False
    return one.outcome.error is None and not one.outcome.interrupted


async def settle_plain(tx: Transaction, steps: Sequence[Step]) -> list[Answered | None]:
    """Take plain steps by a single statement, which is a transaction by itself.

    Nothing is given back. None for a step that `settle` has to take: its destination has failed before, or is
    not held any more.
    """
    left = await attempts.go_on(tx, steps)
    return [
        Answered(True, _taken(found, step.begin))
        if (found := left.get(_key(step.lease))) is not None
        else None
        for step in steps
    ]


def _taken(left: list[Begun], most: int) -> tuple[Begun, ...]:
    """The first of `left`, which are taken out of it."""
    given = tuple(left[:most])
    del left[:most]
    return given


def _key(lease: Leased) -> Key:
    return lease.workspace_id, lease.id


async def _hold_subjects(tx: Transaction, steps: Sequence[Step]) -> None:
    """Lock what values will be stored on, before any destination: runners of rules take them in this order, too."""
    subjects = {
        (one.begun.workspace_id, one.begun.subject_type, int(one.begun.subject_id))
        for step in steps
        for one in step.finished
        if one.captured
    }
    for subject in sorted(subjects):
        await captures.hold(tx, *subject)


async def _finish(
    tx: Transaction,
    steps: Sequence[Step],
    standings: Mapping[Key, Standing],
    schedule: tuple[float, ...],
    news: News,
) -> dict[Key, Standing]:
    """Write outcomes; returns how destinations stand after them."""
    after = dict(standings)
    settled: list[tuple[Step, Finished, Decision]] = []
    last: dict[Key, Decision] = {}
    fresh: set[Key] = set()
    for step, finished in [(told, one) for told in steps for one in told.finished]:
        key = _key(step.lease)
        before = after[key]
        chance = random.random()  # noqa: S311 - it spreads attempts and guards nothing
        decision = rules.decide(finished, before, schedule, chance)
        settled.append((step, finished, decision))
        if decision.failures != before.failures or decision.pause_s or decision.disabled:
            last[key] = decision
        if decision.failures == 0:
            fresh.add(key)
        shut = decision.pause_s > 0 or decision.disabled is not None
        after[key] = replace(before, failures=decision.failures, open=before.open and not shut)
    if not settled:
        return after
    written = await attempts.finish(tx, [(finished, decision) for _, finished, decision in settled])
    if last:
        await queries.stand(tx, last, fresh)
    for step, finished, decision in settled:
        if (finished.begun.workspace_id, finished.begun.id) in written:
            await _tell(tx, step.lease, finished, decision, news)
    return after


async def _tell(tx: Transaction, lease: Leased, finished: Finished, decision: Decision, news: News) -> None:
    """Everything but the queue that an outcome touches: captured values, the ticket's timeline, the feed."""
    begun = finished.begun
    workspace_id = begun.workspace_id
    if finished.captured:
        subject = (begun.subject_type, int(begun.subject_id))
        news[workspace_id] += await capturing.store(
            tx, workspace_id, subject, finished.captured,  # type: ignore[arg-type]
            by=capturing.ACTOR, delivery=(begun.id, begun.number), origin=begun.origin,
        )  # fmt: skip
    if decision.disabled is not None:
        slug = await queries.slug(tx, workspace_id)
        about = {lease.kind: lease.key, "state": "disabled", "reason": decision.disabled}
        news[workspace_id].append(
            changes.NewChange("configuration.changed", "configuration", slug, capturing.ACTOR, about)
        )
    note = _note(lease, finished, decision)
    if note is not None and begun.subject_type == "ticket" and begun.subject_id.isdigit():
        entry = (workspace_id, int(begun.subject_id), capturing.ACTOR, "webhook", note)
        await tickets.queries.add_timeline(tx, [entry])


def _note(lease: Leased, finished: Finished, decision: Decision) -> str | None:
    """What the ticket's timeline tells of an outcome: what was captured, warned of, or given up."""
    if lease.kind != "webhook":
        return None
    told = [f"{one.group}.{one.label} = {one.value}" for one in finished.captured]
    warned = [*finished.begun.warnings, *finished.warnings]
    if decision.state == "failed":
        return f"Webhook {lease.key} failed: {finished.outcome.error}"
    if decision.state != "delivered" or not (told or warned):
        return None
    text = f"Webhook {lease.key} succeeded"
    if warned:
        text += f" with warnings ({'; '.join(warned)})"
    return f"{text}; captured {', '.join(told)}" if told else text


async def _begin(
    tx: Transaction, steps: Sequence[Step], standings: Mapping[Key, Standing]
) -> dict[Key, list[Begun]]:
    wanted: dict[Key, int] = defaultdict(int)
    for step in steps:
        if step.begin and standings[_key(step.lease)].open:
            wanted[_key(step.lease)] += step.begin
    most = {key: rules.concurrency(standings[key], count) for key, count in wanted.items()}
    found: dict[Key, list[Begun]] = defaultdict(list)
    if most:
        busy = [id for step in steps for id in step.busy]
        ordered = {key: standings[key].ordered for key in most}
        for one in await attempts.begin(tx, most, ordered, busy):
            found[one.workspace_id, one.destination_id].append(one)
    return found


def _released(steps: Sequence[Step], begun: Mapping[Key, Sequence[Begun]]) -> set[Key]:
    return {key for step in steps if step.release and not begun.get(key := _key(step.lease))}


def _answers(
    steps: Sequence[Step],
    standings: Mapping[Key, Standing],
    begun: Mapping[Key, list[Begun]],
    released: set[Key],
) -> list[Answered]:
    """What was begun, shared out among the steps that asked for it."""
    left = {key: list(found) for key, found in begun.items()}
    answers = []
    for step in steps:
        key = _key(step.lease)
        given = _taken(left.get(key, []), step.begin)
        answers.append(Answered(key in standings and key not in released, given))
    return answers
