"""Receiving files: memory does not grow with them."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

MEBIBYTE = 1024 * 1024
PROGRAM = """
    import asyncio, pathlib, re
    from tellback.kit import multipart
    from tellback.storage import blobs

    def peak():
        return int(re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1]) * 1024

    HEAD = b"--b\\r\\nContent-Disposition: form-data; name=a; filename=f\\r\\n\\r\\n"

    async def stream(size):
        yield HEAD
        for _ in range(size // {chunk}):
            yield bytes({chunk})
        yield b"\\r\\n--b--\\r\\n"

    async def main():
        store = blobs.open_store({folder!r})
        before = 0
        for size in (1_048_576, 268_435_456):
            form = await multipart.receive_files(
                stream(size), "multipart/form-data; boundary=b", store, max_file_size=size
            )
            assert form.files[0].stored.size == size
            await form.discard(store)
            before, growth = peak(), peak() - before
        print(growth)
        await store.close()

    asyncio.run(main())
"""


def test_takes_256_mebibytes_in_a_few(tmp_path: Path) -> None:
    program = textwrap.dedent(PROGRAM).format(folder=str(tmp_path), chunk=262_144)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    assert int(done.stdout) < 32 * MEBIBYTE
