"""Commands that are told to stop: what is open is closed on the way out, and nothing else is said."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")


class Terminated(BaseException):
    """SIGTERM came."""


def terminate(_signum: int, _frame: FrameType | None) -> None:
    """The handler of SIGTERM outside of `run`."""
    raise Terminated


def run(job: Coroutine[Any, Any, Result]) -> Result:
    """As `asyncio.run`, in the main thread; SIGTERM cancels the job, as SIGINT does. Raises `Terminated` then.

    An exception out of the handler would come up wherever the loop happens to be, and libraries take it for a fault of
    their own, or for none at all.
    """
    before = signal.getsignal(signal.SIGTERM)
    told = False

    async def main() -> Result:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def cancel(_signum: int, _frame: FrameType | None) -> None:
            nonlocal told
            told = True
            loop.call_soon_threadsafe(task.cancel)  # which wakes the loop, too

        signal.signal(signal.SIGTERM, cancel)
        try:
            return await job
        finally:
            signal.signal(signal.SIGTERM, before)

    try:
        return asyncio.run(main())
    except BaseException:
        if told:
            raise Terminated from None
        raise
