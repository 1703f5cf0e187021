"""The embedded server: several processes on one data folder."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import pytest
from tests.support import processes

from tellback.storage import embedded
from tellback.storage.embedded import sharing

pytestmark = [pytest.mark.anyio, processes.only_linux]


async def _answers(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=2)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    await connection.close()
    return True


def _copy(data: Path, copy: Path) -> None:
    subprocess.run(["cp", "-a", data, copy], check=True)


async def _answers_within(url: str, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not await _answers(url):  # noqa: ASYNC110 -- polls another process
            await asyncio.sleep(0.02)


def test_has_one_owner_however_many_come_at_once(tmp_path: Path) -> None:
    with ExitStack() as stack:
        holders = [stack.enter_context(processes.Holder("joined", tmp_path)) for _ in range(4)]
        answers = [holder.answer() for holder in holders]
        assert len({answer["url"] for answer in answers}) == 1
        assert [answer["owns"] for answer in answers].count(True) == 1
        for holder in holders:
            holder.leave()
        for holder in holders:
            assert holder.process.wait(20) == 0
    assert processes.servers(tmp_path) == {}


async def test_stays_until_the_guests_have_left(data: Path) -> None:
    with processes.Holder("joined", data) as owner:
        url = owner.answer()["url"]
        with embedded.joined(data) as guest:
            assert not guest.owns
            owner.leave()
            with pytest.raises(subprocess.TimeoutExpired):
                owner.process.wait(0.5)
            assert await _answers(url)
        assert owner.process.wait(5) == 0
    assert processes.servers(data) == {}


async def test_is_taken_over_by_a_guest_whose_owner_was_killed(data: Path) -> None:
    with processes.Holder("joined", data) as owner:
        owner.answer()
        with embedded.joined(data) as guest:
            owner.kill()
            processes.eventually(lambda: guest.owns)
            assert await _answers(guest.url)
    assert processes.servers(data) == {}


async def test_waits_for_a_short_command_and_then_belongs_to_the_hub(data: Path) -> None:
    with processes.Holder("joined", data) as command:
        command.answer()
        with processes.Holder("serving", data) as hub:
            await asyncio.sleep(0.3)
            command.leave()
            answer = hub.answer()
            assert answer["owns"]
            assert await _answers(answer["url"])


async def test_is_taken_over_by_a_hub_as_soon_as_a_long_command_ends(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "SERVE_WAITS_S", 0.2)
    with processes.Holder("joined", data) as command:
        url = command.answer()["url"]
        with embedded.serving(data) as hub:
            assert not hub.owns
            command.leave()
            processes.eventually(lambda: hub.owns)
            assert hub.url == url
            assert await _answers(url)


def test_has_one_hub(data: Path) -> None:
    with processes.Holder("serving", data) as hub:
        hub.answer()
        with processes.Holder("serving", data) as second:
            answer = second.answer()
            assert answer["error"] == "DataFolderBusy"
            assert answer["message"].startswith(f"another tellback serves {data} already")
        assert processes.servers(data)


async def test_may_be_joined_by_a_command_while_the_hub_runs(data: Path) -> None:
    with processes.Holder("serving", data) as hub:
        url = hub.answer()["url"]
        for _ in range(3):
            with embedded.joined(data) as command:
                assert command.url == url
                assert await _answers(url)


async def test_is_back_when_the_hub_is_killed_and_another_starts_at_once(data: Path) -> None:
    with processes.Holder("serving", data) as first:
        url = first.answer()["url"]
        first.kill()
        with processes.Holder("serving", data) as second:
            assert second.answer() == {"url": url, "owns": True}
            await _answers_within(url, 5)


async def test_keeps_a_copied_folder_apart_from_the_original(data: Path) -> None:
    copy = data.with_name("copy")
    with embedded.joined(data) as one:
        assert await _answers(one.url)
    _copy(data, copy)
    with embedded.joined(data) as one, embedded.joined(copy) as other:
        assert one.owns
        assert other.owns
        assert one.url != other.url
        assert await _answers(one.url)
        assert await _answers(other.url)


def test_gives_its_locks_to_no_forked_child(tmp_path: Path) -> None:
    program = f"""
import os, pathlib, time
from tellback.storage.embedded.locks import FileLock
lock = FileLock(pathlib.Path({str(tmp_path / "lock")!r}))
assert lock.take()
if os.fork() == 0:
    time.sleep(30)
    os._exit(0)
again = FileLock(pathlib.Path({str(tmp_path / "lock")!r}))
assert not again.take()
lock.release()
until = time.monotonic() + 5  # the child lets go as soon as it runs
while not again.take():
    assert time.monotonic() < until
"""
    with subprocess.Popen([sys.executable, "-c", program], start_new_session=True) as parent:
        try:
            assert parent.wait(10) == 0
        finally:
            os.killpg(parent.pid, 9)
