"""Who may read along, keep a session, or put the page into a frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from tests.support import hub as hubs
from tests.support.visitor import Document, Visitor

Visit = Callable[..., Visitor]
FRAMED = {"Sec-Fetch-Dest": "iframe"}


@pytest.fixture
def https(proxied: hubs.Hub) -> Iterator[httpx.Client]:
    with proxied.client(headers={"X-Forwarded-Proto": "https"}) as http:
        yield http


def cookie(answer: httpx.Response) -> list[str]:
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith("session=")
    return sorted(attributes)


def frames(answer: httpx.Response) -> str:
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert {name: policy[name] for name in ("default-src", "style-src", "form-action", "base-uri")} == {
        "default-src": "'none'", "style-src": "'self'", "form-action": "'self'", "base-uri": "'none'"
    }  # fmt: skip
    return policy["frame-ancestors"]


def test_refuses_plain_http(proxied: hubs.Hub) -> None:
    with proxied.client() as http:
        for answer in (http.get("/take/visit"), http.post("/take/visit", data={"choice": "105"})):
            assert answer.status_code == 403
            assert "needs a secure connection" in answer.text
            assert "set-cookie" not in answer.headers


def test_shows_pages_over_plain_http_where_the_operator_says_so(
    hub: hubs.Hub, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = tmp_path_factory.mktemp("http") / "log"
    with (
        hubs.running(log, *hub.place, options=("--allow-http-pages",)) as open_hub,
        open_hub.client() as http,
    ):
        assert http.get("/take/visit").status_code == 200


def test_keeps_the_cookie_to_the_survey_and_to_tls(https: httpx.Client, visit: Visit) -> None:
    assert cookie(https.get("/take/visit")) == [
        "HttpOnly", "Max-Age=2592000", "Path=/take/visit", "SameSite=Lax", "Secure"
    ]  # fmt: skip
    assert "Secure" not in cookie(visit().page)


def test_gives_a_frame_a_cookie_of_its_own(https: httpx.Client) -> None:
    attributes = cookie(https.get("/take/framed", headers=FRAMED))
    assert {"SameSite=None", "Secure", "Partitioned", "HttpOnly"} <= set(attributes)
    assert "SameSite=Lax" in cookie(https.get("/take/framed"))
    assert "SameSite=Lax" in cookie(https.get("/take/visit", headers=FRAMED))


def test_lets_nobody_frame_it_but_whom_the_survey_names(visit: Visit) -> None:
    page = visit().page
    assert frames(page) == "'none'"
    assert page.headers["x-frame-options"] == "DENY"
    page = visit("framed").page
    assert frames(page).startswith("https://shop.example http://localhost:")
    assert "x-frame-options" not in page.headers
    assert frames(visit("framed").send().page).startswith("https://shop.example")
    assert frames(visit("nothing").page) == "'none'"


def test_says_the_same_on_every_answer(visit: Visit) -> None:
    ann = visit()
    answers = [ann.page, ann.http.post("/take/visit", data=ann.document.fields() | {"choice": "105"})]
    for answer in answers:
        assert frames(answer) == "'none'"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_keeps_its_style_sheet_for_good(visit: Visit) -> None:
    ann = visit()
    address = ann.document.all("link")[0]["href"]
    answer = ann.http.get(str(address))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in answer.headers["cache-control"]


def test_holds_nothing_that_a_policy_must_allow(visit: Visit) -> None:
    ann = visit()
    for page in (ann.page, ann.send().page, ann.send(choice="105").page):
        document = Document(page.text)
        assert not document.all("script")
        assert not document.all("style")
        assert not [tag for tag in document.tags if "style" in tag.attributes]
        assert not [name for tag in document.tags for name in tag.attributes if name.startswith("on")]


def test_goes_to_the_end_without_any_cookie(visit: Visit) -> None:
    ann = visit()
    for fields, question in (
        ({"choice": "105"}, "What went well?"),
        ({"text": ""}, "What went well?"),
        ({"text": "Much"}, "How helpful was our staff?"),
        ({"choice": "201"}, "What should we do better?"),
    ):
        ann.http.cookies.clear()
        ann.send(**fields)
        assert not ann.page.history
        assert ann.question == question
    ann.http.cookies.clear()
    ann.page = ann.http.post("/take/visit", data={"session_id": ann.token, "go": "1"})
    assert ann.document.fields()["text"] == "Much"
    ann.http.cookies.clear()
    assert ann.send(text="More").question == "How helpful was our staff?"
    ann.http.cookies.clear()
    assert ann.send(choice="203").question == "Thank you"


def test_names_the_session_in_no_address(visit: Visit) -> None:
    ann = visit()
    token = ann.token
    while ann.question != "Thank you":
        ann.send(choice="201" if "staff" in ann.question else "105", text="x")
        assert token not in str(ann.page.url)
        assert not [tag for tag in ann.document.all("a") if token in (tag["href"] or "")]
