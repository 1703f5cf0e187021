"""Every refusal of the contract, by status and body; a refused reply never moves its session."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support import hub as hubs
from tests.support.taking import CREDENTIALS, complete, reply, session, start, status

UNAUTHORIZED = {"status": 401, "message": "Unauthorized"}


def refused(answer: httpx.Response, code: int) -> str:
    """The message of a refusal in this vendor's body."""
    assert answer.status_code == code, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Request-Id"]
    body = answer.json()
    assert list(body) == ["status", "message"]
    assert body["status"] == code
    message: str = body["message"]
    return message


def test_refuses_a_call_in_the_clear_before_it_looks_at_the_credentials(surveys_hub: hubs.Hub) -> None:
    with surveys_hub.client() as plain:
        for path in ("/surveys", "/surveys/7", "/surveys/nowhere/at/all"):
            answer = plain.get(path, params=CREDENTIALS)
            assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)
        said_so = plain.get("/surveys", params=CREDENTIALS, headers={"X-Forwarded-Proto": "http"})
        assert (said_so.status_code, said_so.json()) == (401, UNAUTHORIZED)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"apikey": "kiosk"},
        {"apikey": "kiosk", "apisecret": ""},
        {"apisecret": "5d41402abc4b2a76"},
        {"apikey": "kiosk", "apisecret": "wrong"},
        {"apikey": "nobody", "apisecret": "5d41402abc4b2a76"},
        {"apikey": "kio\x00sk", "apisecret": "5d41402abc4b2a76"},
        {"apikey": "kiosk@apisecret=wrong"},
        {"apikey": "switched-off", "apisecret": "0ff0ff0ff0ff"},
        {"apikey": "far", "apisecret": "fa12fa12fa12"},
    ],
)
def test_answers_one_and_the_same_401_to_wrong_credentials(
    https: httpx.Client, params: dict[str, str]
) -> None:
    for answer in (https.get("/surveys", params=params), https.post("/surveys/7", params=params)):
        assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)


@pytest.mark.parametrize("survey", ["4", "5", "0", "-7", "07", "seven", "99999999999999999999", "7%00"])
def test_answers_404_to_a_survey_that_is_not_there_or_not_deployed(https: httpx.Client, survey: str) -> None:
    refused(https.post(f"/surveys/{survey}", params=CREDENTIALS), 404)
    refused(https.get(f"/surveys/{survey}", params=CREDENTIALS | {"sessionId": "abc"}), 404)


def test_does_not_start_a_survey_without_the_api_channel(https: httpx.Client) -> None:
    refused(start(https, 3), 404)


def test_answers_404_below_a_survey(https: httpx.Client) -> None:
    refused(https.get("/surveys/7/questions", params=CREDENTIALS), 404)


@pytest.mark.parametrize("headers", [{"Content-Type": "text/plain"}, {"Content-Type": "application/xml"}, {}])
def test_takes_nothing_but_json(https: httpx.Client, headers: dict[str, str]) -> None:
    refused(https.post("/surveys/7", params=CREDENTIALS, content=b"{}", headers=headers), 415)


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b'{"a": NaN}', b'{"a": "\\u0000"}', b"\xff", b" "])
def test_refuses_what_is_no_strict_json_object(https: httpx.Client, body: bytes) -> None:
    token = session(https)
    for query in (CREDENTIALS, CREDENTIALS | {"sessionId": token}):
        answer = https.post(
            "/surveys/7", params=query, content=body, headers={"Content-Type": "application/json"}
        )
        refused(answer, 400)


def test_starts_with_an_empty_body_or_an_empty_object(https: httpx.Client) -> None:
    assert https.post("/surveys/7", params=CREDENTIALS).status_code == 200
    assert start(https, 7, {}).status_code == 200
    empty_form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert https.post("/surveys/7", params=CREDENTIALS, content=b"", headers=empty_form).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"respondent": "ann@example.com"},
        {"respondent": []},
        {"metadata": "x"},
        {"respondent": {"email": "no address"}},
        {"respondent": {"email": 5}},
        {"respondent": {"phone": "12"}},
        {"respondent": {"phone": "call me"}},
        {"respondent": {"firstName": "x" * 256}},
    ],
)
def test_refuses_a_respondent_it_cannot_take(https: httpx.Client, body: dict[str, Any]) -> None:
    refused(start(https, 7, body), 400)


CHOICE = [
    {},
    {"answerId": 99},
    {"answerId": 11},  # of another question
    {"answerId": -1},
    {"answerId": True},
    {"answerId": None},
    {"answerId": "one"},
    {"answerId": 1.5},
    {"answerId": [1]},
    {"answerId": 2**70},
    {"feedback": "10"},
]
TEXT = [
    {},
    {"feedback": ""},
    {"feedback": " \n\t"},
    {"feedback": None},
    {"feedback": 5},
    {"feedback": ["a"]},
    {"feedback": "x" * 65_536},
    {"answerId": 1},
]


@pytest.mark.parametrize("body", CHOICE)
def test_refuses_what_is_no_answer_of_the_current_question(https: httpx.Client, body: dict[str, Any]) -> None:
    token = session(https)
    assert "answerId" in refused(reply(https, token, body), 400)
    assert reply(https, token, {"answerId": 1}).json()["data"]["title"] == "Well"


@pytest.mark.parametrize("body", TEXT)
def test_refuses_what_is_no_text(https: httpx.Client, body: dict[str, Any]) -> None:
    token = session(https)
    assert reply(https, token, {"answerId": 1}).json()["data"]["title"] == "Well"
    assert "feedback" in refused(reply(https, token, body), 400)
    assert reply(https, token, {"feedback": "Fine"}).json()["data"]["title"] == "Satisfied"


def test_refuses_a_reply_without_a_body(https: httpx.Client) -> None:
    token = session(https)
    refused(https.post("/surveys/7", params=CREDENTIALS | {"sessionId": token}), 400)


@pytest.mark.parametrize(
    "body",
    [
        {"answerId": "1"},
        {"answerId": 1.0},
        {"answerId": 1, "feedback": 17},
        {"answerId": 1, "feedback": "both", "more": {}},
    ],
)
def test_takes_the_field_the_question_needs(https: httpx.Client, body: dict[str, Any]) -> None:
    assert reply(https, session(https), body).json()["data"]["title"] == "Well"


def test_takes_a_text_of_the_largest_length(https: httpx.Client) -> None:
    token = session(https)
    reply(https, token, {"answerId": 1})
    assert reply(https, token, {"feedback": "é" * 65_535, "answerId": "x"}).status_code == 200


@pytest.mark.parametrize("token", ["unknownunknown", "", "with space", "a%00b", "x" * 300, "é"])
def test_answers_404_to_a_reply_in_an_unknown_session(https: httpx.Client, token: str) -> None:
    refused(reply(https, token, {"answerId": 1}), 404)


def test_keeps_sessions_to_their_survey(https: httpx.Client) -> None:
    token = session(https)
    refused(reply(https, token, {"answerId": 48}, survey=2), 404)
    assert status(https, token, 2).json()["status"] == {"id": 4, "description": "Invalid"}
    assert status(https, token).json()["status"] == {"id": 5, "description": "Partially Complete"}


def test_answers_409_once_a_session_is_complete(https: httpx.Client) -> None:
    token = complete(https, {"answerId": 4})
    refused(reply(https, token, {"answerId": 4}), 409)
    refused(reply(https, token, {}), 409)
    assert status(https, token).json()["status"]["id"] == 6


def test_answers_405_without_a_session(https: httpx.Client) -> None:
    for params in (CREDENTIALS, CREDENTIALS | {"sessionId": ""}):
        for method in ("GET", "DELETE", "PUT"):
            answer = https.request(method, "/surveys/7", params=params)
            refused(answer, 405)
            assert answer.headers["Allow"] == "POST"


def test_answers_405_to_other_methods(https: httpx.Client) -> None:
    listed = https.post("/surveys", params=CREDENTIALS, json={})
    refused(listed, 405)
    assert listed.headers["Allow"] == "GET, HEAD"
    taken = https.put("/surveys/7", params=CREDENTIALS | {"sessionId": session(https)}, json={})
    refused(taken, 405)
    assert taken.headers["Allow"] == "GET, HEAD, POST"


def test_refuses_a_body_over_the_limit(https: httpx.Client) -> None:
    refused(start(https, 7, {"metadata": {"much": "x" * 1024 * 1024}}), 413)
