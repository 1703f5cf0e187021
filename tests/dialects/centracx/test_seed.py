"""Seed 002's own example, rebuilt by provisioning, answers as printed there."""

from __future__ import annotations

import re

import httpx
from tests.support.taking import CREDENTIALS, reply, session, start, status

QUESTION = (
    "You recently switched your fund, could you please tell us what prompted this? Please select the one "
    "response that best reflects your personal circumstances."
)


def test_lists_deployed_surveys_by_id(https: httpx.Client) -> None:
    answer = https.get("/surveys", params=CREDENTIALS)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == [
        {"id": 2, "description": "Email Survey"},
        {"id": 3, "description": "On the web"},
        {"id": 7, "description": "How was it?"},
    ]


def test_starts_a_session_member_for_member(https: httpx.Client) -> None:
    answer = start(https, 2)
    assert answer.status_code == 200
    body = answer.json()
    token = body.pop("sessionId")
    assert re.fullmatch(r"[A-Za-z0-9_-]{12,}", token)
    assert list(body) == ["message", "survey", "question"]
    assert list(body["question"]) == ["text", "type", "title", "answers"]
    assert body == {
        "message": "New Session Started",
        "survey": {"title": "Email Survey"},
        "question": {
            "text": QUESTION,
            "type": "Choose one",
            "title": "Question 1",
            "answers": [
                {"text": "Discussion with family and friends", "id": 48, "value": "1"},
                {"text": "Seeing or reading something in the media", "id": 47, "value": "2"},
                {"text": "Higher returns", "id": 81, "value": "5"},
                {"text": "Consultation with a financial adviser", "id": 46, "value": "3"},
                {"text": "Other", "id": 45, "value": "4"},
            ],
        },
    }


def test_goes_on_to_the_next_question_and_to_the_end(https: httpx.Client) -> None:
    token = session(https, 2)
    first = reply(https, token, {"answerId": 48}, 2)
    assert first.status_code == 200
    assert first.json() == {
        "status": 200,
        "data": {"question": "What else?", "title": "Question 2", "type": "Enter text", "answers": []},
    }
    last = reply(https, token, {"feedback": "Nothing"}, 2)
    assert last.status_code == 200
    assert last.json() == {
        "status": 200,
        "data": {
            "question": None, "title": None, "type": None, "answers": [], "message": "Survey Complete",
        },
    }  # fmt: skip


def test_tells_how_a_session_stands(https: httpx.Client) -> None:
    token = session(https, 2)
    partial = status(https, token, 2)
    assert partial.status_code == 200
    assert partial.json() == {"status": {"id": 5, "description": "Partially Complete"}}
    reply(https, token, {"answerId": 45}, 2)
    reply(https, token, {"feedback": "Nothing"}, 2)
    assert status(https, token, 2).json() == {"status": {"id": 6, "description": "Complete"}}
    assert status(https, "nobodysession", 2).json() == {"status": {"id": 4, "description": "Invalid"}}


def test_takes_key_and_secret_glued_together_as_the_seed_prints_them(https: httpx.Client) -> None:
    for query in ("apikey=kiosk@apisecret=5d41402abc4b2a76", "apikey=kiosk%26apisecret=5d41402abc4b2a76"):
        assert https.get(f"/surveys?{query}").status_code == 200


def test_takes_the_credentials_by_basic_authentication(https: httpx.Client) -> None:
    assert https.get("/surveys", auth=("kiosk", "5d41402abc4b2a76")).status_code == 200
    assert https.get("/surveys", auth=("kiosk", "wrong")).status_code == 401
