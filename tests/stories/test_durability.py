"""A 2xx is a promise: what was answered 201 is there, whatever is killed, and nothing is half there."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import uuid
from pathlib import Path

import asyncpg
import httpx
import pytest
from tests.support import hub as hubs
from tests.support import load
from tests.support.hub import CREATE, KEY
from tests.support.processes import eventually, main_process, only_linux, servers

from tellback.storage import embedded

pytestmark = [only_linux, pytest.mark.alone]

# Each of these would be a half-written ticket, or a number given twice or left out.
HALF = """
select 'timeline' from tickets t where not exists
  (select from timeline l where (l.workspace_id, l.ticket_id) = (t.workspace_id, t.id))
union all select 'feed' from tickets t where not exists
  (select from changes c where c.workspace_id = t.workspace_id and c.subject_id = t.id::text)
union all select 'log' from tickets t where not exists
  (select from intake i where i.workspace_id = t.workspace_id and i.created_id = t.id::text)
union all select 'hole in the feed' from
  (select max(seq) - min(seq) + 1 as span, count(*) as n from changes) c where span <> n
union all select 'hole in the numbers' from
  (select max(number) as top, count(*) as n from tickets group by type_id) t where top <> n
union all select 'counter' from workspace_counters c
  where c.tickets <> (select count(*) from tickets t where t.workspace_id = c.workspace_id)
"""


def half_written(data: Path) -> list[str]:
    async def ask(url: str) -> list[str]:
        connection = await asyncpg.connect(url)
        try:
            return [row[0] for row in await connection.fetch(HALF)]
        finally:
            await connection.close()

    with embedded.joined(data) as database:
        return asyncio.run(ask(database.url))


def kill_rounds(tmp_path: Path, rounds: int) -> None:
    data, log = tmp_path / "data", tmp_path / "log"
    told: dict[str, int] = {}
    secrets: dict[str, dict[str, str]] = {}
    for number in range(rounds):
        with hubs.running(log, "--data", str(data)) as hub:
            if number == 0:
                hub.apply()
                secrets = hub.secrets
            hub.secrets = secrets
            with load.posting(hub, mark=f"{number}-") as posted:
                eventually(lambda posted=posted: len(posted.tickets) > 100, 30)
                hub.kill()
            told |= posted.tickets
            eventually(lambda: not servers(data), 5)
    began = time.monotonic()
    with hubs.running(log, "--data", str(data)) as hub:
        assert time.monotonic() - began < 5
        hub.secrets = secrets
        there = load.stored(hub)
        assert {title: there.get(title) for title in told} == told
        assert half_written(data) == []


def test_keeps_every_201_through_kill_9_of_everything(tmp_path: Path) -> None:
    kill_rounds(tmp_path, 5)


@pytest.mark.soak
def test_keeps_every_201_through_two_hundred_kills(tmp_path: Path) -> None:
    kill_rounds(tmp_path, 200)


def test_answers_503_while_postgresql_is_killed_and_goes_on(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with hubs.running(tmp_path / "log", "--data", str(data)) as hub:
        hub.apply()
        with load.posting(hub) as posted:
            for _ in range(3):
                before = len(posted.tickets)
                eventually(lambda: len(posted.tickets) > before + 50, 20)  # noqa: B023 asked at once
                victim = main_process(data)
                os.kill(victim, signal.SIGKILL)
                killed = time.monotonic()
                before = len(posted.tickets)
                eventually(lambda: replaced(data, victim), 10)  # noqa: B023 asked at once
                eventually(lambda: len(posted.tickets) > before + 20, 10)  # noqa: B023 asked at once
                assert time.monotonic() - killed < 5
        assert set(posted.statuses) <= {201, 503}
        assert posted.broken == 0
        for body in posted.bodies_of_503:
            assert body.startswith('{"status":503,"description":')
            assert not body.endswith("None")
        there = load.stored(hub)
        assert {title: there.get(title) for title in posted.tickets} == posted.tickets
        assert half_written(data) == []


def replaced(data: Path, victim: int) -> bool:
    """Whether another PostgreSQL runs in place of the one killed."""
    try:
        return main_process(data) != victim
    except (OSError, IndexError):  # between the two there is no pid file, or an empty one
        return False


def test_serves_every_new_connection_after_a_worker_is_killed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with hubs.running(tmp_path / "log", "--data", str(data), options=("--workers", "2")) as hub:
        hub.apply()
        workers = children(hub.process.pid)
        with load.posting(hub, clients=4) as posted:
            eventually(lambda: len(posted.tickets) > 50, 20)
            victim = next(pid for pid, words in workers.items() if "worker" in words)
            os.kill(victim, signal.SIGKILL)
            eventually(lambda: sum("worker" in words for words in children(hub.process.pid).values()) == 2, 5)
            hubs.until_ready(hub, 5)
            time.sleep(1)
            broken = posted.broken
            for _ in range(50):
                assert httpx.get(f"{hub.url}/healthz/live", trust_env=False).status_code == 200
            assert posted.broken == broken
        there = load.stored(hub)
        assert {title: there.get(title) for title in posted.tickets} == posted.tickets


def children(parent: int) -> dict[int, str]:
    """pid -> command line of a process's children."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                    found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
    return found


def test_answers_a_repeat_with_the_same_bytes_after_a_restart(tmp_path: Path) -> None:
    data, log = tmp_path / "data", tmp_path / "log"
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    port = hubs.free_port()

    def post(hub: hubs.Hub) -> httpx.Response:
        with hub.client() as http:
            return http.post(CREATE, params={"apiKey": KEY}, json={"title": "once"}, headers=headers)

    with hubs.running(log, "--data", str(data), port=port) as hub:
        hub.apply()
        first = post(hub)
        hub.kill()
    with hubs.running(log, "--data", str(data), port=port) as hub:
        again = post(hub)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first.headers["Location"] == again.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"


def test_finishes_a_body_that_is_still_arriving_at_sigterm(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with hubs.running(tmp_path / "log", "--data", str(data)) as hub:
        hub.apply()

        def slowly() -> object:
            yield b'{"title": '
            hub.process.send_signal(signal.SIGTERM)
            time.sleep(1)
            yield b'"arrived late"}'

        headers = {"Content-Type": "application/json"}
        with hub.client() as http:
            answer = http.post(CREATE, params={"apiKey": KEY}, content=slowly(), headers=headers)  # type: ignore[arg-type]
        assert answer.status_code == 201
        assert hub.process.wait(10) == 0
        eventually(lambda: not servers(data), 5)
