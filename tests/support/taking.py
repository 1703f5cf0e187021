"""Taking surveys over the API, for tests."""

from __future__ import annotations

from typing import Any

import httpx

APIKEY, APISECRET = "kiosk", "5d41402abc4b2a76"
CREDENTIALS = {"apikey": APIKEY, "apisecret": APISECRET}


def start(http: httpx.Client, survey: int = 7, body: Any = None, **options: Any) -> httpx.Response:
    return http.post(f"/surveys/{survey}", params=CREDENTIALS, json=body, **options)


def session(http: httpx.Client, survey: int = 7, body: Any = None) -> str:
    """The id of a session just started."""
    answer = start(http, survey, body)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["sessionId"]
    return token


def reply(http: httpx.Client, token: str, body: Any, survey: int = 7, **options: Any) -> httpx.Response:
    return http.post(f"/surveys/{survey}", params=CREDENTIALS | {"sessionId": token}, json=body, **options)


def status(http: httpx.Client, token: str, survey: int = 7) -> httpx.Response:
    return http.get(f"/surveys/{survey}", params=CREDENTIALS | {"sessionId": token})


def complete(http: httpx.Client, *bodies: dict[str, Any], respondent: Any = None, survey: int = 7) -> str:
    """The id of a session taken to its end with these replies."""
    token = session(http, survey, {"respondent": respondent} if respondent else None)
    for body in bodies:
        answer = reply(http, token, body, survey)
        assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["message"] == "Survey Complete"
    return token
