"""Record lookups and data packages: what an outside system reads."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from tests.dialects.centercode.conftest import Outside

P = "/api/v1/projects/beta"
NOT_FOUND = {"status": 404, "description": "The requested resource could not be found."}


def texts(body: dict[str, Any]) -> list[list[str]]:
    return [[cell["computedValue"] for cell in row] for row in body["data"]]


def test_shows_one_record_with_the_fields_of_the_lookup(outside: Outside) -> None:
    made = outside.file(title="It broke", devices=["Phone", "Tablet"], stars=4)
    outside.post(f"{P}/feedbackListeners/jira/{made['id']}", {"issue_key": "WEB-7", "open": True})
    answer = outside.get(f"{P}/feedbackRecordLookups/card/{made['feedbackId']}")
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["fields", "data"]
    assert [(one["name"], one["dataType"]) for one in body["fields"]] == [
        ("display_id", "string"), ("status", "string"), ("title", "string"), ("devices", "list"),
        ("stars", "integer"), ("log", "list"), ("submitter", "string"), ("tags", "list"), ("deleted", "boolean"),
        ("created_at", "datetime"), ("external.jira.issue_key", "string"), ("external.jira.open", "boolean"),
    ]  # fmt: skip
    [row] = body["data"]
    assert [cell["fieldOrdinal"] for cell in row] == list(range(12))
    assert row[3] == {
        "fieldOrdinal": 3, "dataType": "list", "computedValue": "Phone, Tablet", "values": ["Phone", "Tablet"],
    }  # fmt: skip
    assert [cell["values"] for cell in row[:9]] == [
        [made["feedbackId"]], ["New"], ["It broke"], ["Phone", "Tablet"], [4], [], ["bo@example.com"], [], [False],
    ]  # fmt: skip
    assert (row[8]["computedValue"], row[9]["computedValue"][:4]) == ("false", "2026")
    assert [(cell["dataType"], cell["computedValue"]) for cell in row[10:]] == [
        ("string", "WEB-7"), ("boolean", "true"),
    ]  # fmt: skip


def test_shows_what_is_not_there_as_nothing(outside: Outside) -> None:
    made = outside.file()
    row = outside.get(f"/api/v1/feedbackRecordLookups/card/{made['id']}").json()["data"][0]
    assert row[4] == {"fieldOrdinal": 4, "dataType": "integer", "computedValue": "", "values": []}


def test_looks_people_up_by_e_mail_and_id(outside: Outside) -> None:
    outside.post(f"{P}/userListeners/person/bo@example.com", {"tier": "silver"})
    body = outside.get("/api/v1/userRecordLookups/who/bo@example.com").json()
    assert texts(body) == [["bo@example.com", "Bo Default", "silver"]]
    assert outside.get(f"{P}/userRecordLookups/who/cy@example.com").json() == NOT_FOUND


def test_looks_up_nothing_outside_project_and_filter(outside: Outside) -> None:
    idea, ask = outside.file("beta/ideas"), outside.file("shop/web")
    for path in (f"card/{idea['id']}", f"card/{ask['id']}", "card/0", "card/x", "none/1"):
        assert outside.get(f"/api/v1/feedbackRecordLookups/{path}").json() == NOT_FOUND, path
    assert outside.get(f"/api/v1/feedbackRecordLookups/any/{ask['id']}").status_code == 200
    assert outside.get(f"{P}/feedbackRecordLookups/any/{ask['id']}").status_code == 404


def test_gives_a_package_in_pages(outside: Outside) -> None:
    made = [outside.file(severity="High") for _ in range(7)]
    outside.file(severity="Low")
    first = outside.get(f"{P}/feedbackDataPackages/open").json()
    total = first["paging"]["totalResults"]
    pages = -(-total // 3)
    assert first["paging"] == {
        "totalPages": pages, "currentPage": 1, "resultsPerPage": 3, "totalResults": total,
    }  # fmt: skip
    seen = []
    for number in range(1, pages + 1):
        body = outside.get("/api/v1/feedbackDataReturns/open", page=number).json()
        assert len(body["data"]) == (3 if number < pages else total - 3 * (pages - 1))
        seen += texts(body)
    assert len(seen) == total
    assert [row[0] for row in seen][-7:] == [one["feedbackId"] for one in made]
    past = outside.get(f"{P}/feedbackDataPackages/open", page=pages + 1).json()
    assert (past["data"], past["paging"]["currentPage"]) == ([], pages + 1)
    assert outside.get(f"{P}/feedbackDataPackages/open", page=10**15).json()["data"] == []


def test_follows_what_changes(outside: Outside) -> None:
    made = outside.file(severity="High")

    def total() -> int:
        number: int = outside.get(f"{P}/feedbackDataPackages/open").json()["paging"]["totalResults"]
        return number

    before = total()
    outside.file(severity="High")
    assert total() == before + 1
    outside.post(f"{P}/feedbackListeners/done/{made['id']}")
    assert total() == before


def test_keeps_a_project_to_itself(outside: Outside) -> None:
    ask, bug = outside.file("shop/web"), outside.file()
    whole = outside.get("/api/v1/feedbackDataPackages/all", page=1).json()["paging"]["totalResults"]
    beta = outside.get(f"{P}/feedbackDataPackages/all").json()["paging"]["totalResults"]
    shop = outside.get("/api/v1/projects/shop/feedbackDataPackages/all").json()
    assert beta + shop["paging"]["totalResults"] == whole
    ids = [row[0] for row in texts(shop)]
    assert str(ask["id"]) in ids
    assert str(bug["id"]) not in ids


def test_gives_people_and_projects(outside: Outside) -> None:
    people = outside.get(f"{P}/userDataPackages/people").json()
    assert sorted(texts(people)) == [["ann@example.com", "Ann Tester"], ["bo@example.com", "Bo Default"]]
    projects = outside.get("/api/v1/projectDataPackages/projects").json()
    assert texts(projects) == [["beta", "Beta programme", "bugs, ideas"], ["shop", "Web shop", "asks"]]
    assert projects["data"][0][2]["values"] == ["bugs", "ideas"]
    alone = outside.get("/api/v1/projects/shop/projectDataReturns/projects").json()
    assert texts(alone) == [["shop", "Web shop", "asks"]]


@pytest.mark.parametrize("page", ["0", "-1", "abc", "", "1.5", "1" * 19])
def test_refuses_a_page_that_is_no_number(outside: Outside, page: str) -> None:
    answer = outside.get(f"{P}/feedbackDataPackages/open", page=page)
    assert (answer.status_code, answer.json()["status"]) == (400, 400)


def test_gives_a_page_as_csv_that_a_spreadsheet_may_open(outside: Outside) -> None:
    outside.file(severity="High", title='=HYPERLINK("x"), "quoted"\nand more')
    total = outside.get(f"{P}/feedbackDataPackages/open").json()["paging"]["totalResults"]
    answer = outside.get(f"{P}/feedbackDataPackages/open", format="csv", page=-(-total // 3))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    rows = list(csv.reader(io.StringIO(answer.text, newline="")))
    assert rows[0] == ["display_id", "title", "severity"]
    assert rows[-1][1] == '\'=HYPERLINK("x"), "quoted"\nand more'
    made = outside.file()
    one = outside.get(f"{P}/feedbackRecordLookups/card/{made['id']}", format="csv")
    assert len(list(csv.reader(io.StringIO(one.text, newline="")))) == 2
    assert outside.get(f"{P}/feedbackDataPackages/open", format="xml").status_code == 400


def test_wants_its_own_key(outside: Outside) -> None:
    other = Outside(outside.http, outside.hub, "oth_6f1d0c8e5a7b4923")
    for path in (
        "feedbackDataPackages/open",
        "projectDataPackages/projects",
        "userRecordLookups/who/ann@example.com",
    ):
        assert other.get(f"/api/v1/{path}").status_code == 403, path
        assert outside.http.get(f"/api/v1/{path}").status_code == 401, path


def test_finds_a_package_by_its_object_alone(outside: Outside) -> None:
    for path in ("userDataPackages/open", "projectDataPackages/open", "feedbackDataPackages/people"):
        assert outside.get(f"/api/v1/{path}").json() == NOT_FOUND, path
