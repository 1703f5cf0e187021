"""What counts as encrypted: TLS on the hub's own socket, or a trusted proxy's word."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx
from tests.dialects.centracx.conftest import SURVEYS
from tests.support import hub as hubs
from tests.support.taking import CREDENTIALS
from tests.support.tls import self_signed

UNAUTHORIZED = {"status": 401, "message": "Unauthorized"}
SAYS_HTTPS = {"X-Forwarded-Proto": "https"}


def test_takes_tls_on_its_own_socket_and_nobodys_word_for_it(tmp_path: Path, database_url: str) -> None:
    certificate, key = self_signed(tmp_path)
    options = ("--files", str(tmp_path / "files"), "--tls-cert", str(certificate), "--tls-key", str(key))
    with hubs.running(tmp_path / "log", "--database-url", database_url, options=options) as hub:
        hub.apply(SURVEYS)
        context = ssl.create_default_context(cafile=str(certificate))
        with httpx.Client(base_url=f"https://localhost:{hub.port}", verify=context, trust_env=False) as http:
            assert http.get("/surveys", params=CREDENTIALS).status_code == 200


def test_does_not_take_the_word_of_a_proxy_it_does_not_trust(tmp_path: Path, database_url: str) -> None:
    options = ("--files", str(tmp_path / "files"), "--trusted-proxy", "192.0.2.1/32")
    with (
        hubs.running(tmp_path / "log", "--database-url", database_url, options=options) as hub,
        hub.client() as http,
    ):
        hub.apply(SURVEYS)
        answer = http.get("/surveys", params=CREDENTIALS, headers=SAYS_HTTPS)
        assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)


def test_lets_this_machine_in_with_dev_and_nobody_else(tmp_path: Path, database_url: str) -> None:
    options = ("--files", str(tmp_path / "files"), "--dev", "--trusted-proxy", "127.0.0.1/32")
    with (
        hubs.running(tmp_path / "log", "--database-url", database_url, options=options) as hub,
        hub.client() as http,
    ):
        hub.apply(SURVEYS)
        assert http.get("/surveys", params=CREDENTIALS).status_code == 200
        from_elsewhere = {"X-Forwarded-For": "198.51.100.7"}
        answer = http.get("/surveys", params=CREDENTIALS, headers=from_elsewhere)
        assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)
        encrypted = http.get("/surveys", params=CREDENTIALS, headers=from_elsewhere | SAYS_HTTPS)
        assert encrypted.status_code == 200


def test_tells_the_operator_that_a_call_was_not_encrypted(surveys_hub: hubs.Hub, https: httpx.Client) -> None:
    """Whoever calls reads "Unauthorized" alone; whose key it is finds the reason in the intake log."""
    with surveys_hub.client() as http:
        for secret in (CREDENTIALS["apisecret"], "wrong-secret-2"):
            answer = http.post("/surveys/7", params=CREDENTIALS | {"apisecret": secret}, json={})
            assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)
            [entry] = https.get("/hub/v1/intake?limit=1", headers=surveys_hub.reader()).json()["data"]
            assert (entry["endpoint"], entry["credential"], entry["status"]) == ("/surveys/7", "Kiosk", 401)
            assert entry["error"] == "The call is not encrypted."
            assert "--trusted-proxy" in entry["hint"]
        nobodys = http.get("/surveys", params=CREDENTIALS | {"apikey": "nobody"})
        assert (nobodys.status_code, nobodys.json()) == (401, UNAUTHORIZED)
