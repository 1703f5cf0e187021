"""Commands that are told to stop while their event loop runs."""

from __future__ import annotations

import asyncio
import contextlib
import signal

import pytest

from tellback.cli import interrupts


def _told() -> None:
    """SIGTERM in the middle of a library that takes every exception for a fault of its own."""
    with contextlib.suppress(BaseException):
        signal.raise_signal(signal.SIGTERM)


def test_ends_though_a_library_swallows_what_comes_up_in_it() -> None:
    closed = []

    async def job() -> None:
        asyncio.get_running_loop().call_soon(_told)
        try:
            await asyncio.sleep(30)
        finally:
            closed.append(True)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(interrupts.Terminated):
        interrupts.run(job())
    assert closed == [True]
    assert signal.getsignal(signal.SIGTERM) is before


def test_ends_as_one_that_was_told_though_closing_fails() -> None:
    async def job() -> None:
        asyncio.get_running_loop().call_soon(_told)
        try:
            await asyncio.sleep(30)
        finally:
            raise ConnectionError

    with pytest.raises(interrupts.Terminated):
        interrupts.run(job())


def test_hands_on_what_a_job_gives_and_raises() -> None:
    async def job(fault: Exception | None) -> int:
        if fault:
            raise fault
        return 3

    assert interrupts.run(job(None)) == 3
    with pytest.raises(ConnectionError):
        interrupts.run(job(ConnectionError()))
