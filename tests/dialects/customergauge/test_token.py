"""`/oauth2/token` (seed 003, "Authentication"; RFC 6749)."""

from __future__ import annotations

import base64
from urllib.parse import quote_plus

import httpx
import jwt
import pytest

TOKEN = "/oauth2/token"
GOOD = {"grant_type": "client_credentials", "client_id": "crm", "client_secret": "7c6a180b36896a0a"}


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def test_gives_a_token_as_the_seed_asks(anyone: httpx.Client) -> None:
    answer = anyone.post(TOKEN, data=GOOD)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)


def test_takes_the_client_by_basic(anyone: httpx.Client) -> None:
    form = {"grant_type": "client_credentials", "client_id": "crm"}
    assert anyone.post(TOKEN, data=form, headers=basic("crm", GOOD["client_secret"])).status_code == 200


@pytest.mark.parametrize("written", [str, quote_plus], ids=["as it is", "form-encoded"])
def test_takes_odd_credentials_by_basic(anyone: httpx.Client, written: type[str]) -> None:
    headers = basic(quote_plus("odd:one +1%"), written("s3cr%2Bt+&x"))
    answer = anyone.post(TOKEN, data={"grant_type": "client_credentials"}, headers=headers)
    assert answer.status_code == (200 if written is not str else 401)


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        (GOOD | {"client_secret": "wrong"}, 401, "invalid_client"),
        (GOOD | {"client_id": "nobody"}, 401, "invalid_client"),
        (GOOD | {"client_id": "nul\x00"}, 401, "invalid_client"),
        (GOOD | {"client_id": "closed", "client_secret": "0a6a180b36896a0b"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, 401, "invalid_client"),
        (GOOD | {"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({k: v for k, v in GOOD.items() if k != "grant_type"}, 400, "invalid_request"),
        (GOOD | {"scope": "all"}, 400, "invalid_scope"),
    ],
)
def test_refuses_in_the_words_of_the_rfc(
    anyone: httpx.Client, form: dict[str, str], status: int, code: str
) -> None:
    answer = anyone.post(TOKEN, data=form)
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"
    assert "www-authenticate" not in answer.headers


def test_challenges_where_basic_was_used(anyone: httpx.Client) -> None:
    answer = anyone.post(TOKEN, data={"grant_type": "client_credentials"}, headers=basic("crm", "wrong"))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic")


def test_says_the_same_of_an_unknown_id_and_a_wrong_secret(anyone: httpx.Client) -> None:
    unknown = anyone.post(TOKEN, data=GOOD | {"client_id": "nobody"})
    wrong = anyone.post(TOKEN, data=GOOD | {"client_secret": "wrong"})
    assert unknown.content == wrong.content


def test_refuses_both_ways_at_once(anyone: httpx.Client) -> None:
    answer = anyone.post(TOKEN, data=GOOD, headers=basic("crm", GOOD["client_secret"]))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_refuses_other_content_types_methods_and_paths(anyone: httpx.Client) -> None:
    answer = anyone.post(TOKEN, json=GOOD)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    answer = anyone.get(TOKEN)
    assert (answer.status_code, answer.headers["allow"], "error" in answer.json()) == (405, "POST", True)
    answer = anyone.post(TOKEN + "/more")
    assert (answer.status_code, "error" in answer.json()) == (404, True)


def test_signs_tokens_that_open_no_other_surface(anyone: httpx.Client) -> None:
    token = anyone.post(TOKEN, data=GOOD).json()["access_token"]
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    answer = anyone.get("/hub/v1/responses", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
