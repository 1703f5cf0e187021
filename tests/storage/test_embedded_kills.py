"""The embedded server: killed in every way, it loses nothing, leaves nothing, and is back soon."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest
from tests.support import processes, writers

from tellback.storage import embedded

pytestmark = [pytest.mark.anyio, processes.only_linux]

_ROUNDS = 3
_BACK_S = 5.0


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


async def _a_while_of(acknowledged: set[int]) -> None:
    """Until a good number more have been acknowledged."""
    goal = len(acknowledged) + 50
    async with asyncio.timeout(20):
        while len(acknowledged) < goal:  # noqa: ASYNC110 -- polls what another task fills
            await asyncio.sleep(0.01)


@pytest.mark.alone
async def test_loses_no_commit_and_leaves_no_process_when_its_owner_is_killed(data: Path) -> None:
    promised: set[int] = set()
    for _ in range(_ROUNDS):
        with processes.Holder("serving", data) as holder:
            url = holder.answer()["url"]
            async with writers.writing(url) as acknowledged:
                await _a_while_of(acknowledged)
                holder.kill()
                processes.eventually(lambda: not processes.servers(data))
            promised |= acknowledged
        began = time.monotonic()
        with processes.Holder("serving", data) as holder:
            assert holder.answer()["url"] == url
            assert time.monotonic() - began < _BACK_S
            assert promised <= await writers.stored(url)


@pytest.mark.alone
async def test_is_back_when_everything_is_killed(data: Path) -> None:
    promised: set[int] = set()
    for _ in range(_ROUNDS):
        with processes.Holder("serving", data) as holder:
            url = holder.answer()["url"]
            async with writers.writing(url) as acknowledged:
                await _a_while_of(acknowledged)
                for pid in (holder.process.pid, *processes.servers(data)):
                    _kill(pid)
            promised |= acknowledged
    began = time.monotonic()
    with processes.Holder("serving", data) as holder:
        holder.answer()
        assert time.monotonic() - began < _BACK_S
        assert promised <= await writers.stored(url)


async def test_is_back_when_only_postgresql_is_killed(data: Path) -> None:
    """The writers come back by themselves, on the same address."""
    told: list[str] = []
    server = embedded.EmbeddedPostgres(data, report=told.append)
    server.start()
    try:
        async with writers.writing(server.url) as acknowledged:
            for _ in range(_ROUNDS):
                await _a_while_of(acknowledged)
                _kill(processes.main_process(data))
                async with asyncio.timeout(_BACK_S):
                    await _a_while_of(acknowledged)
        assert acknowledged <= await writers.stored(server.url)
    finally:
        server.stop()
    # Killed before it was seen to be ready again, it counts as one that did not start.
    endings = ("PostgreSQL ended unexpectedly (signal 9, Killed)", "PostgreSQL does not start")
    assert len([line for line in told if line.startswith(endings)]) >= _ROUNDS


async def test_does_not_wait_for_a_query_that_outlived_its_server(data: Path) -> None:
    server = embedded.EmbeddedPostgres(data, report=lambda _: None)
    server.start()
    try:
        connection = await asyncpg.connect(server.url)
        busy = asyncio.create_task(
            connection.fetchval("select count(*) from generate_series(1, 1000000000) n")
        )
        await asyncio.sleep(0.3)
        _kill(processes.main_process(data))
        async with asyncio.timeout(_BACK_S):
            while True:
                with contextlib.suppress(OSError, asyncpg.PostgresError):
                    await (await asyncpg.connect(server.url)).close()
                    break
        with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
            await busy
        connection.terminate()
    finally:
        server.stop()


async def test_survives_a_child_of_postgresql_being_killed(data: Path) -> None:
    """PostgreSQL then restarts itself, which its keeper must not take for its end."""
    told: list[str] = []
    server = embedded.EmbeddedPostgres(data, report=told.append)
    server.start()
    try:
        main = processes.main_process(data)
        async with writers.writing(server.url) as acknowledged:
            await _a_while_of(acknowledged)
            _kill(next(pid for pid in processes.servers(data) if pid != main))
            async with asyncio.timeout(_BACK_S):
                await _a_while_of(acknowledged)
        assert acknowledged <= await writers.stored(server.url)
        assert processes.main_process(data) == main
        assert told == []
    finally:
        server.stop()


def test_ends_with_a_process_that_never_stops_it(data: Path) -> None:
    program = f"""
import os, pathlib
from tellback.storage import embedded
embedded.EmbeddedPostgres(pathlib.Path({str(data)!r})).start()
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    processes.eventually(lambda: not processes.servers(data))


def test_ends_with_its_parent_where_the_kernel_does_not_tell(data: Path) -> None:
    """The way of systems without a parent-death signal, tried here on a program that only waits."""
    program = """
import os, pathlib, signal
from tellback.storage.embedded import account, programs
us = account.Account(os.geteuid(), os.getegid())
child = programs.launch(["/bin/sleep", "61"], us, death=signal.SIGQUIT, output=2, kernel_tells=False)
print(child.pid, flush=True)
signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        watcher = int(parent.stdout.readline())
        processes.eventually(lambda: _children(watcher))
        (sleeper,) = _children(watcher)
        parent.kill()
        processes.eventually(lambda: not Path(f"/proc/{sleeper}/cwd").exists())
        processes.eventually(lambda: not Path(f"/proc/{watcher}/cwd").exists())


def test_passes_signals_on_where_it_has_to_watch(data: Path) -> None:
    program = """
import os, pathlib, signal, time
from tellback.storage.embedded import account, programs
us = account.Account(os.geteuid(), os.getegid())
child = programs.launch(["/bin/sleep", "61"], us, death=signal.SIGQUIT, output=2, kernel_tells=False)
time.sleep(0.5)
child.send_signal(signal.SIGINT)
print(child.wait(5))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert int(done.stdout) != 0


def _children(parent: int) -> list[int]:
    try:
        return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    except FileNotFoundError:
        return []
