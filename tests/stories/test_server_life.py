"""The server's life: its start, its end, and the deaths of its processes."""

from __future__ import annotations

import datetime
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from tests.support import serving


def later(what: Callable[[], serving.Reply]) -> Callable[[], serving.Reply]:
    """Start `what` in a thread; call the result to wait for its answer."""
    answers: list[serving.Reply] = []
    thread = threading.Thread(target=lambda: answers.append(what()))
    thread.start()

    def wait() -> serving.Reply:
        thread.join(20)
        assert answers, "no answer"
        return answers[0]

    return wait


def test_says_where_it_is_once_it_is_ready(tmp_path: Path) -> None:
    (tmp_path / "away").touch()
    with serving.starting(tmp_path) as server:
        said = threading.Event()
        ports: list[int] = []

        def listen() -> None:
            ports.append(serving.announced_port(server))
            said.set()

        thread = threading.Thread(target=listen)
        thread.start()
        assert not said.wait(3), "said it was ready while it was not"
        (tmp_path / "away").unlink()
        assert said.wait(5)
        thread.join()
        server.port = ports[0]
        assert server.ask().status == 200


@pytest.mark.alone
@pytest.mark.parametrize("workers", [1, 2])
def test_finishes_a_slow_request_when_told_to_stop(tmp_path: Path, workers: int) -> None:
    with serving.serving(tmp_path, workers=workers) as server:
        slow = later(lambda: server.ask("/v/slow", b"abc"))
        time.sleep(0.5)
        began = time.monotonic()
        assert server.stop() == 0
        assert slow().json()["size"] == 3
        assert time.monotonic() - began < 10
        assert "POST /v/slow 3" in server.effects()[:-1]
        assert server.effects()[-1] == "closed"


def test_finishes_a_body_that_is_still_arriving_when_told_to_stop(tmp_path: Path) -> None:
    with serving.serving(tmp_path) as server, server.connect() as connection:
        whole = serving.request("/v/upload", b"x" * 40)
        connection.sendall(whole[:-40])
        for sent in range(40):
            if sent == 5:
                server.process.send_signal(signal.SIGTERM)
            connection.sendall(b"x")
            time.sleep(0.05)
        answer = serving.read_reply(connection)
        assert (answer.status, answer.json()["size"]) == (200, 40)
        assert answer.headers["connection"] == "close"
        assert server.process.wait(10) == 0


@pytest.mark.alone
def test_is_gone_in_10_seconds_whatever_its_clients_do(tmp_path: Path) -> None:
    with serving.serving(tmp_path) as server, server.connect() as stuck, server.connect() as idle:
        stuck.sendall(serving.request(body=b"x" * 10)[:-5])
        idle.sendall(serving.request())
        serving.read_reply(idle)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 10


@pytest.mark.alone
@pytest.mark.skipif(shutil.which("curl") is None, reason="speaks HTTP/2 with curl")
def test_does_not_wait_for_an_idle_http_2_client(tmp_path: Path) -> None:
    with serving.serving(tmp_path) as server, server.connect() as connection:
        # The preface and an empty SETTINGS frame (RFC 9113, section 3.4), and then silence.
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
        assert connection.recv(100)
        url = f"http://127.0.0.1:{server.port}/v/x"
        curl = ["curl", "-s", "--http2-prior-knowledge", "-d", "hello", url]
        assert '"size":5' in subprocess.run(curl, capture_output=True, text=True, check=True).stdout
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 5


@pytest.mark.alone
def test_does_not_wait_when_told_twice(tmp_path: Path) -> None:
    with serving.serving(tmp_path) as server, server.connect() as stuck:
        stuck.sendall(serving.request(body=b"x" * 10)[:-5])
        time.sleep(0.2)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        server.stop()
        assert time.monotonic() - began < 3


def test_replaces_a_killed_worker_without_failing_anyone(tmp_path: Path) -> None:
    with serving.serving(tmp_path, workers=2) as server:
        first, second = server.workers()
        os.kill(first, signal.SIGKILL)
        serving.until(lambda: len(server.workers()) == 2 and first not in server.workers())
        (new,) = (pid for pid in server.workers() if pid != second)
        serving.until(lambda: any(server.ask().json()["pid"] == new for _ in range(10)))
        answered = [server.ask() for _ in range(100)]
        assert {answer.status for answer in answered} == {200}
        assert {answer.json()["pid"] for answer in answered} == {new, second}


def test_outlives_workers_that_are_killed_again_and_again(tmp_path: Path) -> None:
    with serving.serving(tmp_path, workers=2) as server:
        for _ in range(5):
            os.kill(server.workers()[0], signal.SIGKILL)
            serving.until(lambda: len(server.workers()) == 2, 10)
        serving.until(lambda: all(served(server) for _ in range(20)), 10)
        assert server.process.poll() is None


def served(server: serving.Server) -> bool:
    """Whether a new connection is served; for a moment all workers may be gone."""
    try:
        return server.ask().status == 200
    except ConnectionError:
        return False


@pytest.mark.parametrize("workers", [1, 2])
def test_leaves_nothing_behind_when_killed(tmp_path: Path, workers: int) -> None:
    with serving.serving(tmp_path, workers=workers) as server:
        pids = server.workers()
        assert len(pids) == workers
        server.process.kill()
        server.process.wait()
        serving.until(lambda: not any(serving.alive(pid) for pid in pids), 5)


def test_ends_a_worker_begun_early_that_nobody_wanted() -> None:
    code = "from tellback import headstart as h; h.begin('m:f'); print(h._begun['m:f'].pid)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    serving.until(lambda: not serving.alive(int(done.stdout)))


def test_serves_with_the_worker_begun_early(tmp_path: Path) -> None:
    with serving.serving(tmp_path, early=True) as server:
        assert server.ask().json()["pid"] in server.workers()
        assert len(server.workers()) == 1


def test_sweeps_what_a_killed_server_left(tmp_path: Path) -> None:
    def folder_of(pid: int) -> list[Path]:
        places = (Path("/dev/shm"), Path(tempfile.gettempdir()))  # noqa: S108 - looked into
        return [found for place in places for found in place.glob(f"tellback-serve-{pid}-*")]

    with serving.serving(tmp_path) as killed:
        (left,) = folder_of(killed.process.pid)
        assert left.stat().st_mode & 0o777 == 0o700
        killed.process.kill()
        killed.process.wait()
    assert left.exists()
    with serving.serving(tmp_path) as server:
        assert not left.exists()
        server.stop()
        assert folder_of(server.process.pid) == []


def test_refuses_a_port_in_use_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert_port_in_use(tmp_path, other.getsockname()[1])


def test_refuses_the_port_of_another_hub_which_would_share_it(tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    with serving.serving(tmp_path) as server:
        assert_port_in_use(tmp_path / "second", server.port)
        assert server.ask().status == 200


def assert_port_in_use(data: Path, port: int) -> None:
    with serving.starting(data, port=port) as server:
        assert server.process.wait(10) == 1
        assert server.logged() == f"error: port {port} of 127.0.0.1 is in use; choose another with --port\n"


def test_takes_its_port_again_right_after_a_stop(tmp_path: Path) -> None:
    with serving.serving(tmp_path) as server, server.connect() as connection:
        connection.sendall(serving.request())
        serving.read_reply(connection)
        port = server.port
        server.stop()
    with serving.serving(tmp_path, port=port) as again:
        assert again.ask().status == 200


def test_refuses_an_address_that_is_not_this_machines(tmp_path: Path) -> None:
    with serving.starting(tmp_path, host="203.0.113.1") as server:
        assert server.process.wait(10) == 1
        assert server.logged().startswith("error: cannot listen on 203.0.113.1 port 0: ")
        assert server.logged().count("\n") == 1


def test_ends_when_a_worker_cannot_start(tmp_path: Path) -> None:
    (tmp_path / "refuse-to-start").touch()
    with serving.starting(tmp_path) as server:
        assert server.process.wait(15) == 1
        assert "told not to start" in server.logged()
        assert server.logged().splitlines()[-1].startswith("error: a worker ended before the hub was ready")


def test_listens_on_ipv6(tmp_path: Path) -> None:
    with (
        serving.serving(tmp_path, host="::1") as server,
        socket.create_connection(("::1", server.port), 5) as connection,
    ):
        connection.sendall(serving.request())
        assert serving.read_reply(connection).json()["peer"]["loopback"] is True


Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PKCS8, TRADITIONAL = serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL


def write_pair(folder: Path, key: Key, form: serialization.PrivateFormat) -> tuple[Path, Path]:
    """A self-signed certificate and its key, as PEM files."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem, none = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, form, none))
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.parametrize(
    ("make", "form"),
    [
        (lambda: rsa.generate_private_key(65537, 2048), PKCS8),
        (lambda: rsa.generate_private_key(65537, 2048), TRADITIONAL),
        (lambda: ec.generate_private_key(ec.SECP256R1()), TRADITIONAL),
    ],
    ids=["PKCS#8", "PKCS#1", "EC"],
)
def test_speaks_tls_with_any_kind_of_key(
    tmp_path: Path, make: Callable[[], Key], form: serialization.PrivateFormat
) -> None:
    certificate, key = write_pair(tmp_path, make(), form)
    with (
        serving.serving(tmp_path, tls_cert=certificate, tls_key=key) as server,
        serving.tls_context().wrap_socket(server.connect()) as connection,
    ):
        assert connection.version() == "TLSv1.3"
        connection.sendall(serving.request())
        assert serving.read_reply(connection).json()["peer"]["scheme"] == "https"


def test_offers_http_2_over_tls(tmp_path: Path) -> None:
    certificate, key = write_pair(tmp_path, ec.generate_private_key(ec.SECP256R1()), PKCS8)
    context = serving.tls_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        serving.serving(tmp_path, tls_cert=certificate, tls_key=key) as server,
        context.wrap_socket(server.connect()) as connection,
    ):
        assert connection.selected_alpn_protocol() == "h2"


def test_refuses_a_key_of_another_certificate_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    certificate, _ = write_pair(tmp_path, ec.generate_private_key(ec.SECP256R1()), PKCS8)
    _, key = write_pair(tmp_path / "other", ec.generate_private_key(ec.SECP256R1()), PKCS8)
    with serving.starting(tmp_path, tls_cert=certificate, tls_key=key) as server:
        assert server.process.wait(10) == 1
        assert server.logged().startswith(f"error: {certificate} and {key} are no TLS certificate and key")
        assert server.logged().count("\n") == 1


def test_refuses_a_key_that_is_not_there_in_one_line(tmp_path: Path) -> None:
    with serving.starting(tmp_path, tls_cert=tmp_path / "no.pem", tls_key=tmp_path / "no.pem") as server:
        assert server.process.wait(10) == 1
        assert server.logged().count("\n") == 1
