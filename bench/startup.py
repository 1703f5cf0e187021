"""(d) From the start of `tellback serve` to /healthz/ready, and what an idle hub holds in memory."""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import time
from pathlib import Path

from bench import hub, processes, rounds, table

FRESH_S = 3.0
AGAIN_S = 1.0
KILLED_S = 5.0
IDLE_S = 3.0  # until pools and caches have settled


def measure(settings: rounds.Settings) -> table.Section:
    """Every round a fresh data folder, again after a clean stop, and again after kill -9 of everything."""
    section = table.Section("Start to ready, and idle memory", ("what", "median", "worst"))
    taken: dict[str, list[float]] = {"fresh": [], "again": [], "after kill -9": []}
    for number in range(settings.rounds):
        data = settings.temp / f"startup-{number}"
        taken["fresh"].append(_timed(settings, data))
        taken["again"].append(_timed(settings, data, kill=True))
        taken["after kill -9"].append(_timed(settings, data))
        print(
            f"    round {number + 1}: "
            + ", ".join(f"{name} {times[-1]:.2f} s" for name, times in taken.items())
        )
    for name, times in taken.items():
        section.rows.append((f"ready, {name}", f"{statistics.median(times):.2f} s", f"{max(times):.2f} s"))
    for name, bound in (("fresh", FRESH_S), ("again", AGAIN_S), ("after kill -9", KILLED_S)):
        found = statistics.median(taken[name])
        section.targets.append(
            table.Target(f"start to ready, {name}", found, bound, at_least=False, unit=" s")
        )
    for workers in (1, 2):
        _idle(settings, workers, section)
    return section


def _timed(settings: rounds.Settings, data: Path, *, kill: bool = False) -> float:
    """Seconds from starting the program to its first 200 on /healthz/ready."""
    started = time.perf_counter()
    with hub.serving(data, workers=1, log=settings.temp / "startup.log") as served:
        took = time.perf_counter() - started
        if kill:
            for pid in processes.family(served.pid):
                with contextlib.suppress(ProcessLookupError):  # PostgreSQL's come and go
                    os.kill(pid, signal.SIGKILL)
    return took


def _idle(settings: rounds.Settings, workers: int, section: table.Section) -> None:
    data = settings.temp / "startup-0"
    with hub.serving(data, workers=workers, log=settings.temp / "startup.log") as served:
        hub.provision(data)
        hub.check(served.port)
        time.sleep(IDLE_S)
        family = processes.family(served.pid)
        for kind, pids in _kinds(family).items():
            section.rows.append((f"idle, {table.counted(workers, 'worker')}: {kind}", *_mebibytes(pids)))
        section.rows.append(
            (f"idle, {table.counted(workers, 'worker')}: all {len(family)} processes", *_mebibytes(family))
        )


def _mebibytes(pids: list[int]) -> tuple[str, str]:
    shared_out, resident = processes.memory(pids, "Pss"), processes.memory(pids, "Rss")
    return f"{shared_out / 2**20:.0f} MiB PSS", f"{resident / 2**20:.0f} MiB RSS"


def _kinds(pids: list[int]) -> dict[str, list[int]]:
    postgres = [pid for pid in pids if processes.is_postgres(pid)]
    ours = [pid for pid in pids if pid not in postgres]
    return {f"hub ({len(ours)} processes)": ours, f"PostgreSQL ({len(postgres)} processes)": postgres}
