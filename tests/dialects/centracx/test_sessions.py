"""Taking a survey to its end, and what comes of it: read back through the hub's API."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import httpx
import pytest
from tests.support import hub as hubs
from tests.support import postgres as databases
from tests.support.taking import CREDENTIALS, complete, reply, session, start, status

WHOLE = ({"answerId": 1}, {"feedback": "All"}, {"answerId": 11}, {"answerId": 21},
         {"feedback": "Nothing"}, {"feedback": "Bye"})  # fmt: skip


def listed(hub: hubs.Hub, http: httpx.Client, what: str, **query: Any) -> list[dict[str, Any]]:
    answer = http.get(f"/hub/v1/{what}", params={"limit": "1000", **query}, headers=hub.reader())
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


def response_of(hub: hubs.Hub, http: httpx.Client, token: str) -> dict[str, Any]:
    [found] = [one for one in listed(hub, http, "responses") if one["session"] == token]
    return found


def session_of(hub: hubs.Hub, http: httpx.Client, token: str) -> dict[str, Any]:
    [found] = [one for one in listed(hub, http, "sessions") if one["id"] == token]
    return found


def in_database(hub: hubs.Hub, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(hub.place[1])
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    databases.run(run())


@pytest.mark.parametrize(
    ("replies", "titles"),
    [
        (WHOLE, ["Well", "Satisfied", "Easy", "Better", "Word", None]),
        (({"answerId": 2}, {"answerId": 12}), ["Satisfied", "Easy"]),
        (({"answerId": 3}, {"feedback": "All"}, {"feedback": "Bye"}), ["Better", "Word", None]),
        (({"answerId": 4},), [None]),
    ],
)
def test_goes_where_the_answers_lead(
    https: httpx.Client, replies: tuple[dict[str, Any], ...], titles: list[str | None]
) -> None:
    token = session(https)
    assert [reply(https, token, body).json()["data"]["title"] for body in replies] == titles


def test_becomes_a_response_with_every_score(https: httpx.Client, surveys_hub: hubs.Hub) -> None:
    token = complete(https, *WHOLE)
    response = response_of(surveys_hub, https, token)
    assert (response["kind"], response["score"]) == ("nps", 10)
    assert response["scores"] == {"nps": 10, "csat": 5, "ces": 6.5}
    assert response["comment"] == "All\n\nNothing"
    assert response["source"] == {"channel": "api_session", "key": "7"}
    assert (response["survey"], response["complete"], response["contact"]) == (7, True, None)


def test_ties_the_session_to_its_respondent(https: httpx.Client, surveys_hub: hubs.Hub) -> None:
    respondent = {
        "email": "Eva@Example.com", "phone": "+46 70 000", "firstName": " Eva ", "lastName": "", "account": "Eva AB",
        "shoeSize": 37,
    }  # fmt: skip
    token = session(https, 7, {"respondent": respondent, "metadata": {"kiosk": 4}})
    reply(https, token, {"answerId": 4})
    response = response_of(surveys_hub, https, token)
    assert response["contact"] | {"id": 0} == {
        "id": 0, "email": "Eva@Example.com", "phone": "+46 70 000", "first_name": "Eva", "last_name": None,
    }  # fmt: skip
    assert response["account"]["name"] == "Eva AB"
    assert response["metadata"] == {"kiosk": 4}
    [contact] = listed(surveys_hub, https, "contacts", email="eva@example.com")
    assert contact["account"] == response["account"]
    [account] = listed(surveys_hub, https, "accounts", name="EVA ab")
    assert account["id"] == response["account"]["id"]


def test_files_a_ticket_for_a_low_score(https: httpx.Client, surveys_hub: hubs.Hub) -> None:
    token = complete(https, {"answerId": 3}, {"feedback": "All of it"}, {"feedback": "Bye"})
    assert response_of(surveys_hub, https, token)["score"] == 0
    tickets = listed(surveys_hub, https, "tickets", submitter="desk@demo.example")
    [ticket] = [one for one in tickets if "All of it" in one["body"]]
    assert ticket["subject"] == "How was it?: 0"
    assert ticket["source"] == {"channel": "survey", "key": "7"}
    assert (ticket["project"], ticket["type"], ticket["status"]) == ("beta", "bugs", "New")
    assert "severity" not in ticket["values"]


def test_keeps_partial_answers(https: httpx.Client, surveys_hub: hubs.Hub) -> None:
    token = session(https)
    reply(https, token, {"answerId": 3})
    reply(https, token, {"feedback": "Much"})
    found = session_of(surveys_hub, https, token)
    at = [answer.pop("at") for answer in found["answers"]]
    assert all(at)
    assert found["answers"] == [
        {"question": "Recommend", "answer_id": 3, "value": "0", "text": "0"},
        {"question": "Better", "answer_id": None, "value": None, "text": "Much"},
    ]
    assert (found["state"], found["channel"], found["version"]) == ("partial", "api", 1)
    assert found["completed_at"] is None
    [survey] = [one for one in listed(surveys_hub, https, "surveys") if one["id"] == 7]
    assert survey["sessions"]["partial"] >= 1


def test_counts_one_of_two_replies_sent_at_once(https: httpx.Client, surveys_hub: hubs.Hub) -> None:
    """Both orders happen: the barrier lets the two go together, again and again."""
    barrier = threading.Barrier(2)
    clients = [surveys_hub.client(headers={"X-Forwarded-Proto": "https"}) for _ in range(2)]

    def send(client: httpx.Client, token: str, choice: int) -> httpx.Response:
        barrier.wait(10)
        return reply(client, token, {"answerId": choice})

    with ThreadPoolExecutor(2) as threads:
        for _ in range(40):
            token = session(https)
            sent = [
                threads.submit(send, client, token, choice)
                for client, choice in zip(clients, (1, 3), strict=True)
            ]
            answers = [one.result() for one in sent]
            codes = [answer.status_code for answer in answers]
            assert codes.count(200) == 1, codes
            assert set(codes) <= {200, 400, 409}
            [answer] = session_of(surveys_hub, https, token)["answers"]
            assert answer["answer_id"] == (1, 3)[codes.index(200)]
    for client in clients:
        client.close()


def test_expires_after_standing_still(https: httpx.Client, surveys_hub: hubs.Hub) -> None:
    token = session(https)
    reply(https, token, {"answerId": 1})
    in_database(
        surveys_hub,
        f"update sessions set active_at = now() - interval '30 days 1 minute' where token = '{token}'",
    )
    answer = reply(https, token, {"feedback": "Back"})
    assert answer.status_code == 410
    assert answer.json()["status"] == 410
    assert status(https, token).json()["status"]["id"] == 5
    assert session_of(surveys_hub, https, token)["state"] == "expired"
    in_database(
        surveys_hub, f"update sessions set active_at = now() - interval '29 days' where token = '{token}'"
    )
    assert reply(https, token, {"feedback": "Back"}).status_code == 200


def test_repeats_a_start_under_its_key(https: httpx.Client) -> None:
    headers = {"Idempotency-Key": "start-1"}
    first, again = start(https, 7, {}, headers=headers), start(https, 7, {}, headers=headers)
    assert first.content == again.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert start(https, 7, {"metadata": {"a": 1}}, headers=headers).status_code == 422


def test_repeats_a_reply_under_its_key_and_goes_on(https: httpx.Client, surveys_hub: hubs.Hub) -> None:
    """The client that never saw the answer asks again, and is where it would have been."""
    token, headers = session(https), {"Idempotency-Key": "step"}
    first = reply(https, token, {"answerId": 1}, headers=headers)
    again = reply(https, token, {"answerId": 1}, headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
    assert len(session_of(surveys_hub, https, token)["answers"]) == 1
    other = reply(https, session(https), {"answerId": 1}, headers=headers)  # a key of another session
    assert other.status_code == 200
    assert "Idempotent-Replayed" not in other.headers


def test_spends_no_key_on_a_refused_reply(https: httpx.Client) -> None:
    token, headers = session(https), {"Idempotency-Key": "wrong first"}
    assert reply(https, token, {"answerId": 99}, headers=headers).status_code == 400
    assert reply(https, token, {"answerId": 1}, headers=headers).status_code == 200


def test_completes_once_under_one_key_however_often_it_is_sent(
    https: httpx.Client, surveys_hub: hubs.Hub
) -> None:
    token, headers = session(https), {"Idempotency-Key": "end"}
    with ThreadPoolExecutor(8) as threads:
        sent = [threads.submit(reply, https, token, {"answerId": 4}, headers=headers) for _ in range(24)]
        answers = [one.result() for one in sent]
    codes = {answer.status_code for answer in answers}
    assert codes <= {200, 409}
    assert 200 in codes
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
    assert response_of(surveys_hub, https, token)["score"] == 5


def test_writes_every_call_that_writes_or_is_refused_into_the_intake_log(
    https: httpx.Client, surveys_hub: hubs.Hub
) -> None:
    def newest() -> dict[str, Any]:
        answer = https.get("/hub/v1/intake", params={"limit": "1"}, headers=surveys_hub.reader())
        entry: dict[str, Any] = answer.json()["data"][0]
        return entry

    token = session(https, 7, {"respondent": {"email": "log@example.com"}, "colour": "red"})
    entry = newest()
    assert (entry["status"], entry["target"], entry["endpoint"], entry["credential"]) == (
        200, "7", "/surveys/7", "Kiosk",
    )  # fmt: skip
    assert entry["unmapped"] == ["colour"]
    reply(https, token, {"answerId": 99})
    entry = newest()
    assert (entry["status"], entry["target"]) == (400, "7")
    assert "answerId" in entry["error"]
    reply(https, token, {"answerId": 4})
    entry = newest()
    assert (entry["status"], entry["created"]["type"]) == (200, "response")
    https.get("/surveys", params=CREDENTIALS | {"apisecret": "wrong-secret-1"})
    entry = newest()
    assert (entry["status"], entry["credential"]) == (401, "Kiosk")
    assert entry["error"] == "The apisecret is not the one of this apikey."


def test_lets_no_secret_into_logs(https: httpx.Client, surveys_hub: hubs.Hub) -> None:
    token = session(https)
    reply(https, token, {"answerId": 99, "sessionId": token})
    reply(https, token, {"answerId": 4})
    https.get("/surveys?apikey=kiosk@apisecret=canary-secret-77")
    logged = surveys_hub.log.read_text()
    kept = https.get("/hub/v1/intake?limit=1000", headers=surveys_hub.reader()).text
    for secret in (token, CREDENTIALS["apisecret"], "canary-secret-77"):
        assert secret not in logged
        assert secret not in kept
