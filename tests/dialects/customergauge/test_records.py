"""`PUT /records` (seed 003)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from tests.support import hub as hubs

SEED = {
    "Account Name": "ACME",
    "First Name": "Joe",
    "Last Name": "Doe",
    "Email": "joe.doe@example.com",
    "Sent Date": "2023-05-10 11:34:56",
    "Survey Completed Date": "2022-05-10 12:34:56",
    "NPS Score": "10",
}
BY_JSON, BY_FORM = "53505294-0b20-2509-b15d-c8e377701d66", "12305294-0b20-4009-b95d-c8123301d66"
DATES = {"Sent": "2023-05-10", "Done": "2023-05-11"}


def put(crm: httpx.Client, configuration: str, record: Mapping[str, Any], **options: Any) -> httpx.Response:
    return crm.put("/records/", json={"configuration": configuration, "record": record}, **options)


def rows(hub: hubs.Hub, what: str, **filters: str) -> list[dict[str, Any]]:
    with hub.client(headers=hub.reader()) as client:
        found: list[dict[str, Any]] = (
            client.get(f"/hub/v1/{what}", params=filters).raise_for_status().json()["data"]
        )
    return found


def new_email() -> str:
    return f"{uuid.uuid4().hex}@example.com"


def assert_taken(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.content) == (200, b""), answer.text
    assert answer.headers["content-length"] == "0"
    assert "content-type" not in answer.headers


def faults(answer: httpx.Response) -> dict[str, list[str]]:
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert body["message"] == "The given data was invalid."
    errors: dict[str, list[str]] = body["errors"]
    return errors


def test_stores_the_seeds_examples_alike_in_every_form(crm: httpx.Client, records_hub: hubs.Hub) -> None:
    pairs = [("configuration", BY_FORM), *((f"record[{name}]", value) for name, value in SEED.items())]
    encoded = urlencode(pairs, quote_via=quote)
    bare = "&".join(f"{name.replace(' ', '+')}={quote(value)}" for name, value in pairs)
    boundary_fields = {name: (None, value) for name, value in pairs}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert_taken(crm.put("/records/", json={"configuration": BY_JSON, "record": SEED}))
    assert_taken(crm.put("/records/", content=encoded, headers=form))
    assert_taken(crm.put("/records", content=bare, headers=form))
    assert_taken(crm.put("/records/", files=boundary_fields))
    stored = rows(records_hub, "responses", contact="joe.doe@example.com")
    assert len(stored) == 4
    assert rows(records_hub, "responses", contact=str(stored[0]["contact"]["id"])) == stored
    for one in stored:
        for varying in ("id", "created_at", "source", "configuration"):
            one.pop(varying)
    assert stored[0] == stored[1] == stored[2] == stored[3]
    first = stored[0]
    assert (first["kind"], first["score"], first["scores"], first["complete"]) == (
        "nps",
        10,
        {"nps": 10},
        True,
    )
    assert (first["sent_at"], first["completed_at"]) == ("2023-05-10T09:34:56Z", "2022-05-10T10:34:56Z")
    assert (first["account"]["name"], first["contact"]["first_name"]) == ("ACME", "Joe")


def test_says_what_the_seed_says_of_a_missing_configuration(crm: httpx.Client) -> None:
    answer = crm.put("/records/", json={"record": SEED})
    assert answer.status_code == 422
    assert answer.json() == {
        "message": "The given data was invalid.",
        "errors": {"configuration": ["The configuration field is required."]},
    }


@pytest.mark.parametrize("reference", ["no such", "asleep", 17, ["whole"], {"a": 1}])
def test_refuses_a_configuration_that_is_none_of_the_active_ones(
    crm: httpx.Client, reference: object
) -> None:
    answer = crm.put("/records", json={"configuration": reference, "record": {"Name": "x"}})
    assert faults(answer) == {"configuration": ["The selected configuration is invalid."]}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (None, "The record field is required."),
        ({}, "The record field is required."),
        ([1], "The record must be an array."),
        ("x", "The record must be an array."),
    ],
)
def test_refuses_what_is_no_record(crm: httpx.Client, record: object, message: str) -> None:
    assert faults(crm.put("/records", json={"configuration": "whole", "record": record})) == {
        "record": [message]
    }


def test_tells_every_fault_at_once_and_stores_nothing(crm: httpx.Client, records_hub: hubs.Hub) -> None:
    company = uuid.uuid4().hex
    answer = put(crm, "whole", {
        "Account": company, "Email": "no address", "Phone": "12", "Sent": "tomorrow", "Score": 11, "First": "x" * 256,
        "Where": "Nowhere", "Follow": "maybe", "Comment": {"a": 1}, "Unheard": "of", "Speed": [1],
    })  # fmt: skip
    assert faults(answer) == {
        "record.Email": ["The Email must be a valid email address."],
        "record.Phone": ["The Phone must be a valid phone number."],
        "record.First": ["The First must not be greater than 255 characters."],
        "record.Sent": ["The Sent is not a valid date."],
        "record.Score": ["The Score must be between 0 and 10."],
        "record.Comment": ["The Comment must be a string."],
        "record.Where": ["The selected Where is invalid."],
        "record.Follow": ["The selected Follow is invalid."],
        "record.Speed": ["The Speed must be a string."],
        "record.Unheard": ["The Unheard field is not mapped."],
        "record.Done": ["The Done field is required."],
    }
    assert rows(records_hub, "accounts", name=company) == []
    assert rows(records_hub, "responses", account=company) == []


def test_names_the_email_when_nobody_is_named(crm: httpx.Client) -> None:
    assert faults(put(crm, "people", {"Mail": " ", "Tel": None})) == {
        "record.Mail": ["The Mail field is required."]
    }


@pytest.mark.parametrize(
    ("score", "stored"), [(7, 7), (7.0, 7), ("07", 7), (" 7 ", 7), ("", None), (None, None), (0, 0), (10, 10)]
)
def test_takes_scores_as_numbers_and_digits(
    crm: httpx.Client, records_hub: hubs.Hub, score: object, stored: int | None
) -> None:
    email = new_email()
    assert_taken(put(crm, "whole", {"Email": email, **DATES, "Score": score}))
    assert [one["score"] for one in rows(records_hub, "responses", contact=email)] == [stored]


@pytest.mark.parametrize("score", ["ten", 7.5, "7.0", -1, "11", True, "٣", "1e1", 10**30])
def test_refuses_other_scores(crm: httpx.Client, score: object) -> None:
    assert list(faults(put(crm, "whole", {"Email": new_email(), **DATES, "Score": score}))) == [
        "record.Score"
    ]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2026-07-01 12:00:00", "2026-07-01T10:00:00Z"),
        ("2026-01-01", "2025-12-31T23:00:00Z"),
        ("2026-07-01T12:00:00Z", "2026-07-01T12:00:00Z"),
        ("2026-07-01T12:00:00.5+05:30", "2026-07-01T06:30:00.500000Z"),
    ],
)
def test_reads_dates_in_the_workspaces_zone(
    crm: httpx.Client, records_hub: hubs.Hub, given: str, stored: str
) -> None:
    email = new_email()
    assert_taken(put(crm, "whole", {"Email": email, "Sent": given, "Done": given}))
    [one] = rows(records_hub, "responses", contact=email)
    assert one["sent_at"].replace(".000000Z", "Z") == stored


@pytest.mark.parametrize(
    "given", ["10/05/2023", "2023-02-30", "2023-05-10 25:00:00", "0001-01-01", 20230510, "2023-05-10T"]
)
def test_refuses_other_dates(crm: httpx.Client, given: object) -> None:
    found = faults(put(crm, "whole", {"Email": new_email(), "Sent": given, "Done": "2023-05-10"}))
    assert found == {"record.Sent": ["The Sent is not a valid date."]}


def test_keeps_everything_that_is_mapped(crm: httpx.Client, records_hub: hubs.Hub) -> None:
    email, company = new_email(), uuid.uuid4().hex
    said = {
        "Account": f" {company} ", "Alias": f"{company} Ltd", "Region": "North", "Email": email.upper(),
        "Phone": f"+46 {uuid.uuid4().int}", "First": " Ann ", "Title": "CTO", "Tier": "Gold", "Score": "9",
        "Comment": "Good.\n", "Where": " support ", "Follow": "y", "Details": "Call", "Ref": "R-1", "Speed": "4.5",
    }  # fmt: skip
    assert_taken(put(crm, "whole", said | DATES))
    [one] = rows(records_hub, "responses", contact=email)
    assert one["segments"] == {"account": {"region": "North"}, "contact": {"tier": "Gold"}}
    assert one["drivers"] == {"speed": 4.5}
    assert (one["touchpoint"], one["follow_up"], one["follow_up_details"]) == ("Support", True, "Call")
    assert (one["reference"], one["comment"], one["source"]) == (
        "R-1",
        "Good.\n",
        {"channel": "record", "key": "whole"},
    )
    [account] = rows(records_hub, "accounts", name=f"{company} LTD")
    assert (account["name"], account["aliases"]) == (company, [f"{company} Ltd"])
    [contact] = rows(records_hub, "contacts", email=email)
    assert (contact["first_name"], contact["job_title"], contact["account"]["name"]) == (
        "Ann",
        "CTO",
        company,
    )


def test_leaves_what_is_not_sent_and_clears_what_is_empty(crm: httpx.Client, records_hub: hubs.Hub) -> None:
    email = new_email()
    assert_taken(put(crm, "people", {"Mail": email, "First": "Ann", "Tier": "Gold", "Company": email}))
    assert_taken(put(crm, "people", {"Mail": email, "Tier": ""}))
    [contact] = rows(records_hub, "contacts", email=email)
    assert (contact["first_name"], contact["segments"], contact["account"]["name"]) == ("Ann", {}, email)
    assert_taken(put(crm, "people", {"Mail": email, "First": "", "Company": None}))
    [contact] = rows(records_hub, "contacts", email=email)
    assert (contact["first_name"], contact["account"]) == (None, None)


def test_refuses_an_alias_that_is_another_accounts(crm: httpx.Client, records_hub: hubs.Hub) -> None:
    one, other = uuid.uuid4().hex, uuid.uuid4().hex
    assert_taken(put(crm, "companies", {"Name": one}))
    found = faults(put(crm, "companies", {"Name": other, "Alias": one.upper()}))
    assert found == {"record.Alias": ["The Alias is another account's name or alias."]}
    assert rows(records_hub, "accounts", name=other) == []


def test_names_both_contacts_when_identities_conflict(crm: httpx.Client, records_hub: hubs.Hub) -> None:
    email, phone = new_email(), str(uuid.uuid4().int)
    assert_taken(put(crm, "people", {"Mail": email}))
    assert_taken(put(crm, "people", {"Tel": phone}))
    assert_taken(put(crm, "people", {"Mail": email, "Tel": phone}))
    [by_email], [by_phone] = (
        rows(records_hub, "contacts", email=email),
        rows(records_hub, "contacts", phone=phone),
    )
    assert by_email["phone"] is None
    [entry] = [one for one in rows(records_hub, "intake", limit="5") if one["submitter"]]
    assert f"contact {by_email['id']}" in entry["submitter"]
    assert f"contact {by_phone['id']}" in entry["submitter"]


def test_shows_headings_that_are_not_mapped(crm: httpx.Client, records_hub: hubs.Hub) -> None:
    assert_taken(put(crm, "companies", {"Name": uuid.uuid4().hex, "Nmae": "x"}))
    entry = rows(records_hub, "intake", limit="1")[0]
    assert (entry["unmapped"], entry["missing"], entry["target"]) == (
        ["Nmae"],
        ["Alias", "Region"],
        "companies",
    )
    assert entry["created"]["type"] == "account"


def test_reads_forms_as_php_does(crm: httpx.Client) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    def sent(body: str) -> httpx.Response:
        return crm.put("/records", content=f"configuration=companies&{body}", headers=form)

    name = uuid.uuid4().hex
    assert_taken(sent(f"record[Name]=&record[]=x&record%5BName%5D={name}"))
    assert faults(sent(f"record[Name]={name}&record[a][b]=1")) == {"record.a": ["The a must be a string."]}
    assert faults(sent("record=x")) == {"record": ["The record must be an array."]}
    assert list(faults(sent("&".join(f"record[{n}]=1" for n in range(1000))))) == ["record"]
    assert sent("record[Name]=%ff").status_code == 400


def test_wants_a_token_and_put(anyone: httpx.Client, crm: httpx.Client) -> None:
    body = {"configuration": "companies", "record": {"Name": "x"}}
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp5"}):
        answer = anyone.put("/records/", json=body, headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthenticated."})
        assert answer.headers["www-authenticate"].startswith("Bearer")
    for client in (anyone, crm):
        answer = client.post("/records/", json=body)
        assert (answer.status_code, answer.headers["allow"], list(answer.json())) == (405, "PUT", ["message"])


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", "{", 400),
        ("application/json", "[]", 400),
        ("text/plain", "x", 415),
        ("multipart/form-data", "x", 400),
        ("application/json", '{"configuration": "\\u0000"}', 400),
    ],
)
def test_refuses_what_it_cannot_read(crm: httpx.Client, content_type: str, body: str, status: int) -> None:
    answer = crm.put("/records/", content=body, headers={"Content-Type": content_type})
    assert (answer.status_code, list(answer.json())) == (status, ["message"])


def test_repeats_its_answer_under_an_idempotency_key(crm: httpx.Client, records_hub: hubs.Hub) -> None:
    email = new_email()
    key = {"Idempotency-Key": uuid.uuid4().hex}
    for replayed in (None, "true"):
        answer = put(crm, "whole", {"Email": email, **DATES}, headers=key)
        assert_taken(answer)
        assert answer.headers.get("idempotent-replayed") == replayed
    assert len(rows(records_hub, "responses", contact=email)) == 1
    assert put(crm, "whole", {"Email": new_email(), **DATES}, headers=key).status_code == 422


def test_makes_one_contact_and_one_account_of_many_at_once(crm: httpx.Client, records_hub: hubs.Hub) -> None:
    email, phone, company = new_email(), str(uuid.uuid4().int), uuid.uuid4().hex
    people = [{"Email": email}, {"Email": email, "Phone": phone}, {"Phone": phone}]

    def send(number: int) -> int:
        return put(
            crm, "whole", {**people[number % 3], "Account": company, **DATES, "Region": str(number)}
        ).status_code

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(send, range(96))) == {200}
    assert len(rows(records_hub, "accounts", name=company)) == 1
    assert len(rows(records_hub, "contacts", email=email)) == 1
    assert len(rows(records_hub, "contacts", phone=phone)) == 1
    assert len(rows(records_hub, "responses", account=company)) == 96
