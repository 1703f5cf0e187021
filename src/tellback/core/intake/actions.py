"""Writing what came in: alone, or together with the effect it had."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tellback.core import errors
from tellback.core.intake import queries
from tellback.core.intake.model import TAKEN, Claim, KeptAnswer, Key, NewEntry
from tellback.storage.database import Transaction
from tellback.storage.group_commit import Batch

Item = TypeVar("Item")
Result = TypeVar("Result")

#: A set-based action that stores items and their log entries, one each, in the caller's transaction.
#: A result that is an error refuses its item alone: the effect has stored nothing of it, nor its entry.
Effect = Callable[
    [Transaction, Sequence[Item], Sequence[NewEntry]], Awaitable[Sequence[Result | errors.HubError]]
]


@dataclass(frozen=True, slots=True)
class Submission(Generic[Item, Result]):
    """An effect on its way in: the item, its log entry, and, where it has a key, how its answer reads."""

    item: Item
    entry: NewEntry
    key: Key | None = None
    answer: Callable[[Result], KeptAnswer] | None = None


@dataclass(frozen=True, slots=True)
class Intake(Generic[Item, Result]):
    """The two ways in of one effect: without and with an idempotency key."""

    plain: Batch[Submission[Item, Result], Result]
    keyed: Batch[Submission[Item, Result], Result | Claim]


def intake(
    name: str, effect: Effect[Item, Result], *, single_statement: bool = False
) -> Intake[Item, Result]:
    """Both batches of an effect; `single_statement` as in `Batch`."""

    async def plain(
        tx: Transaction, submissions: Sequence[Submission[Item, Result]]
    ) -> Sequence[Result | errors.HubError]:
        return await effect(tx, [one.item for one in submissions], [one.entry for one in submissions])

    async def keyed(
        tx: Transaction, submissions: Sequence[Submission[Item, Result]]
    ) -> Sequence[Result | Claim | errors.HubError]:
        return await _once(tx, effect, submissions)

    return Intake(Batch(name, plain, single_statement), Batch(f"{name}, keyed", keyed))


async def _once(
    tx: Transaction, effect: Effect[Item, Result], submissions: Sequence[Submission[Item, Result]]
) -> Sequence[Result | Claim | errors.HubError]:
    """The effect of those whose key is free, with their answers kept; `TAKEN` for the others.

    A refused one leaves its key free.
    """
    keys = [(one.entry.workspace_id, one.key) for one in submissions if one.key is not None]
    free = await queries.claim(tx, keys)
    fresh: list[int] = []
    for place, one in enumerate(submissions):
        if one.key is not None and (one.entry.workspace_id, one.key.scope) in free:
            free.discard((one.entry.workspace_id, one.key.scope))
            fresh.append(place)
    outcomes: list[Result | Claim | errors.HubError] = [TAKEN] * len(submissions)
    if not fresh:
        return outcomes
    mine = [submissions[place] for place in fresh]
    results = await effect(tx, [one.item for one in mine], [one.entry for one in mine])
    answers, unused = [], []
    for place, one, result in zip(fresh, mine, results, strict=True):
        outcomes[place] = result
        if one.key is None or one.answer is None:
            continue
        if isinstance(result, errors.HubError):
            unused.append((one.entry.workspace_id, one.key))
        else:
            answers.append((one.entry.workspace_id, one.key, one.answer(result)))
    if unused:
        await queries.release(tx, unused)
    await queries.keep(tx, answers)
    return outcomes


async def _record(tx: Transaction, entries: Sequence[NewEntry]) -> Sequence[None]:
    await queries.record(tx, entries)
    return [None] * len(entries)


#: Log entries of requests that had no effect.
RECORD: Batch[NewEntry, None] = Batch("intake log", _record, single_statement=True)
