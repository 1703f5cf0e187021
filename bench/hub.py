"""The hub under measurement, used as anybody would: its command line and its HTTP surfaces."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench import feedback, load, processes, rounds
from tellback.storage.embedded.folder import Folder

NAME = "tellback"
CONFIGURATION = Path(__file__).with_name("hub.yaml")
KEY = "bench_0d5c1f7e9a3b4862"
INTAKE = f"/api/v1/projects/beta/feedback/app?apiKey={KEY}"
COMMAND = Path(sys.executable).parent / "tellback"
READY_S = 60


@dataclass(frozen=True)
class Hub:
    """A hub that is ready: its port, its data folder, the process that was started."""

    port: int
    data: Path
    pid: int
    #: the newest ticket, of one that is filled
    ticket: int = 0


@contextmanager
def serving(data: Path, *, workers: int, log: Path, options: tuple[str, ...] = ()) -> Iterator[Hub]:
    """`tellback serve` on `data` until the block ends. Raises `BenchFault`."""
    port = processes.free_port()
    command: list[str | Path] = [
        COMMAND,
        "serve",
        "--data",
        data,
        "--port",
        str(port),
        "--workers",
        str(workers),
        *options,
    ]
    with processes.running(command, log=log, ready=lambda: ready(port), within=READY_S) as process:
        yield Hub(port, data, process.pid)


def ready(port: int) -> bool:
    """Does /healthz/ready answer 200?"""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:  # HTTPError too
        return False


def provision(data: Path, configuration: Path = CONFIGURATION) -> None:
    """Make the workspace be as bench/hub.yaml, or another file, says. Raises `BenchFault`."""
    processes.call([COMMAND, "apply", configuration, "--data", data, "--output", "json"], within=READY_S)


def create(port: int) -> bytes:
    """The request that files the ticket every contestant files."""
    headers = {"Content-Type": "application/json"}
    return load.request("POST", INTAKE, port=port, headers=headers, body=feedback.BODY)


def read(port: int, number: int) -> bytes:
    """The request that reads a ticket back by its number."""
    return load.request("GET", f"/api/v1/projects/beta/feedback/app/{number}?apiKey={KEY}", port=port)


def stored(port: int, number: int) -> dict[str, Any]:
    """The ticket as the hub reads it back. Raises `OSError` (also for a status that is not 2xx)."""
    address = f"http://127.0.0.1:{port}/api/v1/projects/beta/feedback/app/{number}?apiKey={KEY}"
    with urllib.request.urlopen(address, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def database_url(data: Path) -> str:
    """Where the embedded database of a served data folder answers. Raises `BenchFault`."""
    url = Folder(data).url()
    if url is None:
        raise processes.BenchFault("the data folder names no database")
    return url


def check(port: int) -> int:
    """File tickets for half a second and read one back; gives its number. Raises `BenchFault`."""
    outcome = load.run(load.Load(port, [create(port)], connections=1, seconds=0.5, warm_up=2.5))
    if not outcome.sample:
        raise processes.BenchFault(f"the hub does not create: {outcome.faults}")
    number = int(json.loads(outcome.sample)["id"])
    values = stored(port, number)["values"]
    if (values["title"], values["steps"], values["stars"]) != (feedback.TITLE, feedback.STEPS, 4):
        raise processes.BenchFault(f"the hub stored something else: {values}")
    return number


@contextmanager
def filled(settings: rounds.Settings, name: str, *, workers: int) -> Iterator[Hub]:
    """A hub on a fresh data folder, provisioned and seen to keep what it is given."""
    data, log = settings.temp / name, settings.temp / f"{name}.log"
    with serving(data, workers=workers, log=log) as hub:
        provision(data)
        yield replace(hub, ticket=check(hub.port))


@contextmanager
def contestants(settings: rounds.Settings, *, workers: int) -> Iterator[list[rounds.Contestant]]:
    """The hub as one contestant among others."""
    with filled(settings, f"hub-{workers}", workers=workers) as hub:
        yield [rounds.Contestant(NAME, hub.port, [create(hub.port)])]
