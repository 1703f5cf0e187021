"""`tellback serve`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import command
from tests.support import postgres as databases

#: Every option of the contract (design: command line), in forms that must be taken together.
EVERY_OPTION = [
    "--host", "127.0.0.1", "--workers", "1", "--no-delivery",
    "--trusted-proxy", "10.0.0.0/8", "--trusted-proxy", "192.0.2.7",
    "--allow-destination", "127.0.0.0/8", "--public-url", "https://feedback.example/",
    "--max-file-size", "1GiB", "--session-idle", "7d", "--allow-http-pages", "--dev",
    "--rate-limit", "100/1m", "--address-limit", "off", "--limit-loopback",
    "--intake-retention", "14d", "--log-level", "warning",
]  # fmt: skip


def _ready(address: str) -> int:
    return command.ask(f"{address}/healthz/ready")[0]


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a workspace in it, for tests that leave it as it is."""
    folder = tmp_path_factory.mktemp("hub") / "data"
    assert command.tellback("apply", command.CONFIGURATION, "--data", folder).code == 0
    return folder


@pytest.mark.alone
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_says_where_it_is_and_ends_in_order_when_it_is_told_to(data: Path, how: signal.Signals) -> None:
    with command.serving(data) as (running, address):
        assert _ready(address) == 200
        began = time.monotonic()
        assert running.end(how) == 0
        assert time.monotonic() - began < 10
        assert running.lines == [f"tellback is ready at {address}"]
    assert command.naming(data) == {}
    assert not _listens(int(address.rpartition(":")[2]))


def test_makes_its_data_folder(tmp_path: Path) -> None:
    with command.serving(tmp_path / "some" / "where") as (_, address):
        assert _ready(address) == 200


def test_tells_programs_the_address_as_json(data: Path) -> None:
    with command.started("serve", "--data", data, "--port", "0", "--output", "json") as running:
        line = running.wait_for(lambda line: line.startswith("{"))
        assert _ready(json.loads(line)["ready"]) == 200
        assert running.end() == 0
        assert len(running.lines) == 1


def test_takes_every_option(data: Path, tmp_path: Path) -> None:
    with command.serving(data, *EVERY_OPTION, "--files", tmp_path / "files") as (running, address):
        assert _ready(address) == 200
        create = f"{address}/api/v1/projects/beta/feedback/app?apiKey=mob_6f1d0c8e5a7b4923"
        status, made = command.ask(create, method="POST", body={"title": "Hello"})
        assert status == 201
        assert made["fileElements"][0]["url"].startswith("https://feedback.example/api/v1/")
        assert (tmp_path / "files").is_dir()
        assert running.end() == 0


def test_takes_its_options_from_variables(data: Path) -> None:
    variables = {
        "TELLBACK_DATA": str(data),
        "TELLBACK_PORT": "0",
        "TELLBACK_OUTPUT": "json",
        "TELLBACK_WORKERS": "2",
    }
    with command.started("serve", environment=variables) as running:
        address = json.loads(running.wait_for(lambda line: "ready" in line))["ready"]
        assert _ready(address) == 200
        assert running.end() == 0


def test_refuses_a_second_hub_on_its_data_folder(data: Path) -> None:
    with command.serving(data) as (_, address):
        second = command.tellback("serve", "--data", data, "--port", "0")
        assert (second.code, second.out) == (2, "")
        assert (
            second.err
            == f"tellback: another tellback serves {data} already; stop it, or use another --data.\n"
        )
        assert _ready(address) == 200


def test_refuses_a_port_in_use_before_it_touches_anything(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        done = command.tellback("serve", "--data", tmp_path / "data", "--port", str(port))
    assert (done.code, done.out) == (2, "")
    assert done.err == f"tellback: port {port} of 127.0.0.1 is in use; choose another with --port.\n"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("folder", ["/proc/tellback", "/dev/null", "/dev/null/data"])
def test_refuses_a_data_folder_it_cannot_use(folder: str) -> None:
    done = command.tellback("serve", "--data", folder, "--port", "0")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("tellback: ")
    assert folder in done.err
    assert done.err.count("\n") == 1


def test_refuses_a_data_folder_it_may_not_write_to(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    tmp_path.chmod(0o500)
    done = command.tellback("serve", "--data", tmp_path, "--port", "0")
    assert done.code == 2
    assert done.err == f"tellback: cannot write to the data folder {tmp_path}: Permission denied.\n"


def test_refuses_a_data_folder_of_another_postgresql(tmp_path: Path) -> None:
    (tmp_path / "postgresql").mkdir()
    version = tmp_path / "postgresql" / "PG_VERSION"
    version.write_text("13\n")
    done = command.tellback("serve", "--data", tmp_path, "--port", "0")
    assert (done.code, done.out) == (2, "")
    assert "was made by PostgreSQL 13" in done.err
    assert done.err.count("\n") == 1
    assert version.read_text() == "13\n"


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "postgresql://hub:canary@127.0.0.1:1/x", "nonsense"])
def test_refuses_a_database_it_cannot_reach(url: str, tmp_path: Path) -> None:
    done = command.tellback("serve", "--database-url", url, "--data", tmp_path, "--port", "0")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("tellback: the database ")
    assert done.err.count("\n") == 1
    assert "canary" not in done.err


def test_refuses_a_file_store_it_does_not_have(tmp_path: Path) -> None:
    done = command.tellback("serve", "--data", tmp_path / "data", "--port", "0", "--files", "gs://bucket/hub")
    assert (done.code, done.out) == (2, "")
    assert done.err == "tellback: there are no file stores at gs://; give a folder, or s3://bucket/prefix\n"
    assert command.naming(tmp_path / "data") == {}


def test_refuses_a_certificate_it_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    pair: list[str | Path] = ["--tls-cert", tmp_path / "cert.pem", "--tls-key", tmp_path / "cert.pem"]
    done = command.tellback("serve", "--data", tmp_path / "data", "--port", "0", *pair)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_speaks_tls(data: Path, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    with command.serving(data, "--tls-cert", cert, "--tls-key", key) as (running, address):
        assert address.startswith("https://127.0.0.1:")
        assert running.end() == 0


def test_leaves_nothing_running_when_it_is_killed(data: Path) -> None:
    with command.serving(data, "--workers", "2") as (running, address):
        family = command.family(running.process.pid)
        assert len(family) > 4  # two workers, PostgreSQL and its processes
        running.end(signal.SIGKILL)
        command.eventually(lambda: command.naming(data) == {} and not any(map(_lives, family)), 5)
        assert not _listens(int(address.rpartition(":")[2]))
    with command.serving(data) as (_, again):
        assert _ready(again) == 200


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_ends_in_order_while_it_starts(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with command.started("serve", "--data", data, "--port", "0") as running:
        command.eventually(lambda: (data / "owner.lock").exists())
        assert running.end() == 0
        assert running.lines == []
    assert command.naming(data) == {}
    with command.serving(data) as (_, address):
        assert _ready(address) == 200


@pytest.fixture
def empty_url(postgres: databases.Cluster) -> Iterator[str]:
    url = databases.empty_database(postgres)
    yield url
    databases.drop(postgres, url)


def test_runs_on_a_database_of_ones_own(empty_url: str, tmp_path: Path) -> None:
    options: list[str | Path] = ["--database-url", empty_url, "--data", tmp_path / "data"]
    with command.started("serve", *options, "--port", "0") as running:
        address = running.address()
        assert command.tellback("apply", command.CONFIGURATION, *options).code == 0
        create = f"{address}/api/v1/projects/beta/feedback/app?apiKey=mob_6f1d0c8e5a7b4923"
        command.eventually(lambda: command.ask(create, method="POST", body={"title": "Hello"})[0] == 201)
        assert running.end() == 0
    assert not (tmp_path / "data" / "postgresql").exists()


def test_acts_on_a_change_of_its_configuration_within_two_seconds(tmp_path: Path) -> None:
    with command.serving(tmp_path / "data") as (_, address):
        create = f"{address}/api/v1/projects/beta/feedback/app?apiKey=mob_6f1d0c8e5a7b4923"

        def status() -> int:
            return command.ask(create, method="POST", body={"title": "Hello"})[0]

        assert status() == 401
        assert command.tellback("apply", command.CONFIGURATION, "--data", tmp_path / "data").code == 0
        command.eventually(lambda: status() == 201, 2)
        off = "workspace: {slug: demo, name: Demo Ltd}\napi_keys: [{name: Mobile apps, enabled: false}]\n"
        assert command.tellback("apply", "-", "--data", tmp_path / "data", given=off).code == 0
        command.eventually(lambda: status() == 401, 2)
