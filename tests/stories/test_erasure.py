"""A person is erased (contract hub-api.md): nothing of them is left anywhere, and no figure is another for it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support import erasing, taking
from tests.support import hub as hubs
from tests.support import postgres as databases
from tests.support import receiver as receivers
from tests.support.automation import eventually
from tests.support.erasing import KEY, Place, Somebody

#: Where a person who did everything stands; should one be missing here, nothing of it was tried.
EVERYWHERE = {
    "contacts.email", "contacts.email_key", "contacts.phone", "contacts.first_name", "contacts.last_name",
    "contacts.job_title", "contacts.language", "contacts.segments", "contacts.external", "participants.name",
    "tickets.subject", "tickets.body", "tickets.values", "tickets.external", "tickets.submitter_given", "tickets.tags",
    "timeline.note", "answers.subject", "answers.body", "ticket_search.document", "files.name", "tags.name",
    "sessions.answers", "sessions.respondent", "sessions.metadata",
    "responses.comment", "responses.drivers", "responses.segments", "responses.metadata", "responses.reference",
    "responses.follow_up_details", "ratings.message", "captured_values.value",
    "changes.snapshot", "changes.data", "deliveries.request", "attempts.request",
    "attempts.response_body", "attempts.response_headers", "intake.body", "intake.submitter", "intake.endpoint",
    "kept_answers.body", "import_rejects.cells", "accounts.segments",
}  # fmt: skip


@pytest.fixture(scope="module")
def place(postgres: databases.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with erasing.running(postgres, tmp_path_factory.mktemp("erasing")) as made:
        yield made


@pytest.fixture
def somebody(place: Place) -> Somebody:
    return Somebody(place)


def _participant(place: Place, somebody: Somebody, folder: Path) -> None:
    """Provision them as a participant, as an operator does."""
    file = folder / "people.yaml"
    people = [{"email": somebody.email, "name": f"Ann {somebody.word}"}]
    document = {"workspace": {"slug": "erasing"}, "projects": [{"key": "beta", "participants": people}]}
    file.write_text(json.dumps(document), encoding="utf-8")
    hubs.tellback("apply", str(file), *place.hub.place)
    body = {"title": f"Am I known? {somebody.word}", "submitter": somebody.email}
    strict = "/api/v1/projects/beta/feedback/strict"
    eventually(lambda: place.http.post(strict, params={"apiKey": KEY}, json=body).status_code == 201)


def _leave_traces(place: Place, somebody: Somebody, folder: Path) -> dict[str, Any]:
    """Everything that can be done by or about a person; what it made."""
    word = somebody.word
    others = _others(place, somebody)
    place.receiver.behave(
        "/issue", receivers.answer(200, json.dumps({"said": f"hello {word}"}).encode(), ("X-Who", word))
    )
    place.receiver.behave("/broken", receivers.answer(500, f"no {word}".encode()))
    stranger = somebody.ticket()  # not a participant yet: filed in the default submitter's name
    _participant(place, somebody, folder)
    ticket = somebody.ticket()
    place.act(ticket, do="add_note", note=f"Ann {word} called.")
    place.act(ticket, do="add_tag", tag=somebody.email)
    place.act(ticket, do="answer", subject=f"Dear {word}", body=f"Dear Ann {word}, sorry.")
    made: dict[str, Any] = {"others": others, "tickets": [stranger, ticket], "response": somebody.record()}
    made["complete"] = somebody.session(
        {"answerId": 2}, {"feedback": somebody.text("why")}, {"feedback": word}
    )
    made["partial"] = somebody.session({"answerId": 1}, {"feedback": somebody.text("half")})
    somebody.rating()
    listeners = "/api/v1/feedbackListeners"
    for address, body in (
        (f"{listeners}/say/{ticket}", {"comment": f"Seen by {word}"}),
        (f"{listeners}/jira/{ticket}", {"reporter": f"Ann {word}"}),
        (f"/api/v1/userListeners/person/{somebody.email}", {"nick": word}),
    ):
        heard = place.http.post(address, params={"apiKey": KEY}, json=body)
        assert heard.status_code < 300, heard.text
    refused = place.http.post(
        "/api/v1/projects/beta/feedback/strict", params={"apiKey": KEY},
        json={"title": "", "submitter": f"x{somebody.email}"},
    )  # fmt: skip
    assert refused.status_code == 400
    late = taking.reply(place.http, made["complete"], {"feedback": word})
    assert late.status_code == 409
    _import(place, somebody, folder)
    place.settled()
    eventually(lambda: len(place.rows("select 1 from attempts where response_body is not null")) > 5)
    place.settled()
    return made


def _others(place: Place, somebody: Somebody) -> int:
    """Another person's ticket in which their address and number stand."""
    place.receiver.behave("/issue", receivers.answer_json({"said": "ok"}))
    place.receiver.behave("/broken", receivers.answer(500))
    answer = place.http.post(
        erasing.CREATE, params={"apiKey": KEY},
        json={"title": f"Ask {somebody.email}", "steps": f"or {somebody.phone}",
              "severity": "Low", "submitter": "cy@demo.example"},
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    number = int(answer.json()["id"])
    eventually(lambda: place.get(f"/tickets/{number}")["external"])
    place.settled()
    return number


def _import(place: Place, somebody: Somebody, folder: Path) -> None:
    """A file with a row that goes in and one that does not."""
    file = folder / "records.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["Email", "Sent", "Done", "Score", "Comment"])
        rows.writerow([somebody.email, "2026-02-01", "2026-02-02", "3", somebody.text("filed")])
        rows.writerow([somebody.email, "nonsense", "2026-02-02", "3", somebody.text("odd")])
    words = ("import", str(file), "--workspace", "erasing", "--configuration", "whole", *place.hub.place)
    hubs.tellback(*words, check=False)
    file.unlink()


def _account_that_names(place: Place, somebody: Somebody) -> None:
    place.rows(
        "update accounts set segments = jsonb_build_object('manager', $1::text) where name = 'Acme'",
        somebody.email,
    )


def test_leaves_nothing_of_a_person(place: Place, somebody: Somebody, tmp_path: Path) -> None:
    made = _leave_traces(place, somebody, tmp_path)
    _account_that_names(place, somebody)
    traces = (somebody.word, somebody.phone, somebody.digits)
    before = place.holding(*traces)
    assert before >= EVERYWHERE, EVERYWHERE - before
    assert any(where.startswith("files/") for where in before)
    figures, contact = place.figures(), somebody.contact
    exported = place.get(f"/contacts/{contact}/export")

    assert place.erase(contact).status_code == 204
    place.settled()

    left = {
        where: text[max(0, at - 120) : at + 80]
        for where, text in place.said().items()
        for trace in traces
        if (at := text.lower().find(trace.lower())) >= 0
    }
    assert left == {}
    assert place.figures() == figures
    assert "erasing" in place.said()["workspaces.slug"]
    _holds_what_may_stay(place, made, exported)


def _holds_what_may_stay(place: Place, made: dict[str, Any], exported: dict[str, Any]) -> None:
    contact = exported["contact"]["id"]
    for number in made["tickets"]:
        ticket = place.get(f"/tickets/{number}")
        assert (ticket["subject"], ticket["body"], ticket["submitter"]) == ("erased", "erased", None)
        assert (ticket["values"]["severity"], ticket["values"]["stars"]) == ("High", 4)
        assert (ticket["files"], ticket["external"]) == ([], {})
        assert ticket["timeline"][-1]["kind"] == "erased"
        assert "writer" in ticket["timeline"][-1]["note"]
    attached = [file["id"] for one in exported["tickets"] for file in one["files"]]
    assert len(attached) == 2
    for file in attached:
        assert place.http.get(f"/hub/v1/files/{file}", headers=place.token("reader")).status_code == 404
    response = next(
        one for one in place.get("/responses", limit=1000)["data"] if one["id"] == made["response"]
    )
    assert (response["contact"], response["comment"], response["follow_up_details"]) == (
        None,
        "erased",
        "erased",
    )
    assert (response["score"], response["account"]["name"], response["touchpoint"]) == (9, "Acme", "Support")
    assert response["segments"]["contact"] == {"tier": "gold", "nick": "erased"}
    assert response["drivers"] == {"speed": 4, "said": "erased"}
    session = next(one for one in place.get("/sessions", limit=1000)["data"] if one["id"] == made["complete"])
    assert [one["text"] for one in session["answers"]] == ["0", "erased", "erased"]
    other = place.get(f"/tickets/{made['others']}")
    assert other["subject"] == "Ask erased"
    assert (other["body"], other["submitter"]["email"]) == ("or erased", "cy@demo.example")
    told = [one for one in _feed(place) if one["kind"].endswith(".erased")]
    assert {"type": "contact", "id": str(contact)} in [one["subject"] for one in told]
    assert {one["subject"]["id"] for one in told if one["kind"] == "response.erased"} >= {
        str(made["response"])
    }
    assert {one["actor"] for one in told} == {"writer"}
    entry = place.get("/intake")["data"]
    assert (204, f"/hub/v1/contacts/{contact}", "writer") in [
        (one["status"], one["endpoint"], one["credential"]) for one in entry
    ]
    waiting = place.get("/deliveries", state="waiting", limit=1000)["data"]
    about = {("ticket", str(number)) for number in made["tickets"]}
    assert not about & {(one["subject"]["type"], one["subject"]["id"]) for one in waiting}


def _feed(place: Place) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = place.get("/changes", limit=1000)["data"]
    return found


def test_shows_all_that_is_held_on_a_person(place: Place, somebody: Somebody, tmp_path: Path) -> None:
    made = _leave_traces(place, somebody, tmp_path)
    shown = place.get(f"/contacts/{somebody.contact}/export")
    assert shown["contact"]["email"] == somebody.email
    assert shown["contact"]["external"] == {"crm": {"nick": somebody.word}}
    assert shown["participations"] == [{"project": "beta", "name": f"Ann {somebody.word}", "archived": False}]
    assert {*made["tickets"]} <= {one["id"] for one in shown["tickets"]}
    mine = next(one for one in shown["tickets"] if one["id"] == made["tickets"][1])
    assert [one["body"] for one in mine["answers"]] == [f"Dear Ann {somebody.word}, sorry."]
    assert f"Ann {somebody.word} called." in [one["note"] for one in mine["timeline"]]
    assert len(shown["responses"]) == 3  # by the webhook, by the session, by the file
    assert {made["complete"], made["partial"]} == {one["id"] for one in shown["sessions"]}
    assert shown["captured_values"]
    assert shown["deliveries"]
    assert shown["intake"]
    assert shown["changes"]
    assert made["others"] not in {one["id"] for one in shown["tickets"]}


def test_erases_once_more_without_fault(place: Place, somebody: Somebody) -> None:
    somebody.record()
    contact = somebody.contact
    assert [place.erase(contact).status_code for _ in range(2)] == [204, 204]
    told = [one for one in _feed(place) if one["subject"] == {"type": "contact", "id": str(contact)}]
    assert [one["kind"] for one in told].count("contact.erased") == 1
    answer = place.http.get(f"/hub/v1/contacts/{contact}/export", headers=place.token("reader"))
    assert answer.status_code == 404


@pytest.mark.parametrize("contact", ["999999", "0", "-1", "ann", "9" * 30, "1%00"])
def test_finds_nobody_who_never_was(place: Place, contact: str) -> None:
    for answer in (
        place.http.delete(f"/hub/v1/contacts/{contact}", headers=place.token("writer")),
        place.http.get(f"/hub/v1/contacts/{contact}/export", headers=place.token("reader")),
    ):
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("application/problem+json")


def test_needs_a_token_that_may_write(place: Place, somebody: Somebody) -> None:
    somebody.record()
    address = f"/hub/v1/contacts/{somebody.contact}"
    assert place.http.delete(address).status_code == 401
    assert place.http.delete(address, headers=place.token("reader")).status_code == 403
    asked = place.http.delete(f"{address}?dry_run=true", headers=place.token("writer"))
    assert asked.status_code == 400
    assert place.get("/contacts", email=somebody.email)["data"]


def test_refuses_to_erase_whom_the_configuration_relies_on(place: Place) -> None:
    bo = place.get("/contacts", email="bo@demo.example")["data"][0]["id"]
    answer = place.erase(bo)
    assert answer.status_code == 409
    assert "external source app, survey 7" in answer.json()["detail"]
    assert place.get("/contacts", email="bo@demo.example")["data"][0]["id"] == bo


def test_makes_a_new_contact_of_who_comes_again(place: Place, somebody: Somebody) -> None:
    first = somebody.record()
    contact = somebody.contact
    assert place.erase(contact).status_code == 204
    again = somebody.record(score=3)
    assert somebody.contact != contact
    by_id = {one["id"]: one for one in place.get("/responses", limit=1000)["data"]}
    assert by_id[first]["contact"] is None
    assert by_id[again]["contact"]["email"] == somebody.email
    assert by_id[again]["comment"] == somebody.text("crashed")


def test_finds_no_word_of_them_any_more(place: Place, somebody: Somebody, tmp_path: Path) -> None:
    _participant(place, somebody, tmp_path)
    ticket = somebody.ticket()
    place.settled()
    assert ticket in [one["id"] for one in place.get("/tickets", q=somebody.word)["data"]]
    assert place.erase(somebody.contact).status_code == 204
    assert place.get("/tickets", q=somebody.word)["data"] == []


def test_sends_nothing_that_was_erased_again(place: Place, somebody: Somebody, tmp_path: Path) -> None:
    place.receiver.behave("/broken", receivers.answer(500))
    _participant(place, somebody, tmp_path)
    ticket = somebody.ticket()
    place.settled()
    assert place.erase(somebody.contact).status_code == 204
    about = {"type": "ticket", "id": str(ticket)}
    mine = [
        one
        for one in place.get("/deliveries", webhook="broken", limit=1000)["data"]
        if one["subject"] == about
    ]
    assert [one["state"] for one in mine] == ["cancelled"]
    answer = _replay(place, mine[0]["id"])
    assert answer.status_code == 409
    sent = len(place.receiver.at("/broken"))
    everything = place.http.post(
        "/hub/v1/deliveries/replay",
        json={"webhook": "broken", "state": "cancelled"},
        headers=place.token("writer"),
    )
    assert everything.json() == {"replayed": 0}
    assert len(place.receiver.at("/broken")) == sent


def _replay(place: Place, delivery: int) -> httpx.Response:
    return place.http.post(f"/hub/v1/deliveries/{delivery}/replay", headers=place.token("writer"))


def test_keeps_no_answer_to_a_call_that_was_under_way(place: Place, somebody: Somebody) -> None:
    eventually(lambda: not _waiting(place, "crm"), 30)
    slow = receivers.answer(200, f"I know {somebody.word}".encode(), after=1.5)
    place.receiver.behave("/crm", receivers.in_turn(slow, receivers.answer(200)))
    before = len(place.receiver.at("/crm"))
    somebody.record()
    place.receiver.wait_for(before + 1, "/crm")
    assert place.erase(somebody.contact).status_code == 204
    place.settled()
    eventually(lambda: not _waiting(place, "crm"), 30)
    assert place.holding(somebody.word) == set()


def _waiting(place: Place, subscription: str) -> list[Any]:
    found: list[Any] = place.get("/deliveries", subscription=subscription, state="waiting")["data"]
    return found


def test_keeps_what_another_wrote_in_the_same_words(place: Place, somebody: Somebody) -> None:
    words = "Nothing works since the last release"
    other = Somebody(place)
    somebody.record(Comment=words)
    place.settled()
    mine = other.record(Comment=words)
    place.settled()
    assert place.erase(somebody.contact).status_code == 204
    place.settled()
    response = next(one for one in place.get("/responses", limit=1000)["data"] if one["id"] == mine)
    assert (response["comment"], response["contact"]["email"]) == (words, other.email)
    [call] = place.get("/tickets", q=f'"{other.email}"')["data"]  # opened by a rule
    assert (call["subject"], call["body"]) == (f"Call {other.email}", words)
    about = [one for one in place.get("/deliveries", limit=1000)["data"] if other.email in str(one)]
    assert about
    [entry] = [one for one in place.get("/intake", limit=1000)["data"] if other.email in (one["body"] or "")]
    assert words in entry["body"]


def test_leaves_nothing_that_came_in_meanwhile(place: Place, somebody: Somebody, tmp_path: Path) -> None:
    """Tickets and records keep coming for an address while it is erased, and are refused by nobody."""
    _participant(place, somebody, tmp_path)
    somebody.record()
    contact = somebody.contact
    place.settled()

    def coming(number: int) -> int:
        title = {"title": f"number {number}", "submitter": somebody.email, "severity": "Low"}
        answer = place.http.post(erasing.CREATE, params={"apiKey": KEY}, json=title)
        assert answer.status_code == 201, answer.text
        return somebody.record(Comment=f"number {number} of {somebody.word}")

    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(coming, number) for number in range(30)]
        assert place.erase(contact).status_code == 204
        assert len({one.result() for one in sent})
    place.settled()
    assert place.rows("select 1 from tickets where submitter_id = $1", contact) == []
    assert place.rows("select 1 from responses where contact_id = $1", contact) == []
    assert place.rows("select 1 from responses where contact_id is null and comment like 'number%'") == []
    snapshot = "select 1 from changes where snapshot -> 'submitter' -> 'contact_id' = to_jsonb($1::bigint)"
    assert place.rows(snapshot, contact) == []
    assert "deadlock" not in place.hub.log.read_text(encoding="utf-8")
