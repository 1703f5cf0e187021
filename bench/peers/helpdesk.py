"""django-helpdesk 2.6: its REST API under gunicorn with two workers, SQLite as in Django's project template.

Its API signs in by Basic authentication, which hashes the password on every request. So that the ticket
itself is seen too, it is measured a second time with a token, which costs one indexed read.
"""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import feedback, load, processes, rounds
from bench.peers import environment

NAME = "django-helpdesk"
TOKEN_NAME = "django-helpdesk, token"  # noqa: S105 - a contestant's name
REMARKS = (
    "django-helpdesk 2.6.1: gunicorn, 2 workers, SQLite, teams mode off, mail thrown away; signs in by Basic"
    " authentication (its default); 'token': the same server, signed in by Django REST framework's token.",
)
SITE = Path(__file__).parent / "django_site"
USER, PASSWORD = "bench", "correct horse battery"


@contextmanager
def contestants(settings: rounds.Settings) -> Iterator[list[rounds.Contestant]]:
    """A fresh site with one queue and one member of staff, answering; both ways of signing in."""
    binaries = environment.made("helpdesk")
    port = processes.free_port()
    env = {
        "DJANGO_SETTINGS_MODULE": "helpdesk_site.settings",
        "HELPDESK_DATA": str(settings.temp / "helpdesk"),
        "PYTHONPATH": str(SITE),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    (settings.temp / "helpdesk").mkdir()
    processes.call([binaries / "django-admin", "migrate", "--verbosity", "0"], within=120, env=env)
    said = processes.call(
        [binaries / "python", "-m", "helpdesk_site.fill", USER, PASSWORD],
        within=60,
        env=env,
        cwd=settings.temp,
    )
    filled = json.loads(said)
    command: list[str | Path] = [
        *(binaries / "gunicorn", "--workers", "2", "--bind", f"127.0.0.1:{port}"),
        *("--worker-tmp-dir", settings.temp, "helpdesk_site.wsgi"),
    ]
    log = settings.temp / "django-helpdesk.log"
    with processes.running(
        command, log=log, ready=lambda: processes.accepts(port), env=env, cwd=settings.temp
    ):
        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        found = [
            rounds.Contestant(name, port, [_message(port, filled["queue"], authorization)])
            for name, authorization in ((NAME, basic), (TOKEN_NAME, f"Token {filled['token']}"))
        ]
        for contestant in found:
            _check(contestant, basic)
        yield found


def _message(port: int, queue: int, authorization: str) -> bytes:
    body = {
        "queue": queue,
        "title": feedback.TITLE,
        "description": feedback.STEPS,
        "submitter_email": feedback.SUBMITTER,
        "priority": 2,
    }
    headers = {"Authorization": authorization, "Content-Type": "application/json"}
    return load.request("POST", "/api/tickets/", port=port, headers=headers, body=json.dumps(body).encode())


def _check(contestant: rounds.Contestant, authorization: str) -> None:
    """Create one ticket and read it back. Raises `BenchFault`."""
    outcome = load.run(
        load.Load(contestant.port, contestant.requests, connections=1, seconds=1.0, warm_up=0.1)
    )
    if outcome.faults or not outcome.sample:
        raise processes.BenchFault(f"{contestant.name} does not create: {outcome.faults}")
    address = f"http://127.0.0.1:{contestant.port}/api/tickets/{json.loads(outcome.sample)['id']}/"
    asked = urllib.request.Request(address, headers={"Authorization": authorization})
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310
        stored = json.load(answer)
    if (stored["title"], stored["description"]) != (feedback.TITLE, feedback.STEPS):
        raise processes.BenchFault(f"{contestant.name} stored something else: {stored}")
