"""Creating a ticket (docs/dialects/centercode.md; seed 000)."""

from __future__ import annotations

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.support import hub as hubs
from tests.support.hub import CREATE, KEY, WEB_KEY

P = "/api/v1/projects/beta/feedback"
NOT_FOUND = {"status": 404, "description": "The requested resource could not be found."}


def post(http: httpx.Client, body: Any, path: str = CREATE, key: str = KEY, **options: Any) -> httpx.Response:
    return http.post(path, params={"apiKey": key}, json=body, **options)


def read(http: httpx.Client, created: httpx.Response, key: str = KEY) -> dict[str, Any]:
    document: dict[str, Any] = http.get(created.headers["Location"], params={"apiKey": key}).json()
    return document


def newest_entry(http: httpx.Client, hub: hubs.Hub) -> dict[str, Any]:
    entry: dict[str, Any] = http.get("/hub/v1/intake?limit=1", headers=hub.reader()).json()["data"][0]
    return entry


def test_creates_a_ticket(http: httpx.Client, hub: hubs.Hub) -> None:
    answer = post(http, {"title": "It crashed", "severity": "P1", "devices": "Phone", "rating": 2})
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    number = body["id"]
    assert re.fullmatch(r"BUG-\d{4,}", body["feedbackId"])
    assert answer.headers["Location"] == f"{P}/app/{number}"
    assert body == {
        "status": 201,
        "description": "Created",
        "id": number,
        "feedbackId": body["feedbackId"],
        "fileElements": [
            {
                "parameter": "crashlog",
                "endpoint": f"{hub.url}/api/v1/feedbackTypes/app/{number}/fileElements/crashlog",
                "url": f"{hub.url}/api/v1/projects/beta/feedbackTypes/app/{number}/fileElements/crashlog",
            }
        ],
    }


def test_reads_it_back_by_number_and_by_display_id(http: httpx.Client) -> None:
    sent = {
        "title": "It crashed",
        "description": "Often",
        "severity": "High",
        "devices": ["Phone"],
        "rating": "4",
    }
    created = post(http, sent | {"submitter": "stranger@example.org"})
    document = read(http, created)
    at = datetime.strptime(document.pop("createdAt"), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert document == {
        "id": created.json()["id"],
        "feedbackId": created.json()["feedbackId"],
        "status": "New",
        "submitter": {"email": "bo@example.com", "name": "Bo Default", "given": "stranger@example.org"},
        "values": {
            "title": "It crashed",
            "steps": "Often",
            "severity": "High",
            "devices": ["Phone"],
            "stars": 4,
        },
        "files": [],
    }
    by_name = http.get(f"{P}/app/{created.json()['feedbackId']}", params={"apiKey": KEY})
    assert by_name.status_code == 200
    assert by_name.json()["id"] == document["id"]


@pytest.mark.parametrize(
    "authorization", [KEY, f"Bearer {KEY}", f"bearer {KEY}"], ids=["bare", "bearer", "small bearer"]
)
def test_takes_the_key_from_the_header(http: httpx.Client, authorization: str) -> None:
    answer = http.post(CREATE, json={"title": "x"}, headers={"Authorization": authorization})
    assert answer.status_code == 201


@pytest.mark.parametrize("name", ["app", "APP", "Mobile%20app", "mobile app", "m%6Fbile%20App"])
def test_finds_the_source_by_key_or_name(http: httpx.Client, name: str) -> None:
    assert post(http, {"title": "x"}, f"{P}/{name}").status_code == 201


def test_finds_no_source_by_a_name_that_two_have(http: httpx.Client) -> None:
    assert post(http, {"title": "x"}, f"{P}/Twins", WEB_KEY).json() == NOT_FOUND


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        (CREATE, None, 401),
        (CREATE, "", 401),
        (CREATE, "nobody's", 401),
        (CREATE, "off_0000111122223333", 401),
        (f"{P}/nope", "nobody's", 401),
        (f"{P}/far", "far_9999888877776666", 403),
        (CREATE, WEB_KEY, 403),
        (f"{P}/nope", KEY, 404),
        ("/api/v1/projects/nope/feedback/app", KEY, 404),
        ("/api/v1/nothing", None, 404),
        ("/api/v1/", KEY, 404),
        ("/api/v1", KEY, 404),
        (f"{P}/%00", KEY, 404),
    ],
)
def test_refuses_in_the_contracts_order(http: httpx.Client, path: str, key: str | None, status: int) -> None:
    params = {} if key is None else {"apiKey": key}
    answer = http.put(path, params=params, content=b"not even JSON")
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body == NOT_FOUND if status == 404 else body["status"] == status and body["description"]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
def test_allows_post_alone(http: httpx.Client, method: str) -> None:
    answer = http.request(method, CREATE, params={"apiKey": KEY})
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert answer.json()["status"] == 405
    assert http.request(method, CREATE).status_code == 401


@pytest.mark.parametrize(
    "given", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonp"]
)
def test_takes_json_alone(http: httpx.Client, given: str | None) -> None:
    headers = {} if given is None else {"Content-Type": given}
    answer = http.post(CREATE, params={"apiKey": KEY}, content=b'{"title": "x"}', headers=headers)
    assert answer.status_code == 415
    assert answer.json()["status"] == 415


def test_allows_parameters_on_the_content_type(http: httpx.Client) -> None:
    headers = {"Content-Type": "Application/JSON; charset=UTF-8"}
    answer = http.post(CREATE, params={"apiKey": KEY}, content='{"title": "Größe"}'.encode(), headers=headers)
    assert answer.status_code == 201
    assert read(http, answer)["values"] == {"title": "Größe"}


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b'"x"', b"null", b"{", b'{"title": NaN}', b"\xff"])
def test_takes_a_json_object_alone(http: httpx.Client, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = http.post(CREATE, params={"apiKey": KEY}, content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["status"] == 400


def test_lists_every_fault_and_stores_nothing(http: httpx.Client, hub: hubs.Hub) -> None:
    before = post(http, {"title": "before"}).json()["id"]
    answer = post(http, {"severity": "low", "rating": 9, "description": ["x"]})
    assert answer.status_code == 400
    body = answer.json()
    assert [fault["parameter"] for fault in body["errors"]] == ["title", "description", "severity", "rating"]
    assert body["description"] == body["errors"][0]["description"]
    entry = newest_entry(http, hub)
    assert (entry["status"], entry["target"], entry["created"]) == (400, "beta/app", None)
    assert [value["parameter"] for value in entry["unmatched"]] == ["severity", "rating"]
    assert post(http, {"title": "after"}).json()["id"] == before + 1


def test_rejects_what_is_not_mapped_where_the_source_says_so(http: httpx.Client, hub: hubs.Hub) -> None:
    answer = post(
        http, {"title": "x", "colour": "red", "status": "x", "submitter": "y"}, f"{P}/strict", WEB_KEY
    )
    assert answer.status_code == 400
    assert [fault["parameter"] for fault in answer.json()["errors"]] == ["colour"]
    assert newest_entry(http, hub)["unmapped"] == ["colour"]


def test_takes_status_and_submitter_from_parameters_where_the_source_has_none(http: httpx.Client) -> None:
    whole = {"title": "x", "status": "Fixed", "submitter": " ANN@example.com "}
    created = post(http, whole, f"{P}/open", WEB_KEY)
    document = read(http, created, WEB_KEY)
    assert document["status"] == "Fixed"
    assert document["submitter"] == {"email": "ann@example.com", "name": "Ann Tester", "given": None}
    for missing in ("status", "submitter"):
        rest = {name: value for name, value in whole.items() if name != missing}
        answer = post(http, rest, f"{P}/open", WEB_KEY)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["parameter"] == missing
    assert post(http, whole | {"submitter": "x@y.z"}, f"{P}/open", WEB_KEY).status_code == 400
    assert post(http, whole | {"status": "fixed"}, f"{P}/open", WEB_KEY).status_code == 400


def test_finds_no_ticket_of_another_type_through_a_source(http: httpx.Client) -> None:
    created = post(http, {"idea": "Fly"}, f"{P}/ideas").json()
    for reference in (
        created["id"],
        created["feedbackId"],
        "BUG-9999",
        "0",
        "99999999999999999999",
        "x",
        "BUG-x",
    ):
        answer = http.get(f"{P}/app/{reference}", params={"apiKey": KEY})
        assert answer.json() == NOT_FOUND
    answer = http.get(f"{P}/ideas/{created['feedbackId'].lower()}", params={"apiKey": KEY})
    assert answer.json()["values"] == {"text": "Fly"}


def test_limits_the_body(http: httpx.Client) -> None:
    answer = post(http, {"title": "x", "description": "y" * 1024 * 1024})
    assert answer.status_code == 413
    assert answer.json()["status"] == 413


def test_refuses_a_coded_body(http: httpx.Client) -> None:
    assert post(http, {"title": "x"}, headers={"Content-Encoding": "gzip"}).status_code == 415


def test_logs_what_came_in_without_the_key(http: httpx.Client, hub: hubs.Hub) -> None:
    answer = post(http, {"title": "x", "colour": "red", "password": "hunter2"})
    entry = newest_entry(http, hub)
    assert {
        name: entry[name] for name in ("surface", "method", "endpoint", "credential", "target", "status")
    } == {
        "surface": "centercode",
        "method": "POST",
        "endpoint": CREATE,
        "credential": "Mobile apps",
        "target": "beta/app",
        "status": 201,
    }
    assert entry["unmapped"] == ["colour", "password"]
    assert entry["missing"] == ["description", "severity", "devices", "rating"]
    assert entry["created"] == {"type": "ticket", "id": str(answer.json()["id"])}
    assert "bo@example.com" in entry["submitter"]
    assert "hunter2" not in entry["body"]
    assert KEY not in str(entry)


@pytest.mark.parametrize(
    ("parameters", "error"), [({"apiKey": "wrong"}, "not valid"), ({}, "missing")], ids=["unknown", "none"]
)
def test_logs_a_call_without_a_key_that_works_where_its_project_is(
    http: httpx.Client, hub: hubs.Hub, parameters: dict[str, str], error: str
) -> None:
    assert http.post(CREATE, params=parameters, json={"title": "x"}).status_code == 401
    entry = newest_entry(http, hub)
    assert (entry["status"], entry["endpoint"], entry["credential"]) == (401, CREATE, None)
    assert error in entry["error"]
    assert "key" in entry["hint"]
    assert http.post("/api/v1/projects/nowhere/feedback/app", params=parameters).status_code == 401
    assert http.post("/api/v1/projects/%00/feedback/app", params=parameters).status_code == 401
    assert newest_entry(http, hub)["id"] == entry["id"]


def test_has_one_effect_for_one_idempotency_key(http: httpx.Client) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: post(http, {"title": "once"}, headers=headers), range(100)))
    created = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.content for answer in created}) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len([answer for answer in created if "Idempotent-Replayed" not in answer.headers]) == 1
    again = post(http, {"title": "once"}, headers={"Idempotency-Key": f'"{headers["Idempotency-Key"]}"'})
    assert again.content == created[0].content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Location"] == created[0].headers["Location"]
    assert post(http, {"title": "twice"}, headers=headers).status_code == 422


def test_lets_a_refused_request_use_its_key_again(http: httpx.Client) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    assert post(http, {"title": ""}, headers=headers).status_code == 400
    assert post(http, {"title": "corrected"}, headers=headers).status_code == 201


def test_scopes_a_key_to_path_and_credential(http: httpx.Client) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first = post(http, {"title": "x"}, f"{P}/one", WEB_KEY, headers=headers)
    second = post(http, {"title": "x"}, f"{P}/two", WEB_KEY, headers=headers)
    assert first.json()["id"] != second.json()["id"]


@pytest.mark.parametrize("key", ["x" * 256, '""', '"' + "x" * 256 + '"'])
def test_refuses_a_key_that_is_none(http: httpx.Client, key: str) -> None:
    assert post(http, {"title": "x"}, headers={"Idempotency-Key": key}).status_code == 400


def test_takes_a_key_of_255_characters(http: httpx.Client) -> None:
    key = uuid.uuid4().hex.ljust(255, "x")
    assert post(http, {"title": "x"}, headers={"Idempotency-Key": f'"{key}"'}).status_code == 201


@pytest.mark.parametrize("name", ["iOS%20%2F%20Android", "ios%20%2f%20android"])
def test_takes_a_slash_in_a_name_percent_encoded(http: httpx.Client, name: str) -> None:
    answer = post(http, {"idea": "x"}, f"{P}/{name}")
    assert answer.status_code == 201
    assert http.get(f"{P}/{name}/{answer.json()['id']}", params={"apiKey": KEY}).status_code == 200


@pytest.mark.parametrize("path", [f"{P}/app%2F", "/api/v1/projects/beta%2Ffeedback/app", f"{P}%2Fapp"])
def test_takes_no_encoded_slash_for_one_between_parts(http: httpx.Client, path: str) -> None:
    assert post(http, {"title": "x"}, path).json() == NOT_FOUND


def test_answers_repeats_side_by_side_as_the_first(http: httpx.Client) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first = post(http, {"title": "once"}, headers=headers)
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: post(http, {"title": "once"}, headers=headers), range(60)))
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.content for answer in answers} == {first.content}


@pytest.mark.parametrize(("sent", "given"), [(True, "true"), (1, "1"), (1.5, "1.5"), ("no@x.y", "no@x.y")])
def test_keeps_the_address_as_it_was_sent(http: httpx.Client, sent: object, given: str) -> None:
    created = post(http, {"title": "x", "submitter": sent})
    assert read(http, created)["submitter"]["given"] == given


@pytest.mark.parametrize("sent", [{}, {"a": 1}, ["ann@example.com"]])
def test_takes_no_list_and_no_object_for_an_address(http: httpx.Client, sent: object) -> None:
    answer = post(http, {"title": "x", "submitter": sent})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameter"] == "submitter"


def test_names_a_wrong_value_in_jsons_words(http: httpx.Client) -> None:
    errors = post(http, {"title": "x", "severity": True, "devices": [None]}).json()["errors"]
    assert "(true)" in errors[0]["description"]
    assert "(null)" in errors[1]["description"]
