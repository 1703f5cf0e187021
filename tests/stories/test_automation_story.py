"""A whole story: a ticket reaches the tracker, the tracker's answer and its word come back, the CRM is told."""

from __future__ import annotations

import standardwebhooks
import svix.webhooks
from tests.support import receiver as receivers
from tests.support.automation import TRACKER, Told, eventually

SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CRM = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


def test_goes_out_to_the_tracker_and_comes_back_to_everybody(told: Told) -> None:
    answer = {"key": "BETA-7", "id": "4711", "due": "soon"}
    told.receiver.behave("/issue", receivers.answer_json(answer, 201))
    ticket = told.ticket('Sync says "no"', "High")

    (call,) = told.receiver.wait_for(1, "/issue")
    assert (call.method, call.target) == ("POST", "/issue?project=beta")
    assert call.json() == {"fields": {"summary": 'Sync says "no"', "reporter": "ann@example.com"}}
    shown = told.get(f"/tickets/{ticket}")
    assert call.headers["x-ticket"] == shown["display_id"]
    assert call.headers["authorization"].startswith("Basic ")
    assert call.headers["tellback-hop"] == "1"
    standardwebhooks.Webhook(SIGNING).verify(call.body.decode(), call.headers)
    svix.webhooks.Webhook(SIGNING).verify(call.body, call.headers)

    # What it answered is on the ticket, and a tag in the next call.
    (link,) = told.receiver.wait_for(1, "/issue/BETA-7/link")
    assert (link.method, link.body.decode()) == ("PUT", shown["display_id"])
    eventually(lambda: "tracked" in told.get(f"/tickets/{ticket}")["tags"])
    shown = told.get(f"/tickets/{ticket}")
    assert shown["external"] == {"jira": {"issue_key": "BETA-7", "number": 4711}}
    assert shown["status"] == "In progress"
    notes = " | ".join(entry["note"] for entry in shown["timeline"])
    assert "Rule bugs-to-jira ran on ticket.created" in notes
    assert "Webhook jira succeeded with warnings" in notes
    delivery = told.of_ticket(ticket, "jira")
    (warning,) = delivery["attempts"][0]["warnings"]
    assert warning == "succeeded with warnings: jira.due: $.due is no datetime: 'soon'"
    assert "correct-horse" not in str(delivery)
    assert any(
        "ticket.nothing" in warning for warning in told.of_ticket(ticket, "link")["attempts"][0]["warnings"]
    )

    # The tracker says that it is fixed; the CRM is told.
    heard = told.http.post(f"/api/v1/feedbackListeners/jira-done/{ticket}?apiKey={TRACKER}", json={})
    assert heard.status_code == 202, heard.text
    (news,) = told.receiver.wait_for(1, "/crm")
    standardwebhooks.Webhook(CRM).verify(news.body.decode(), news.headers)
    message = news.json()
    assert (message["type"], message["data"]["status"], message["data"]["id"]) == (
        "ticket.status",
        "Fixed",
        ticket,
    )

    # And the report of it all.
    report = told.http.get(f"/s/story/capi/json/c3_errand_reports/{ticket}", headers=told.token("reports"))
    assert report.status_code == 200, report.text
    attributes = report.json()["data"]["attributes"]
    assert attributes["basic"]["data"]["answered"] is True
    assert "tracked" in str(attributes["extended"]["errand_tags"])


def test_sends_what_a_status_names(told: Told) -> None:
    ticket = told.ticket("To be closed", "High")
    assert told.post(f"/tickets/{ticket}/actions", {"do": "close"}).status_code == 200
    (call,) = told.receiver.wait_for(1, f"/archive/{ticket}")
    assert (call.method, call.body) == ("DELETE", b"")


def test_answers_the_caller_alike_while_a_destination_is_dead(told: Told) -> None:
    told.receiver.behave("/broken", receivers.hang)
    ticket = told.ticket("Hangs", "Low")
    assert told.get(f"/tickets/{ticket}")["status"] == "New"
