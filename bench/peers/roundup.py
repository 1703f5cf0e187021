"""Roundup 2.6: the classic tracker on SQLite, its REST API under roundup-server (forking, its default)."""

from __future__ import annotations

import base64
import json
import os
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import feedback, load, processes, rounds
from bench.peers import environment

NAME = "Roundup"
REMARKS = (
    "Roundup 2.6.0: roundup-server (forks for a connection, its default), classic template, SQLite, Basic"
    " authentication; only the issue is created each time, its text is one message made beforehand.",
)
PASSWORD = "correct horse battery"  # noqa: S105 - lives as long as the run
USER = "nobody"


@contextmanager
def contestants(settings: rounds.Settings) -> Iterator[list[rounds.Contestant]]:
    """A fresh tracker with one message to point to, answering."""
    binaries = environment.made("roundup")
    port = processes.free_port()
    home = settings.temp / "roundup"
    options = f"tracker_web=http://127.0.0.1:{port}/t/,mail_domain=example.invalid,mail_host=127.0.0.1,mail_debug=/dev/null"
    admin: list[str | Path] = [binaries / "roundup-admin", "-i", home]
    processes.call([*admin, "install", "classic", "sqlite", options], within=60)
    processes.call([*admin, "initialise", PASSWORD], within=60)
    command: list[str | Path] = [
        *(binaries / "roundup-server", "-n", "127.0.0.1", "-p", str(port)),
        *_as_plain_user(home),
        f"t={home}",
    ]
    log = settings.temp / "roundup.log"
    with processes.running(command, log=log, ready=lambda: processes.accepts(port), cwd=settings.temp):
        message = _call(port, "POST", "/t/rest/data/msg", {"content": feedback.STEPS, "author": "1"})["id"]
        contestant = rounds.Contestant(NAME, port, [_message(port, message)])
        _check(contestant)
        yield [contestant]


def _as_plain_user(home: Path) -> list[str]:
    """roundup-server refuses to serve as root; it is given a user to become."""
    if os.geteuid() != 0:
        return []
    for folder, _folders, files in os.walk(home):
        for path in (Path(folder), *(Path(folder) / name for name in files)):
            shutil.chown(path, USER)
    return ["-u", USER]


def _headers(port: int) -> dict[str, str]:
    """Its protection against forged requests wants to see where a request comes from."""
    return {
        "Authorization": "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode(),
        "Content-Type": "application/json",
        "X-Requested-With": "rest",
        "Origin": f"http://127.0.0.1:{port}",
        "Referer": f"http://127.0.0.1:{port}/t/",
    }


def _message(port: int, message: str) -> bytes:
    body = {"title": feedback.TITLE, "priority": "bug", "messages": [message], "nosy": ["1"]}
    return load.request(
        "POST", "/t/rest/data/issue", port=port, headers=_headers(port), body=json.dumps(body).encode()
    )


def _call(port: int, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """The `data` of its answer."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        method=method,
        headers=_headers(port),
        data=json.dumps(body).encode() if body else None,
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310
        return json.load(answer)["data"]


def _check(contestant: rounds.Contestant) -> None:
    """Create issues and read one back. Raises `BenchFault`."""
    outcome = load.run(
        load.Load(contestant.port, contestant.requests, connections=1, seconds=1.0, warm_up=0.1)
    )
    if outcome.faults or not outcome.sample:
        raise processes.BenchFault(f"{NAME} does not create: {outcome.faults}")
    number = json.loads(outcome.sample)["data"]["id"]
    stored = _call(contestant.port, "GET", f"/t/rest/data/issue/{number}")["attributes"]
    if stored["title"] != feedback.TITLE or len(stored["messages"]) != 1:
        raise processes.BenchFault(f"{NAME} stored something else: {stored}")
