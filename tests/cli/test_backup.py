"""`tellback db backup` and `restore`: a hub is saved while it runs, and comes back whole somewhere else."""

from __future__ import annotations

import hashlib
import stat
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support import command
from tests.support import postgres as databases

KEY = "mob_6f1d0c8e5a7b4923"
LOG = b"Session 2f61: 3 rides found, 2 synced\n" * 20_000


@dataclass(frozen=True)
class Saved:
    """A hub that was saved while feedback came in: its folder, the backup, and the tickets answered before that."""

    data: Path
    file: Path
    answered: int


def _post(address: str, title: str) -> int:
    status, answer = command.ask(
        f"{address}/api/v1/projects/beta/feedback/app?apiKey={KEY}", method="POST", body={"title": title}
    )
    assert status == 201
    return int(answer["id"])


def _attach(address: str, sent: Path) -> None:
    where = f"{address}/api/v1/projects/beta/feedbackTypes/app/BUG-0001/fileElements/crashlog?apiKey={KEY}"
    done = command.shell(f"curl -sS -f '{where}' -F 'file=@{sent}'")
    assert done.code == 0, done.err


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    folder = tmp_path_factory.mktemp("saved")
    data, file, sent = folder / "data", folder / "hub.tar", folder / "crash.log"
    sent.write_bytes(LOG)
    assert command.tellback("apply", command.CONFIGURATION, "--data", data).code == 0
    stopping = threading.Event()
    with command.serving(data) as (_, address):
        _post(address, "Saved")
        _attach(address, sent)
        for number in range(30):
            _post(address, f"Before {number}")

        def go_on() -> None:
            while not stopping.is_set():
                _post(address, "Meanwhile")

        poster = threading.Thread(target=go_on)
        poster.start()
        try:
            done = command.tellback("db", "backup", file, "--data", data)
        finally:
            stopping.set()
            poster.join()
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{file}: the database and 1 file, {file.stat().st_size:,} bytes\n"
    return Saved(data, file, 31)


def test_brings_tickets_and_files_back(saved: Saved, tmp_path: Path) -> None:
    data = tmp_path / "restored"
    done = command.tellback("db", "restore", saved.file, "--data", data, "--output", "json")
    assert (done.code, done.err) == (0, "")
    assert done.json() == {"files": 1, "size": saved.file.stat().st_size}
    token = command.tellback(
        "token", "create", "--workspace", "demo", "--key", "look", "--claim", "hub_read", "--data", data
    ).out.strip()
    with command.serving(data) as (_, address):
        headers = {"Authorization": f"Bearer {token}"}
        tickets = command.ask(f"{address}/hub/v1/tickets?limit=1000", headers=headers)[1]["data"]
        assert [ticket["id"] for ticket in tickets] == list(range(1, len(tickets) + 1))
        assert len(tickets) >= saved.answered
        (file,) = tickets[0]["files"]
        got = tmp_path / "got"
        read = f"curl -sS -f {address}/hub/v1/files/{file['id']} -H 'Authorization: Bearer {token}' -o {got}"
        assert command.shell(read).code == 0
        assert hashlib.sha256(got.read_bytes()).digest() == hashlib.sha256(LOG).digest()
        assert _post(address, "After") == len(tickets) + 1
    assert command.naming(data) == {}


def test_is_for_its_owner_alone_and_leaves_nothing_beside_it(saved: Saved) -> None:
    assert stat.S_IMODE(saved.file.stat().st_mode) == 0o600
    assert {path.name for path in saved.file.parent.iterdir()} == {"data", "crash.log", "hub.tar"}


def test_restores_into_no_hub_that_is_there(saved: Saved) -> None:
    done = command.tellback("db", "restore", saved.file, "--data", saved.data)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"tellback: {saved.data} holds a hub already; restore into a new folder or an empty database.\n"
    )


def test_writes_over_no_file(saved: Saved) -> None:
    before = saved.file.read_bytes()
    done = command.tellback("db", "backup", saved.file, "--data", saved.data)
    assert (done.code, done.err) == (2, f"tellback: {saved.file} is there already; name a new file.\n")
    assert saved.file.read_bytes() == before


def test_makes_no_hub_to_save_it(tmp_path: Path) -> None:
    done = command.tellback("db", "backup", tmp_path / "hub.tar", "--data", tmp_path / "none")
    assert (done.code, done.out) == (2, "")
    assert "there is no hub in" in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 100, b"\0" * 10_240])
def test_refuses_what_is_no_backup(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "hub.tar"
    file.write_bytes(content)
    done = command.tellback("db", "restore", file, "--data", tmp_path / "new")
    assert (done.code, done.out) == (2, "")
    assert f"{file} is no backup of tellback's" in done.err
    assert not (tmp_path / "new").exists()


def test_refuses_one_that_was_cut_short_and_can_be_tried_again(saved: Saved, tmp_path: Path) -> None:
    whole = saved.file.read_bytes()
    file, data = tmp_path / "cut.tar", tmp_path / "new"
    for length in (len(whole) - 4 * 1024 - len(LOG), len(whole) // 2):
        file.write_bytes(whole[: length - length % 512])
        done = command.tellback("db", "restore", file, "--data", data)
        assert (done.code, done.out) == (2, "")
        assert len(done.err.splitlines()) == 1
    assert command.tellback("db", "restore", saved.file, "--data", data).code == 0


def test_saves_a_database_of_ones_own(
    workspace_url: str, postgres: databases.Cluster, tmp_path: Path
) -> None:
    file, files = tmp_path / "hub.tar", tmp_path / "files"
    done = command.tellback("db", "backup", file, "--database-url", workspace_url, "--files", files)
    assert (done.code, done.err) == (0, "")
    empty = databases.empty_database(postgres)
    try:
        done = command.tellback("db", "restore", file, "--database-url", empty, "--files", tmp_path / "new")
        assert (done.code, done.err) == (0, "")
        assert (
            command.tellback("config", "show", "-w", "demo", "--database-url", empty).out
            == command.tellback("config", "show", "-w", "demo", "--database-url", workspace_url).out
        )
    finally:
        databases.drop(postgres, empty)
