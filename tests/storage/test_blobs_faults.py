"""The file store when the disk fails: a blob is complete and durable, or absent and can be sent again."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tellback.storage import blobs, errors
from tellback.storage.blobs import writer

pytestmark = pytest.mark.anyio

STEPS = ("mkdir", "open", "write", "fsync", "rename", "close")


class Disk:
    """The operating system's calls as the store's threads make them: counted, and one of them failing."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.failing: int | None = None
        self.code = errno.EIO
        for step in STEPS:
            monkeypatch.setattr(os, step, self._counted(step, getattr(os, step)))

    def _counted(self, step: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            if not threading.current_thread().name.startswith("blobs"):
                return call(*args, **kwargs)
            self.calls.append(step)
            if len(self.calls) == self.failing:
                if step == "close":  # Linux frees the descriptor whatever close() answers
                    call(*args, **kwargs)
                raise OSError(self.code, os.strerror(self.code))
            return call(*args, **kwargs)

        return counted


async def put(store: blobs.BlobStore, data: bytes) -> blobs.Stored:
    writing = store.create()
    try:
        for start in range(0, len(data), 500_000):
            await writing.write(data[start : start + 500_000])
        return await writing.commit()
    except BaseException:
        await writing.abort()
        raise


def left(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("size", [100, 3 * writer.BLOCK + 5])
async def test_is_complete_or_absent_whichever_step_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, code: int
) -> None:
    disk = Disk(monkeypatch)
    disk.code = code
    data = os.urandom(size)
    failed: list[str] = []
    for step in range(1, 100):
        disk.calls, disk.failing = [], step
        store = blobs.open_store(str(tmp_path / str(step)))  # new, so that folders have to be made too
        try:
            stored = await put(store, data)
        except errors.BlobsAway:
            failed.append(disk.calls[step - 1])
            assert left(tmp_path) == []
            continue
        finally:
            await store.close()
        break
    assert failed == disk.calls
    assert [path.read_bytes() for path in left(tmp_path)] == [data]
    assert stored.size == size


async def test_is_on_disk_before_it_has_its_name_and_has_its_name_before_it_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    store = blobs.open_store(str(tmp_path))
    await put(store, os.urandom(writer.BLOCK + 1))
    assert disk.calls == [
        *("mkdir", "open", "fsync", "close"),  # the folder, and its name in the store's
        *("open", "write", "write", "fsync", "rename"),
        *("open", "fsync", "close"),  # the new name
        "close",
    ]
    await store.close()


async def test_writes_through_the_cache_where_it_cannot_go_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = os.write

    def write(descriptor: int, data: Any) -> int:
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_DIRECT:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return plain(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    data = os.urandom(2 * writer.BLOCK + 5)
    store = blobs.open_store(str(tmp_path))
    await put(store, data)
    assert [path.read_bytes() for path in left(tmp_path)] == [data]
    await store.close()


def test_leaves_nothing_when_the_room_runs_out(tmp_path: Path) -> None:
    program = f"""
        import asyncio, resource
        from tellback.storage import blobs, errors

        async def main():
            store = blobs.open_store({str(tmp_path)!r})
            resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, 5_000_000))
            writing = store.create()
            try:
                for _ in range(20):
                    await writing.write(bytes(1_000_000))
                await writing.commit()
            except errors.BlobsAway as error:
                await writing.abort()
                print(error)
            await store.close()

        asyncio.run(main())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "the file store failed: File too large\n"
    assert left(tmp_path) == []


def test_never_shows_a_blob_whose_process_was_killed(tmp_path: Path) -> None:
    program = f"""
        import asyncio, os, signal
        from tellback.storage import blobs

        async def main():
            store = blobs.open_store({str(tmp_path)!r})
            writing = store.create()
            await writing.write(bytes(20_000_000))
            os.kill(os.getpid(), signal.SIGKILL)

        asyncio.run(main())
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], timeout=60, check=False)
    assert killed.returncode < 0
    assert [path.suffix for path in left(tmp_path)] == [".part"]
