"""The question that follows an answered ticket, at /take/<token>."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from playwright.sync_api import Browser, expect
from tests.support import browser as browsers
from tests.support import hub as hubs
from tests.support.visitor import Document

DESK = Path(__file__).with_name("desk.yaml")
CHECKS = Path(__file__).with_name("checks.js").read_text(encoding="utf-8")
SHOP = {"apiKey": "shop_0123456789abcdef"}

Ask = Callable[..., list[asyncpg.Record]]


@pytest.fixture(scope="module")
def agent(hub: hubs.Hub) -> dict[str, str]:
    """The header of Alice's token."""
    hub.apply(DESK)
    return {"Authorization": f"Bearer {hub.secrets['access_tokens']['Alice Agent']}"}


@pytest.fixture(scope="module")
def http(hub: hubs.Hub) -> Iterator[httpx.Client]:
    with hub.client() as client:
        yield client


class Desk:
    """Alice's place: tickets come in, she answers them."""

    def __init__(self, http: httpx.Client, agent: dict[str, str], ask: Ask) -> None:
        self.http, self.agent, self.ask = http, agent, ask

    def ticket(self, source: str = "requests") -> int:
        answer = self.http.post(
            f"/api/v1/projects/help/feedback/{source}", params=SHOP, json={"title": "Late"}
        )
        number: int = answer.json()["id"]
        return number

    def do(self, ticket: int, **action: Any) -> dict[str, Any]:
        answer = self.http.post(f"/hub/v1/tickets/{ticket}/actions", json=action, headers=self.agent)
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def answered(self, ticket: int) -> str:
        """The address of the page that the answer gets."""
        self.do(ticket, do="answer", subject="Re: Late", body="It is on its way.")
        return f"/take/{self.row(ticket)['page_token']}"

    def row(self, ticket: int) -> asyncpg.Record:
        """The ticket's latest answer."""
        return self.ask(
            "select a.* from answers a join workspaces w on w.id = a.workspace_id "
            "where w.slug = 'desk' and ticket_id = $1 order by id desc limit 1",
            ticket,
        )[0]

    def revision(self, ticket: int) -> int:
        revision: int = self.ask(
            "select revision from tickets t join workspaces w on w.id = t.workspace_id "
            "where w.slug = 'desk' and t.id = $1", ticket,
        )[0]["revision"]  # fmt: skip
        return revision


@pytest.fixture
def desk(http: httpx.Client, agent: dict[str, str], ask: Ask) -> Desk:
    return Desk(http, agent, ask)


def test_asks_the_question_about_the_answer(desk: Desk, http: httpx.Client) -> None:
    page = http.get(desk.answered(desk.ticket()))
    assert page.status_code == 200
    document = Document(page.text)
    assert document.text("h1") == "How did we do?"
    assert document.text("title") == "How did we do? – Example Helpdesk"
    labels = [" ".join(label.text.split()) for label in document.all("label")]
    assert labels[:3] == ["Good", "Not so good, because <b>it took too long</b> & cost too much", "سيئ 😀"]
    assert "About REQ-" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "set-cookie" not in page.headers


def test_keeps_the_choice_and_tells_of_it(desk: Desk, http: httpx.Client) -> None:
    ticket = desk.ticket()
    address = desk.answered(ticket)
    before = desk.revision(ticket)
    led = http.post(address, data={"choice": "1"})
    assert (led.status_code, led.headers["location"]) == (303, address)
    thanks = http.get(address)
    assert Document(thanks.text).text("h1") == "Thank you"
    assert "Good" in thanks.text
    row = desk.row(ticket)
    assert (row["opinion_text"], row["opinion_value"]) == ("Good", 1.0)
    assert desk.revision(ticket) == before + 1
    document = http.get(f"/hub/v1/tickets/{ticket}", headers=desk.agent).json()
    line = document["timeline"][-1]
    assert line["kind"] == "rated"
    assert line["note"] == (
        f"The answer to ticket {document['display_id']} was rated Good on the satisfaction page"
    )
    [told] = desk.ask(
        "select data from changes c join workspaces w on w.id = c.workspace_id "
        "where w.slug = 'desk' and kind = 'ticket.changed' and subject_id = $1", str(ticket),
    )  # fmt: skip
    assert '"changed": ["feedback"]' in told["data"]


def test_counts_the_first_choice_alone(desk: Desk, http: httpx.Client) -> None:
    ticket = desk.ticket()
    address = desk.answered(ticket)
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda _: http.post(address, data={"choice": "2"}), range(8)))
    assert {answer.status_code for answer in answers} == {303}
    revision = desk.revision(ticket)
    again = http.post(address, data={"choice": "1"}, follow_redirects=True)
    assert "Not so good, because &lt;b&gt;it took" in again.text
    assert "The first answer counts" in again.text
    assert desk.row(ticket)["opinion_value"] == 0.5
    assert desk.revision(ticket) == revision == 3


def test_asks_about_every_answer_by_itself(desk: Desk, http: httpx.Client) -> None:
    ticket = desk.ticket()
    first, second = desk.answered(ticket), desk.answered(ticket)
    assert first != second
    http.post(first, data={"choice": "1"})
    assert Document(http.get(second).text).text("h1") == "How did we do?"


@pytest.mark.parametrize(
    ("form", "status", "words"),
    [
        ({"website": ""}, 422, "Choose one of the answers."),
        ({"choice": "0"}, 422, "Choose one of the answers."),
        ({"choice": "4"}, 422, "Choose one of the answers."),
        ({"choice": "Good"}, 422, "Choose one of the answers."),
        ({"choice": "1", "website": "http://spam.example"}, 400, "a field that people cannot see"),
    ],
)
def test_asks_again_where_nothing_can_be_kept(
    desk: Desk, http: httpx.Client, form: dict[str, str], status: int, words: str
) -> None:
    ticket = desk.ticket()
    page = http.post(desk.answered(ticket), data=form)
    assert page.status_code == status
    assert words in page.text
    assert Document(page.text).text("h1") == "How did we do?"
    assert desk.row(ticket)["opinion_at"] is None


def test_refuses_what_is_no_visitor_s_form(desk: Desk, http: httpx.Client) -> None:
    address = desk.answered(desk.ticket())
    foreign = http.post(address, data={"choice": "1"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    assert http.post(address, json={"choice": 1}).status_code == 415
    assert http.put(address).status_code == 405
    assert http.head(address).status_code == 200


def test_is_gone_with_its_ticket(desk: Desk, http: httpx.Client) -> None:
    ticket = desk.ticket()
    address = desk.answered(ticket)
    desk.do(ticket, do="delete")
    assert http.get(address).status_code == 404
    assert http.post(address, data={"choice": "1"}).status_code == 404


@pytest.mark.parametrize("token", ["x" * 32, "-" * 32, "x" * 31, "x" * 33])
def test_leads_nowhere_by_another_token(http: httpx.Client, token: str) -> None:
    assert http.get(f"/take/{token}").status_code == 404


def test_stays_within_tls(desk: Desk, proxied: hubs.Hub) -> None:
    address = desk.answered(desk.ticket())
    with proxied.client() as plain:
        assert plain.get(address).status_code == 403
        assert plain.get(address, headers={"X-Forwarded-Proto": "https"}).status_code == 200


def test_keeps_its_address_out_of_the_log(desk: Desk, http: httpx.Client, hub: hubs.Hub) -> None:
    ticket = desk.ticket()
    address = desk.answered(ticket)
    http.post(address, data={"choice": "1"})
    token = address.removeprefix("/take/")
    logged = desk.ask("select 1 from intake where intake::text like '%' || $1 || '%'", token)
    assert logged == []
    row = desk.ask("select * from intake where surface = 'take' order by id desc limit 1")[0]
    assert (row["endpoint"], row["status"]) == ("/take/{token}", 303)
    assert re.fullmatch(r"REQ-\d+", row["target"])
    assert token not in hub.log.read_text(encoding="utf-8")


@browsers.needed
@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_is_answered_in_a_browser(desk: Desk, hub: hubs.Hub, browser: Browser, scripts: bool) -> None:
    address = desk.answered(desk.ticket())
    with browsers.window(browser, base_url=hub.url, java_script_enabled=scripts) as page:
        page.goto(address)
        page.get_by_label("Good", exact=True).check()
        page.get_by_role("button", name="Send answer").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
        page.reload()
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")


@browsers.needed
def test_leads_to_what_is_wrong(desk: Desk, hub: hubs.Hub, browser: Browser) -> None:
    with browsers.window(browser, base_url=hub.url) as page:
        page.goto(desk.answered(desk.ticket()))
        page.get_by_role("button", name="Send answer").click()
        page.get_by_role("link", name="Choose one of the answers.").click()
        expect(page.get_by_role("radio").first).to_be_focused()


@browsers.needed
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_fits_and_is_accessible(
    desk: Desk, hub: hubs.Hub, browser: Browser, tmp_path: Path, scheme: Any, width: int
) -> None:
    """As the pages of surveys: WCAG 2.2, 1.4.10, 2.5.8 and what checks.js looks for."""
    addresses = [desk.answered(desk.ticket(source)) for source in ("requests", "scaled")]
    size: Any = {"width": width, "height": 740}
    with browsers.window(
        browser, base_url=hub.url, viewport=size, color_scheme=scheme, reduced_motion="reduce"
    ) as page:
        for address in addresses:
            page.goto(address)
            for name in ("asked", "refused", "chosen", "thanked"):
                if name == "chosen":
                    page.get_by_role("radio").nth(1).check()
                elif name != "asked":
                    page.get_by_role("button", name="Send answer").click()
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                assert page.evaluate(CHECKS) == [], name
                for pressed in page.locator(".scale label, .choices label, button").all():
                    box = pressed.bounding_box()
                    assert box
                    assert box["height"] >= 44
                    assert box["width"] >= 40
