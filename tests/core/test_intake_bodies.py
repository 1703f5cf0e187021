"""A body as the intake log keeps it: without secrets, and made in a time that grows with its length alone."""

from __future__ import annotations

import json
import time

import pytest

from tellback.core.intake import rules

SECRET = "s3cr3tCanary99"
#: Where a search that looks at every character anew takes ten seconds and more.
LENGTH = 8 * 1024


@pytest.mark.parametrize(
    "body",
    [
        f'{{"apisecret": "{SECRET}", "feedback": "fine"}}',
        f'{{"X-Api_Key" : "a\\"{SECRET}"}}',
        f"feedback=fine&session_id={SECRET}&step=1",
        f"password='{SECRET}'",
    ],
)
def test_it_masks_a_secret(body: str) -> None:
    kept = rules.loggable_body(body.encode())
    assert SECRET not in kept
    assert "***" in kept


@pytest.mark.parametrize(
    "body",
    [
        f'{{"passwords": ["x", "{SECRET}"], "title": "kept"}}',
        f'{{"token": {{"values": [["]", "{SECRET}"]]}}, "title": "kept"}}',
        f'{{"title": "kept", "note": "{{\\"apiSecret\\":\\"{SECRET}\\"}}"}}',
        f'{{"title": "kept", "api-key": "{SECRET}"}}',
        f"title: kept\r\nAuthorization: Bearer {SECRET}",
        f'{{"title": "kept", "apiKey": ["{SECRET}"',
    ],
)
def test_it_masks_a_secret_wherever_it_is_packed_into_and_nothing_beside_it(body: str) -> None:
    kept = rules.loggable_body(body.encode())
    assert SECRET not in kept
    assert "kept" in kept


@pytest.mark.parametrize(
    "body",
    [f'{{"feedback": "fine", "apisecret": "{SECRET}', f'{{"password": "{SECRET}\\', f"token='{SECRET}"],
)
def test_it_masks_a_secret_that_the_bodys_end_cuts_off(body: str) -> None:
    assert SECRET not in rules.loggable_body(body.encode())


def test_it_leaves_the_rest_alone() -> None:
    body = json.dumps({"title": "The token was refused", "monkey": "banana", "n": 1})
    assert rules.loggable_body(body.encode()) == body


@pytest.mark.parametrize(
    "piece",
    ["x", "token", "api_", "-.", '"token', 'key="', 'secret="\\', "secret \t", "token=[", "\\token\\"],
)
def test_it_takes_no_longer_for_a_body_made_to_be_slow(piece: str) -> None:
    body = f"session_id=1&text={(piece * LENGTH)[:LENGTH]}".encode()
    begun = time.process_time()
    rules.loggable_body(body)
    assert time.process_time() - begun < 1
