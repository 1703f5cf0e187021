"""Parts of a transaction that may fail without the whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import TypeVar

import asyncpg

from tellback.storage.database import ATTEMPTS, BROKEN, RETRIED, Transaction

Result = TypeVar("Result")


async def again_when_taken(tx: Transaction, effect: Callable[[Transaction], Awaitable[Result]]) -> Result:
    """`effect` inside `tx`, from its start again when it meets a key that was taken meanwhile.

    Who took it has committed by then, so the next attempt reads what is there. For look-up-or-make of things
    with several unique keys, where `on conflict` can name but one. Where no transaction is open, what an attempt has
    done is up to `effect`: it runs one statement, or opens a transaction. Raises `UniqueViolationError` when it still
    meets one after several attempts.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with tx.transaction() if tx.is_in_transaction() else nullcontext():
                return await effect(tx)
        except asyncpg.UniqueViolationError:
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable")


async def attempted(
    tx: Transaction, effect: Callable[[Transaction], Awaitable[Result]]
) -> Result | Exception:
    """`effect` inside `tx`; a fault of its own is given back, and then nothing of it is stored.

    Faults that are the database's, and those for which the whole transaction is run anew, are raised.
    """
    try:
        async with tx.transaction():
            return await effect(tx)
    except (*RETRIED, *BROKEN):
        raise
    except Exception as fault:
        return fault
