"""(c) One large file through the hub beside `cp` and fsync of the same file; and the hub's peak memory."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import statistics
import time
from pathlib import Path

from bench import hub, processes, rounds, table

AT_LEAST = 0.4
MOST_MEBIBYTES = 64.0
BOUNDARY = "bench-0b7e5d"
ANSWER_S = 300


def measure(settings: rounds.Settings) -> table.Section:
    """2 GiB (quick: 256 MiB) in turn by upload and by `cp`; the source stays in the page cache for both."""
    mebibytes = 256 if settings.quick else 2048
    section = table.Section(
        f"A file of {mebibytes} MiB: upload beside cp + fsync", ("what", "median s", "worst s", "MB/s")
    )
    source = settings.temp / "source.bin"
    digest = _make(source, mebibytes)
    taken: dict[str, list[float]] = {"upload": [], "cp + fsync": []}
    with hub.filled(settings, "upload", workers=1) as served:
        family = [pid for pid in processes.family(served.pid) if not processes.is_postgres(pid)]
        processes.reset_peak(family)
        before = processes.memory(family, "VmHWM")
        for number in range(1, settings.rounds + 1):
            taken["upload"].append(_upload(served.port, served.ticket, source, digest))
            _settle()
            taken["cp + fsync"].append(_copied(source, settings.temp / "copy.bin"))
            _settle()
            print(
                f"    round {number}: "
                + ", ".join(f"{name} {times[-1]:.2f} s" for name, times in taken.items())
            )
        grown = (processes.memory(family, "VmHWM") - before) / 2**20
    source.unlink()
    for name, times in taken.items():
        median = statistics.median(times)
        rate = mebibytes * 2**20 / 1e6 / median
        section.rows.append((name, f"{median:.2f}", f"{max(times):.2f}", table.number(rate)))
    section.rows.append(("peak memory grew by", f"{grown:.0f} MiB", "", ""))
    ratio = statistics.median(taken["cp + fsync"]) / statistics.median(taken["upload"])
    section.targets += [
        table.Target("upload, share of the speed of cp + fsync", ratio, AT_LEAST),
        table.Target("upload, peak memory on top", grown, MOST_MEBIBYTES, at_least=False, unit=" MiB"),
    ]
    return section


def _make(source: Path, mebibytes: int) -> str:
    """A file that does not compress; gives its SHA-256."""
    if shutil.disk_usage(source.parent).free < (mebibytes * 8) * 2**20:
        raise processes.BenchFault(f"less than {mebibytes * 8} MiB free where the bench's data goes")
    block, digest = os.urandom(16 * 2**20), hashlib.sha256()
    with source.open("wb") as file:
        for _ in range(mebibytes // 16):
            file.write(block)
            digest.update(block)
        os.fsync(file.fileno())
    return digest.hexdigest()


def _upload(port: int, ticket: int, source: Path, digest: str) -> float:
    """Seconds from the first byte to the 201. The kernel sends the file: the client costs next to nothing."""
    before = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="crash.log"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    after = f"\r\n--{BOUNDARY}--\r\n".encode()
    size = source.stat().st_size
    path = f"/api/v1/projects/beta/feedbackTypes/app/{ticket}/fileElements/crashlog?apiKey={hub.KEY}"
    head = (
        f"POST {path} HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{port}\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
        f"Content-Length: {len(before) + size + len(after)}\r\nConnection: close\r\n\r\n"
    ).encode()
    started = time.perf_counter()
    with (
        socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S) as connection,
        source.open("rb") as file,
    ):
        connection.sendall(head + before)
        connection.sendfile(file)
        connection.sendall(after)
        answer = b""
        while arrived := connection.recv(65536):
            answer += arrived
    took = time.perf_counter() - started
    _check(answer, size, digest)
    return took


def _check(answer: bytes, size: int, digest: str) -> None:
    """Raises `BenchFault` unless the hub says it stored this very file."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if re.match(rb"HTTP/1.1 201 ", head) is None:
        raise processes.BenchFault(f"the upload was answered {head[:60]!r} {body[:200]!r}")
    [stored] = json.loads(body)
    if (stored["size"], stored["sha256"]) != (size, digest):
        raise processes.BenchFault(f"the hub stored something else: {stored}")


def _copied(source: Path, target: Path) -> float:
    """Seconds of `cp` and fsync."""
    started = time.perf_counter()
    processes.call(["cp", source, target], within=ANSWER_S)
    descriptor = os.open(target, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    took = time.perf_counter() - started
    target.unlink()
    return took


def _settle() -> None:
    """Let the disk finish what the one wrote before the other is measured."""
    os.sync()
    time.sleep(0.5)
