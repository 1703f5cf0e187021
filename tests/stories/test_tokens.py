"""Access tokens over their life, and what is tried with forged ones (RFC 8725, section 2)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.support import hub as hubs


def status(http: httpx.Client, token: str) -> int:
    return http.get("/hub/v1/tickets?limit=1", headers={"Authorization": f"Bearer {token}"}).status_code


def becomes(http: httpx.Client, token: str, wanted: int, seconds: float = 2.0) -> bool:
    """True when a running hub answers `wanted` within the time the contract gives it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if status(http, token) == wanted:
            return True
        time.sleep(0.05)
    return status(http, token) == wanted


@pytest.fixture
def key(hub: hubs.Hub) -> Iterator[str]:
    """A key for one test's token, revoked after it."""
    name = f"story-{uuid.uuid4()}"
    yield name
    hubs.tellback("token", "revoke", "--workspace", "demo", "--key", name, *hub.place, check=False)


def create(hub: hubs.Hub, key: str, *options: str) -> str:
    words = ("token", "create", "--workspace", "demo", "--key", key, *options, *hub.place)
    return hubs.tellback(*words).strip()


def test_stops_a_revoked_token_within_two_seconds(http: httpx.Client, hub: hubs.Hub, key: str) -> None:
    token = create(hub, key, "--claim", "hub_read")
    assert status(http, token) == 200
    hubs.tellback("token", "revoke", "--workspace", "demo", "--key", key, *hub.place)
    assert becomes(http, token, 401)


def test_stops_the_old_token_when_a_new_one_has_its_key(http: httpx.Client, hub: hubs.Hub, key: str) -> None:
    old = create(hub, key, "--claim", "hub_read")
    assert status(http, old) == 200
    new = create(hub, key, "--claim", "hub_read")
    assert status(http, new) == 200
    assert becomes(http, old, 401)


def test_stops_a_token_when_its_time_is_over(http: httpx.Client, hub: hubs.Hub, key: str) -> None:
    token = create(hub, key, "--claim", "hub_read", "--expires", "3s")
    assert status(http, token) == 200
    expires = jwt.decode(token, options={"verify_signature": False})["exp"]
    assert abs(expires - (datetime.now(UTC) + timedelta(seconds=3)).timestamp()) < 3
    time.sleep(max(0.0, expires + 1 - time.time()))
    assert status(http, token) == 401


def test_lets_a_token_do_what_it_claims_and_no_more(http: httpx.Client, hub: hubs.Hub, key: str) -> None:
    assert status(http, create(hub, key, "--claim", "errand_data")) == 403
    assert status(http, create(hub, key, "--claim", "errand_data", "--claim", "hub_read")) == 200


def test_refuses_a_token_without_a_key(hub: hubs.Hub) -> None:
    words = ("token", "create", "--workspace", "demo", "--key", " ", "--claim", "hub_read", *hub.place)
    assert hubs.tellback(*words, check=False) == ""


def _coded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _forged(token: str) -> dict[str, str]:
    head, body, signature = token.split(".")
    header, payload = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
    others = Ed25519PrivateKey.generate()
    public = others.public_key().public_bytes_raw()
    own_key = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": base64.urlsafe_b64encode(public).rstrip(b"=").decode(),
    }
    symmetric = f"{_coded(header | {'alg': 'HS256'})}.{body}"
    mac = base64.urlsafe_b64encode(hmac.new(public, symmetric.encode(), hashlib.sha256).digest()).rstrip(b"=")
    return {
        "no algorithm": f"{_coded(header | {'alg': 'none'})}.{body}.",
        "no algorithm, signature kept": f"{_coded(header | {'alg': 'nOnE'})}.{body}.{signature}",
        "signature cut off": f"{head}.{body}.",
        "claims changed": f"{head}.{_coded(payload | {'claims': ['hub_read', 'hub_write']})}.{signature}",
        "another workspace": f"{head}.{_coded(payload | {'aud': 'other'})}.{signature}",
        "public key as a shared secret": f"{symmetric}.{mac.decode()}",
        "signed by another key": jwt.encode(payload, others, "EdDSA", headers={"kid": header["kid"]}),
        "brings its own key": jwt.encode(
            payload, others, "EdDSA", headers={"kid": header["kid"], "jwk": own_key}
        ),
        "unknown key id": f"{_coded(header | {'kid': '../../../dev/null'})}.{body}.{signature}",
        "no key id": f"{_coded({'alg': header['alg']})}.{body}.{signature}",
        "no token": "a.b.c",
        "too long": f"{head}.{body}.{'A' * 20_000}",
    }


def test_refuses_every_forged_token_alike(http: httpx.Client, hub: hubs.Hub) -> None:
    good = hub.secrets["access_tokens"]["reader"]
    assert status(http, good) == 200
    said = set()
    for name, token in _forged(good).items():
        answer = http.get("/hub/v1/tickets", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, name
        said.add(answer.json()["detail"])
    assert len(said) == 1
