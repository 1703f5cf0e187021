"""What the page refuses, in words for people, and what the log keeps of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.support import hub as hubs
from tests.support.visitor import Document, Visitor

Visit = Callable[..., Visitor]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def entries(hub: hubs.Hub) -> list[dict[str, Any]]:
    """The log's lines, newest first."""
    with hub.client(headers=hub.reader()) as http:
        data: list[dict[str, Any]] = http.get("/hub/v1/intake", params={"limit": "50"}).json()["data"]
    return data


def is_page(answer: httpx.Response) -> bool:
    """Whether it is a page of ours: HTML with one headline, that tells nobody of the inside."""
    document = Document(answer.text)
    return (
        answer.headers["content-type"] == "text/html; charset=utf-8"
        and answer.headers["cache-control"] == "no-store"
        and "default-src 'none'" in answer.headers["content-security-policy"]
        and len(document.all("h1")) == 1
        and "Traceback" not in answer.text
    )


@pytest.mark.parametrize(
    "token", ["nothing", "draft", "kiosk", "ended", "visit/more", "assets/page.css", "%00", ""]
)
def test_knows_no_such_page(hub: hubs.Hub, token: str) -> None:
    with hub.client() as http:
        for answer in (http.get(f"/take/{token}"), http.post(f"/take/{token}", data={"text": "x"})):
            assert answer.status_code == 404, answer.text
            assert is_page(answer)
            assert "There is no survey here" in answer.text


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_takes_no_other_method(hub: hubs.Hub, method: str) -> None:
    with hub.client() as http:
        answer = http.request(method, "/take/visit")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert is_page(answer)


def test_answers_head_as_get_without_the_page(hub: hubs.Hub) -> None:
    with hub.client() as http:
        answer = http.head("/take/visit")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (415, {"Content-Type": "application/json"}, b"{}"),
        (415, {"Content-Type": "multipart/form-data; boundary=x"}, b"--x--"),
        (415, {}, b"choice=109"),
        (400, FORM, b"text=%ff"),
        (400, FORM, b"text=\xff"),
        (400, FORM, b"text=%00"),
        (400, FORM, b"text=%ED%A0%80"),
        (400, FORM, b"&".join(b"a=1" for _ in range(60))),
        (413, FORM, b"text=" + b"x" * (1024 * 1024)),
        (422, FORM, b""),
        (422, FORM, b"choice=109;"),
        (422, FORM, b"choice"),
        (422, FORM, b"choice=109&question=0&step=0&version=1&session_id=" + b"-" * 12 + b"&text=x&choice"),
    ],
)
def test_reads_nothing_but_its_form(
    hub: hubs.Hub, ask: Any, status: int, headers: dict[str, str], body: bytes
) -> None:
    with hub.client() as http:
        before = ask("select count(*) from sessions")[0][0]
        answer = http.post("/take/visit", content=body, headers=headers)
    # The last body names no session that can be; the rest of it is an answer like any other.
    expected = 200 if body.startswith(b"choice=109&") else status
    assert answer.status_code == expected, answer.text
    assert is_page(answer)
    assert ask("select count(*) from sessions")[0][0] - before == (expected == 200)


def test_takes_an_answer_from_a_plain_script(hub: hubs.Hub) -> None:
    with hub.client() as http:
        answer = http.post("/take/visit", data={"choice": "105"})
    assert (answer.status_code, Document(answer.text).text("h1")) == (200, "What went well?")


def test_writes_every_answer_into_the_log(visit: Visit, hub: hubs.Hub) -> None:
    ann = visit()
    ann.send(choice="105").send(text="").send(text="Much, Ann").send(choice="203")
    told = [(entry["status"], entry["method"], entry["created"]) for entry in entries(hub)[:5]]
    assert [status for status, _, _ in told] == [303, 303, 422, 303, 200]  # newest first; 200 is the start
    assert told[0][2]["type"] == "response"
    for entry in entries(hub)[:5]:
        assert (entry["surface"], entry["target"], entry["endpoint"]) == ("take", "1", "/take/{token}")
    assert entries(hub)[2]["error"] == "Write an answer to go on."


def test_keeps_sessions_and_addresses_out_of_the_log(visit: Visit, hub: hubs.Hub, ask: Any) -> None:
    ann = visit()
    token = ann.token
    ann.send(choice="105").send(text="").send(text="Much").send(choice="203")
    ann.http.post("/take/visit", data={"session_id": token}, headers={"Sec-Fetch-Site": "cross-site"})
    kept = ask("select i::text as line from intake i where surface = 'take'")
    assert kept
    assert not [row["line"] for row in kept if token in row["line"] or "/take/visit" in row["line"]]
    assert token not in hub.log.read_text(encoding="utf-8")


def test_logs_visits_to_what_cannot_be_taken(hub: hubs.Hub) -> None:
    with hub.client() as http:
        http.get("/take/draft")
    newest = entries(hub)[0]
    assert (newest["surface"], newest["target"], newest["status"]) == ("take", "3", 404)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_refuses_forms_of_other_sites(visit: Visit, ask: Any, headers: dict[str, str]) -> None:
    ann = visit().send(choice="105")
    token = ann.token
    answer = ann.http.post("/take/visit", data=ann.document.fields() | {"text": "Forged"}, headers=headers)
    assert answer.status_code == 403
    assert is_page(answer)
    assert ask("select step from sessions where token = $1", token)[0][0] == 1


def test_takes_forms_of_its_own_page(visit: Visit, hub: hubs.Hub) -> None:
    ann = visit()
    for headers in ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, {"Origin": hub.url}):
        answer = ann.http.post("/take/visit", data=ann.document.fields() | {"choice": "105"}, headers=headers)
        assert answer.status_code == 303


def test_keeps_out_what_fills_in_every_field(visit: Visit, ask: Any, hub: hubs.Hub) -> None:
    ann = visit().send(choice="105")
    token = ann.token
    ann.send(text="Buy here", website="https://spam.example")
    assert (ann.page.status_code, ann.question) == (400, "What went well?")
    assert ann.document.fields()["text"] == "Buy here"  # should a browser have filled it in, nothing is lost
    assert ann.document.fields()["website"] == ""
    assert ask("select step from sessions where token = $1", token)[0][0] == 1
    assert "people cannot see" in entries(hub)[0]["error"]
    assert ann.send().question == "How helpful was our staff?"


def test_takes_no_session_of_another_survey_or_channel(visit: Visit, ask: Any, hub: hubs.Hub) -> None:
    other = visit("one").send(text="x")
    token = next(iter(other.http.cookies.values()))
    ann = visit()
    sent = {"session_id": token, "choice": "105"}
    ann.page = ann.http.post("/take/visit", data=sent, follow_redirects=True)
    assert ann.question == "What went well?"
    assert ann.token != token
    assert ask("select step from sessions where token = $1", token)[0][0] == 1


def test_lets_one_address_start_so_many(proxied: hubs.Hub) -> None:
    """A tenth of --address-limit; whoever has begun goes on."""
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    began = []
    for _ in range(10):
        with proxied.client(headers=headers) as http:
            began.append(Visitor(http, "/take/visit").open())
            assert began[-1].send(choice="105").question == "What went well?"
            fields = began[-1].document.fields()
    with proxied.client(headers=headers) as http:
        late = Visitor(http, "/take/visit").open().send(choice="106")
        assert late.page.status_code == 429
        assert int(late.page.headers["retry-after"]) >= 1
        assert late.document.fields()["choice"] == "106"
        assert http.post("/take/visit", data=fields | {"text": "Much"}).status_code == 200
    with proxied.client(headers=headers | {"X-Forwarded-For": "203.0.113.10"}) as http:
        assert Visitor(http, "/take/visit").open().send(choice="105").page.status_code == 200
