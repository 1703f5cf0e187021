"""Listeners: what an outside system does to a ticket or a person."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from tests.dialects.centercode.conftest import Outside

L = "/api/v1/projects/beta/feedbackListeners"
NOT_FOUND = {"status": 404, "description": "The requested resource could not be found."}


def test_runs_a_macro_on_the_ticket(outside: Outside) -> None:
    made = outside.file()
    answer = outside.post(f"{L}/done/{made['feedbackId']}")
    assert (answer.status_code, answer.json()) == (
        202, {"status": 202, "description": "Accepted", "id": made["id"]},
    )  # fmt: skip
    ticket = outside.ticket(made["id"])
    assert (ticket["status"], ticket["tags"]) == ("Fixed", ["done"])
    assert f"Closed as {made['feedbackId']}" in [item["note"] for item in ticket["timeline"]]


def test_makes_the_calls_of_a_macro_after_its_answer(outside: Outside) -> None:
    made = outside.file()
    assert outside.post(f"{L}/tell/{made['id']}").status_code == 202
    [delivery] = [
        row
        for row in outside.rows("deliveries", webhook="tell")
        if row["subject"] == {"type": "ticket", "id": str(made["id"])}
    ]
    assert (delivery["webhook"], delivery["event"]["kind"]) == ("tell", "listener")
    assert outside.ticket(made["id"])["tags"] == ["told"]


def test_takes_both_addresses_and_both_names_of_a_ticket(outside: Outside) -> None:
    made = outside.file()
    for path in (f"{L}/DONE/{made['id']}", f"/api/v1/feedbackListeners/done/{made['feedbackId'].lower()}"):
        assert outside.post(path).status_code == 202, path


def test_does_all_of_a_macro_or_nothing(outside: Outside) -> None:
    made = outside.file()
    answer = outside.post(f"{L}/wrong/{made['id']}")
    assert answer.status_code == 400
    assert "severity" in answer.text.lower()
    assert outside.ticket(made["id"])["tags"] == []


def test_stores_a_comment_in_the_timeline(outside: Outside) -> None:
    made = outside.file("shop/web")
    answer = outside.post(f"/api/v1/feedbackListeners/say/{made['id']}", {"comment": "Seen it, too."})
    assert (answer.status_code, answer.json()["description"]) == (201, "Created")
    item = outside.ticket(made["id"])["timeline"][-1]
    assert (item["actor"], item["note"]) == ("listener say", "Seen it, too.")


@pytest.mark.parametrize(
    "body", [{}, {"comment": ""}, {"comment": " "}, {"comment": 7}, {"comment": "x" * 65_536}]
)
def test_refuses_a_comment_that_is_none(outside: Outside, body: dict[str, Any]) -> None:
    made = outside.file()
    answer = outside.post(f"{L}/say/{made['id']}", body)
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "comment")


def test_captures_values(outside: Outside) -> None:
    made = outside.file()
    body = {"issue_key": "WEB-7", "open": True, "votes": 3, "since": "2026-05-01T10:00:00Z", "weight": 0.5}
    answer = outside.post(f"{L}/jira/{made['id']}", body)
    assert (answer.status_code, answer.json()["description"]) == (200, "OK")
    assert outside.ticket(made["id"])["external"] == {"jira": {**body, "weight": "0.5"}}
    outside.post(f"{L}/jira/{made['id']}", {"open": False})
    assert outside.ticket(made["id"])["external"]["jira"] == {**body, "weight": "0.5", "open": False}
    feed = [row for row in feed_of(outside, "ticket", made["id"]) if row["kind"] == "value.captured"]
    assert [row["data"]["values"]["jira"] for row in feed][1] == {"open": False}
    assert {(row["actor"], row["data"]["listener"]) for row in feed} == {("listener jira", "jira")}


def feed_of(outside: Outside, type: str, id: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = outside.http.get(
            "/hub/v1/changes", params={"limit": "1000", **after}, headers=outside.hub.reader()
        ).json()
        found += page["data"]
        if not page["data"]:
            return [row for row in found if row["subject"] == {"type": type, "id": str(id)}]
        after = {"after": page["next"]}


@pytest.mark.parametrize("value", [None, [], {}, {"a": 1}, 2**63, "x" * 65_536])
def test_refuses_values_that_are_not_flat(outside: Outside, value: Any) -> None:
    made = outside.file()
    answer = outside.post(f"{L}/jira/{made['id']}", {"fine": 1, "odd": value})
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "odd")
    assert outside.ticket(made["id"])["external"] == {}


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"{", b'"x"', b'{"a": NaN}', b'{"a": "\\u0000"}', b'{"": 1}']
)
def test_refuses_a_body_that_holds_no_values(outside: Outside, content: bytes) -> None:
    made = outside.file()
    headers = {"Content-Type": "application/json"}
    answer = outside.post(f"{L}/jira/{made['id']}", content=content, headers=headers)
    assert answer.status_code == 400


def test_reads_the_body_of_a_macro_as_strictly_though_it_needs_none(outside: Outside) -> None:
    made = outside.file()
    path, headers = f"{L}/done/{made['id']}", {"Content-Type": "application/json"}
    assert outside.post(path, content=b"{", headers=headers).status_code == 400
    assert outside.post(path, content=b"x", headers={"Content-Type": "text/plain"}).status_code == 415
    assert outside.post(path, {"any": "thing"}).status_code == 202


def test_works_on_people(outside: Outside) -> None:
    P = "/api/v1/projects/beta/userListeners"
    answer = outside.post(f"{P}/person/ANN@example.com", {"tier": "gold"})
    assert answer.status_code == 200
    number = answer.json()["id"]
    assert outside.post(f"{P}/person/{number}", {"tier": "gold"}).status_code == 200
    assert feed_of(outside, "contact", number)[-1]["data"]["values"] == {"crm": {"tier": "gold"}}
    assert outside.post(f"{P}/ask/ann@example.com").status_code == 202
    subjects = [row["subject"] for row in outside.rows("tickets", type="ideas")]
    assert "Call ann@example.com" in subjects
    for stranger in ("cy@example.com", "nobody@example.com", "999999", "%00"):
        assert outside.post(f"{P}/person/{stranger}", {"tier": "x"}).json() == NOT_FOUND, stranger


def test_keeps_a_comment_on_a_person(outside: Outside) -> None:
    answer = outside.post("/api/v1/userListeners/praise/ann@example.com", {"comment": "A pleasure."})
    assert (answer.status_code, answer.json()["description"]) == (201, "Created")
    told = feed_of(outside, "contact", answer.json()["id"])[-1]
    assert (told["kind"], told["actor"]) == ("value.captured", "listener praise")
    assert told["data"]["values"] == {"praise": {"comment": "A pleasure."}}


def test_finds_nothing_outside_its_project_filter_and_kind(outside: Outside) -> None:
    idea, ask, bug = outside.file("beta/ideas"), outside.file("shop/web"), outside.file()
    for path in (
        f"{L}/done/{idea['id']}",  # the filter is for bugs
        f"{L}/jira/{ask['id']}",  # another project's ticket
        f"/api/v1/projects/shop/feedbackListeners/jira/{ask['id']}",  # the listener is beta's
        f"/api/v1/projects/shop/feedbackListeners/say/{bug['id']}",  # the address is shop's
        f"/api/v1/projects/none/feedbackListeners/say/{bug['id']}",
        f"{L}/none/{bug['id']}",
        f"{L}/person/{bug['id']}",  # for people
        f"{L}/card/{bug['id']}",  # a lookup
        f"{L}/done/BUG-9999",
        f"{L}/done/%00",
    ):
        answer = outside.post(path, {"comment": "x"})
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND), path


def test_wants_its_own_key(outside: Outside) -> None:
    made = outside.file()
    path = f"{L}/done/{made['id']}"
    other = Outside(outside.http, outside.hub, "oth_6f1d0c8e5a7b4923")
    assert other.post(path).status_code == 403
    assert Outside(outside.http, outside.hub, "unknown").post(path).status_code == 401
    assert outside.http.post(path).status_code == 401


def test_has_one_method_each(outside: Outside) -> None:
    made = outside.file()
    query = {"apiKey": outside.key}
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        answer = outside.http.request(method, f"{L}/done/{made['id']}", params=query)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST"), method
    for path in (f"feedbackRecordLookups/card/{made['id']}", "feedbackDataPackages/open"):
        answer = outside.http.post(f"/api/v1/{path}", params=query)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD"), path


def test_does_a_call_once_for_its_idempotency_key(outside: Outside) -> None:
    made = outside.file()
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    path = f"{L}/say/{made['id']}"
    first, second = (outside.post(path, {"comment": "Once"}, headers=headers) for _ in range(2))
    assert (first.content, second.headers["idempotent-replayed"]) == (second.content, "true")
    notes = [item["note"] for item in outside.ticket(made["id"])["timeline"]]
    assert notes.count("Once") == 1
    assert outside.post(path, {"comment": "Other"}, headers=headers).status_code == 422


def test_logs_what_came_in_without_the_key(outside: Outside) -> None:
    made = outside.file()
    outside.post(f"{L}/jira/{made['id']}", {"votes": 3})
    [entry] = outside.rows("intake", limit="1")
    assert (entry["target"], entry["credential"], entry["status"]) == ("listener jira", "Tracker", 200)
    assert (entry["created"], entry["body"]) == ({"type": "ticket", "id": str(made["id"])}, '{"votes":3}')
    assert outside.key not in str(entry)


def test_says_of_a_refused_call_that_it_created_nothing(outside: Outside) -> None:
    made = outside.file()
    assert outside.post(f"{L}/jira/{made['id']}", {"votes": [3]}).status_code == 400
    [entry] = outside.rows("intake", limit="1")
    assert (entry["target"], entry["status"], entry["created"]) == ("listener jira", 400, None)
