"""Deliveries as people see them: listed, read, replayed, cancelled, tried out; by API and by command."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from tests.support import hub as hubs
from tests.support import receiver as receivers
from tests.support.automation import Told, eventually


@pytest.fixture(autouse=True)
def afresh(told: Told) -> None:
    """What a receiver of an earlier test did is forgotten."""
    for key in ("jira", "broken"):
        assert told.post(f"/webhooks/{key}/enable").status_code == 204


@pytest.fixture
def failed(told: Told) -> int:
    """The delivery of a call that failed for good."""
    told.receiver.behave("/broken", receivers.answer(500, b"no such luck"))
    ticket = told.ticket("Fails", "Low")
    eventually(lambda: told.of_ticket(ticket, "broken")["state"] == "failed")
    return int(told.of_ticket(ticket, "broken")["id"])


def test_shows_every_attempt_with_a_hint(told: Told, failed: int) -> None:
    shown = told.get(f"/deliveries/{failed}")
    assert [one["number"] for one in shown["attempts"]] == [1, 2]
    last = shown["attempts"][-1]
    assert (last["status"], last["response_body"]) == (500, "no such luck")
    assert "answered 500" in last["error"]
    assert "log" in last["hint"]
    assert last["request"]["method"] == "POST"
    assert shown["event"]["kind"] == "ticket.created"
    assert shown["next_attempt_at"] is None


def test_shows_no_key_that_stands_in_an_address(told: Told) -> None:
    (link,) = [one for one in told.get("/webhooks")["data"] if one["key"] == "link"]
    assert link["url"].endswith("/issue/{{ external.jira.issue_key }}/link?apiKey=***")


def test_filters_the_list(told: Told, failed: int) -> None:
    assert failed in [one["id"] for one in told.deliveries(state="failed", webhook="broken")]
    assert told.deliveries(webhook="broken", state="cancelled") == []
    assert told.deliveries(subscription="broken") == []
    assert told.deliveries(since="2100-01-01T00:00:00Z") == []
    for query in ({"state": "lost"}, {"since": "yesterday"}, {"colour": "red"}, {"limit": "0"}):
        answer = told.http.get("/hub/v1/deliveries", params=query, headers=told.token("reader"))
        assert answer.status_code == 400


def test_goes_through_the_list_by_cursor(told: Told, failed: int) -> None:
    seen: list[int] = []
    after = None
    while True:
        page = told.get("/deliveries", limit=1, **({"after": after} if after else {}))
        seen += [one["id"] for one in page["data"]]
        if (after := page["next"]) is None:
            break
    assert failed in seen
    assert seen == sorted(seen, reverse=True)


def test_replays_one_with_the_same_bytes_and_past_the_cap(told: Told, failed: int) -> None:
    told.receiver.behave("/broken", receivers.answer())
    before = told.get(f"/deliveries/{failed}")
    answer = told.post(f"/deliveries/{failed}/replay")
    assert answer.status_code == 202
    assert answer.json()["state"] in ("waiting", "delivered")
    eventually(lambda: told.get(f"/deliveries/{failed}")["state"] == "delivered")
    after = told.get(f"/deliveries/{failed}")
    assert len(after["attempts"]) == 3
    assert after["message_id"] == before["message_id"]
    assert after["attempts"][2]["request"]["body"] == before["attempts"][0]["request"]["body"]


def test_replays_all_that_failed(told: Told, failed: int) -> None:
    told.receiver.behave("/broken", receivers.answer())
    answer = told.post(
        "/deliveries/replay", {"webhook": "broken", "state": "failed", "since": "2020-01-01T00:00:00Z"}
    )
    assert (answer.status_code, answer.json()["replayed"] >= 1) == (202, True)
    eventually(lambda: told.get(f"/deliveries/{failed}")["state"] == "delivered")
    assert told.post("/deliveries/replay", {"webhook": "broken"}).json() == {"replayed": 0}


def test_replays_all_since_a_time(told: Told, failed: int) -> None:
    since = datetime.now(UTC).isoformat()
    told.receiver.behave("/broken", receivers.answer())
    told.post(f"/deliveries/{failed}/replay")
    eventually(lambda: told.get(f"/deliveries/{failed}")["state"] == "delivered")
    made = told.get(f"/deliveries/{failed}")["created_at"]
    assert told.post("/deliveries/replay", {"webhook": "broken", "since": since}).json() == {"replayed": 0}
    attempts = len(told.get(f"/deliveries/{failed}")["attempts"])
    answer = told.post("/deliveries/replay", {"webhook": "broken", "since": made})
    assert answer.json()["replayed"] >= 1
    eventually(lambda: len(told.get(f"/deliveries/{failed}")["attempts"]) > attempts)
    assert told.post("/deliveries/replay").json() == {"replayed": 0}  # nothing has failed


def test_replays_many_once_for_a_key(told: Told, failed: int) -> None:
    told.receiver.behave("/broken", receivers.answer())
    body, key = {"webhook": "broken", "state": "failed"}, {"Idempotency-Key": f"many-{failed}"}
    first = told.post("/deliveries/replay", body, **key)
    assert (first.status_code, first.json()["replayed"] >= 1) == (202, True)
    eventually(lambda: told.get(f"/deliveries/{failed}")["state"] == "delivered")
    again = told.post("/deliveries/replay", body, **key)
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert told.post("/deliveries/replay", {"webhook": "jira"}, **key).status_code == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"webhook": "nobody"}, 404), ({"state": "waiting"}, 422), ({"when": "now"}, 422),
        ({"webhook": "a", "subscription": "b"}, 422), ({"since": "x"}, 422), ({"webhook": 7}, 422), ([], 400),
    ],
)  # fmt: skip
def test_refuses_a_replay_of_nothing(told: Told, body: object, status: int) -> None:
    assert told.post("/deliveries/replay", body).status_code == status


def test_cancels_what_waits(told: Told) -> None:
    told.receiver.behave("/broken", receivers.answer(503, b"", ("Retry-After", "3600")))
    ticket = told.ticket("Waits", "Low")
    delivery = told.of_ticket(ticket, "broken")
    eventually(
        lambda: [one["status"] for one in told.get(f"/deliveries/{delivery['id']}")["attempts"]] == [503]
    )
    answer = told.post(f"/deliveries/{delivery['id']}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert told.post(f"/deliveries/{delivery['id']}/cancel").status_code == 409


def test_knows_no_delivery_that_is_not_there(told: Told) -> None:
    for path in ("/deliveries/999999", "/deliveries/x"):
        assert told.http.get(f"/hub/v1{path}", headers=told.token("reader")).status_code == 404
        assert told.post(f"{path}/replay").status_code == 404
    assert told.post("/deliveries/1/replay", **told.token("reader")).status_code == 403


def test_tries_a_webhook_out_once(told: Told) -> None:
    told.receiver.behave("/issue", receivers.answer(403))
    answer = told.post("/webhooks/JIRA/test", {"ticket": None})
    assert answer.status_code == 202, answer.text
    made = answer.json()
    assert made["event"]["kind"] == "test"
    eventually(lambda: told.get(f"/deliveries/{made['id']}")["state"] == "failed")
    (attempt,) = told.get(f"/deliveries/{made['id']}")["attempts"]
    assert "A sample ticket" in attempt["request"]["body"]
    assert "rights" in attempt["hint"]
    ticket = told.ticket("Real", "Low")
    made = told.post("/webhooks/jira/test", {"ticket": ticket}).json()
    assert made["subject"] == {"type": "ticket", "id": str(ticket)}
    assert told.post("/webhooks/jira/test", {"ticket": 999999}).status_code == 404
    assert told.post("/webhooks/nobody/test").status_code == 404  # for sample data, needs no body
    assert told.post("/webhooks/jira/test", {"ticket": [1]}).status_code == 422


def test_refuses_to_try_out_what_cannot_be_rendered(told: Told) -> None:
    ticket = told.ticket("Two\nlines", "Low")
    answer = told.post("/webhooks/titled/test", {"ticket": ticket})
    assert answer.status_code == 422
    assert "X-Title" in answer.json()["errors"][0]["detail"]


def test_does_a_thing_once_under_an_idempotency_key(told: Told, failed: int) -> None:
    first, again = (
        told.post(f"/deliveries/{failed}/replay", **{"Idempotency-Key": f"replay-{failed}"}) for _ in range(2)
    )
    assert (first.status_code, again.status_code, again.content) == (202, 202, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_shows_who_is_disabled_and_goes_on_when_told_to(told: Told) -> None:
    told.receiver.behave("/broken", receivers.answer(410))
    ticket = told.ticket("Gone", "Low")

    def broken() -> dict[str, object]:
        return next(one for one in told.get("/webhooks")["data"] if one["key"] == "broken")

    eventually(lambda: broken()["state"] == "disabled")
    assert "410" in str(broken()["reason"])
    doctor = json.loads(
        hubs.tellback("doctor", *told.hub.place, "--output", "json", check=False).splitlines()[-1]
    )
    assert "webhook broken of story" in str(doctor)
    assert told.post("/webhooks/broken/test", {}).status_code == 409
    told.receiver.behave("/broken", receivers.answer())
    assert told.post("/webhooks/broken/enable").status_code == 204
    eventually(lambda: told.of_ticket(ticket, "broken")["state"] == "delivered")
    assert broken()["state"] == "active"
    assert told.get("/subscriptions")["data"][0]["key"] == "crm"
    assert told.post("/subscriptions/crm/enable").status_code == 204
    assert told.post("/subscriptions/nobody/enable").status_code == 404


def test_is_seen_and_replayed_on_the_command_line(told: Told, failed: int) -> None:
    place = ("--workspace", "story", *told.hub.place)
    listed = hubs.tellback("deliveries", "list", "--state", "failed", *place)
    assert f"{failed}\twebhook broken\tticket.created" in listed
    assert "answered 500" in listed
    found = [
        json.loads(line)
        for line in hubs.tellback("deliveries", "list", "--output", "json", *place).splitlines()
    ]
    assert [one for one in found if one["id"] == failed] == [told.get(f"/deliveries/{failed}")]
    told.receiver.behave("/broken", receivers.answer())
    assert "1 delivery is sent anew" in hubs.tellback("deliveries", "replay", str(failed), *place)
    eventually(lambda: told.get(f"/deliveries/{failed}")["state"] == "delivered")
    assert "sent anew" in hubs.tellback("deliveries", "replay", "--webhook", "broken", *place)


def test_tells_metrics(told: Told, failed: int) -> None:
    assert failed
    eventually(lambda: 'tellback_delivery_attempts_total{outcome="5xx"}' in told.http.get("/metrics").text)
