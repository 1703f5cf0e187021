"""What CRMs have already: a stock OAuth2 client, and the `curl` lines of seed 003, with another host."""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from typing import Any

import pytest
from authlib.integrations.requests_client import OAuth2Session
from tests.dialects.customergauge.test_records import rows
from tests.support import hub as hubs

SECRET = "7c6a180b36896a0a"
JSON, FORM = "53505294-0b20-2509-b15d-c8e377701d66", "12305294-0b20-4009-b95d-c8123301d66"

# Seed 003, "JSON (raw request body)": the example as it is printed.
SEEDS_JSON = """{
"configuration": "53505294-0b20-2509-b15d-c8e377701d66",
"record": {
"Account Name": "ACME",
"First Name": "Joe",
"Last Name": "Doe",
"Email": "joe.doe@example.com",
"Sent Date": "2023-05-10 11:34:56",
"Survey Completed Date": "2022-05-10 12:34:56",
"NPS Score": "10"
}
}"""
# Seed 003, "x-www-form-urlencoded (body)": the fields as they are printed.
SEEDS_FORM = (
    ("configuration", FORM),
    ("record[Account Name]", "ACME"),
    ("record[First Name]", "Joe"),
    ("record[Last Name]", "Doe"),
    ("record[Email]", "joe.doe@example.com"),
    ("record[Sent Date]", "2023-05-10 11:34:56"),
    ("record[Survey Completed Date]", "2022-05-10 12:34:56"),
    ("record[NPS Score]", "10"),
)
# Seed 003, "HTTP Status Code 422": the body as it is printed.
SEEDS_422 = """{
"message": "The given data was invalid.",
"errors": {
"configuration": [
"The configuration field is required."
]
}
}"""

curls = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.mark.parametrize("way", ["client_secret_post", "client_secret_basic"])
def test_serves_a_stock_oauth2_client(records_hub: hubs.Hub, way: str) -> None:
    email = f"{uuid.uuid4().hex}@example.com"
    record = {
        "Email": email,
        "Sent Date": "2023-05-10",
        "Survey Completed Date": "2023-05-11",
        "NPS Score": 9,
    }
    with OAuth2Session("crm", SECRET, token_endpoint_auth_method=way) as client:
        token = client.fetch_token(f"{records_hub.url}/oauth2/token", grant_type="client_credentials")
        assert token["token_type"] == "Bearer"
        assert token["expires_in"] == 3600
        answer = client.put(f"{records_hub.url}/records/", json={"configuration": JSON, "record": record})
        assert (answer.status_code, answer.content) == (200, b"")
        found = client.get(f"{records_hub.url}/v6/rest/responses", params={"per_page": 1000}).json()["data"]
    assert email in [one["email"] for one in found]


@curls
def test_takes_the_seeds_curl_lines(records_hub: hubs.Hub) -> None:
    before = len(_responses(records_hub))
    bearer = f"Authorization: Bearer {_token(records_hub)}"
    by_json = ("-X", "PUT", "-H", bearer, "-H", "Content-Type: application/json", "-d", SEEDS_JSON)
    by_form = ("-X", "PUT", "-H", bearer, *(part for field in SEEDS_FORM for part in _encoded(*field)))
    for options in (by_json, by_form):
        assert _curl(records_hub, "/records/", *options) == (200, "")
    first, second = _responses(records_hub)[before:]
    assert (first.pop("configuration"), second.pop("configuration")) == (JSON, FORM)
    for varying in ("id", "created_at", "source"):
        del first[varying], second[varying]
    assert first == second


@curls
@pytest.mark.parametrize(
    "body",
    [
        ("-H", "Content-Type: application/json", "-d", '{"record": {"Email": "joe.doe@example.com"}}'),
        ("--data-urlencode", "record[Email]=joe.doe@example.com"),
        ("-F", "record[Email]=joe.doe@example.com"),
    ],
    ids=["json", "form", "multipart"],
)
def test_refuses_by_curl_as_the_seed_prints_it(records_hub: hubs.Hub, body: tuple[str, ...]) -> None:
    bearer = ("-X", "PUT", "-H", f"Authorization: Bearer {_token(records_hub)}")
    status, text = _curl(records_hub, "/records/", *bearer, *body)
    assert (status, json.loads(text)) == (422, json.loads(SEEDS_422))


def _token(hub: hubs.Hub) -> str:
    """By the line of seed 003, "Authentication"."""
    form = f"grant_type=client_credentials&client_id=crm&client_secret={SECRET}"
    content = ("-H", "Content-Type: application/x-www-form-urlencoded")
    status, text = _curl(hub, "/oauth2/token", "-X", "POST", *content, "-d", form)
    assert status == 200
    return str(json.loads(text)["access_token"])


def _encoded(name: str, value: str) -> tuple[str, str]:
    """curl encodes what stands behind the first `=` alone, so the name is left as people write it."""
    return "--data-urlencode", f"{name}={value}"


def _curl(hub: hubs.Hub, path: str, *options: str) -> tuple[int, str]:
    """The status and the body of one call."""
    line = ["curl", "-sS", "-w", "\n%{http_code}", *options, f"{hub.url}{path}"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=30, check=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def _responses(hub: hubs.Hub) -> list[dict[str, Any]]:
    """Joe's, oldest first."""
    return sorted(rows(hub, "responses", contact="joe.doe@example.com"), key=lambda one: one["id"])
