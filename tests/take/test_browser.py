"""The page in a real Chromium, with and without JavaScript."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support import browser as browsers
from tests.support import hub as hubs

pytestmark = browsers.needed

QUESTIONS = [
    "How likely are you to recommend us to a friend?",
    "What went well?",
    "How helpful was our staff?",
    "What should we do better?",
]

Open = Callable[..., Page]


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def page(request: pytest.FixtureRequest, browser: Browser, hub: hubs.Hub) -> Iterator[Page]:
    with browsers.window(browser, java_script_enabled=request.param, base_url=hub.url) as page:
        yield page


def asks(page: Page, number: int) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(QUESTIONS[number - 1])


def go_on(page: Page) -> None:
    page.get_by_role("button", name="Continue").click()


def test_takes_a_survey(page: Page) -> None:
    page.goto("/take/visit")
    asks(page, 1)
    expect(page).to_have_title(f"Question 1 of up to 4: {QUESTIONS[0]} – How was your visit?")
    page.get_by_label("9", exact=True).check()
    go_on(page)
    page.get_by_label(QUESTIONS[1]).fill("The staff 😀\nand the coffee")
    go_on(page)
    page.get_by_label("Somewhat helpful").check()
    go_on(page)
    asks(page, 4)
    page.get_by_label(QUESTIONS[3]).fill("Open earlier")
    page.get_by_role("button", name="Send answers").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")


def test_goes_back_and_answers_anew(page: Page) -> None:
    page.goto("/take/visit")
    page.get_by_label("9", exact=True).check()
    go_on(page)
    page.get_by_role("textbox").fill("The staff")
    go_on(page)
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_role("textbox")).to_have_value("The staff")
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_label("9", exact=True)).to_be_checked()
    page.get_by_label("0", exact=True).check()
    go_on(page)
    asks(page, 4)


def test_goes_back_by_the_browsers_own_button(page: Page) -> None:
    page.goto("/take/visit")
    page.get_by_label("9", exact=True).check()
    go_on(page)
    page.get_by_role("textbox").fill("The staff")
    go_on(page)
    asks(page, 3)
    page.go_back()
    asks(page, 2)
    expect(page.get_by_role("textbox")).to_have_value("The staff")
    page.get_by_role("textbox").fill("The coffee")
    go_on(page)
    asks(page, 3)
    page.go_back()
    expect(page.get_by_role("textbox")).to_have_value("The coffee")
    page.go_back()
    expect(page.get_by_label("9", exact=True)).to_be_checked()


def test_leaves_and_resumes(page: Page) -> None:
    page.goto("/take/visit")
    page.get_by_label("9", exact=True).check()
    go_on(page)
    page.goto("about:blank")
    page = page.context.new_page()
    page.goto("/take/visit")
    asks(page, 2)


def test_leads_to_what_is_wrong(page: Page) -> None:
    page.goto("/take/visit")
    go_on(page)
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(page).to_have_title("Error: " + page.title().removeprefix("Error: "))
    summary.get_by_role("link").click()
    expect(page.get_by_label("0", exact=True)).to_be_focused()
    page.get_by_label("5", exact=True).check()
    go_on(page)
    page.get_by_role("textbox").fill("   ")
    go_on(page)
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_role("link", name="Write an answer").click()
    expect(page.get_by_role("textbox")).to_be_focused()
    expect(page.get_by_role("textbox")).to_have_value("   ")
    expect(page.get_by_role("textbox")).to_have_attribute("aria-describedby", "error")


def test_needs_no_mouse(page: Page) -> None:
    page.goto("/take/visit")
    keys = page.keyboard
    keys.press("Tab")
    expect(page.get_by_label("0", exact=True)).to_be_focused()
    keys.press("Space")
    for _ in range(9):
        keys.press("ArrowRight")
    expect(page.get_by_label("9", exact=True)).to_be_checked()
    keys.press("Enter")
    asks(page, 2)
    tab_to(page, "textbox")
    keys.type("The staff")
    keys.press("Tab")
    expect(page.get_by_role("button", name="Continue")).to_be_focused()
    keys.press("Enter")
    asks(page, 3)
    keys.press("Tab")
    expect(page.get_by_role("link", name="Back")).to_be_focused()
    keys.press("Tab")
    keys.press("ArrowDown")
    expect(page.get_by_label("Somewhat helpful")).to_be_checked()
    keys.press("Enter")
    asks(page, 4)
    tab_to(page, "textbox")
    keys.type("Nothing")
    keys.press("Tab")
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")


def tab_to(page: Page, role: Any) -> None:
    for _ in range(5):
        page.keyboard.press("Tab")
        if page.locator(":focus").and_(page.get_by_role(role)).count():
            return
    raise AssertionError(f"no {role} in reach")


@contextmanager
def site(port: int, body: str) -> Iterator[None]:
    """Another site, of one page."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(f"<!doctype html><title>Shop</title>{body}".encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def test_is_taken_in_the_frame_of_a_site_that_may(browser: Browser, hub: hubs.Hub, shop_port: int) -> None:
    """Over plain HTTP the frame gets no cookie, as in browsers that refuse them there; the form carries on."""
    framed = site(shop_port, f'<iframe src="{hub.url}/take/framed" width=600 height=800></iframe>')
    with framed, browsers.window(browser) as page:
        page.goto(f"http://localhost:{shop_port}/")
        frame = page.frame_locator("iframe")
        frame.get_by_role("radio").first.check()
        frame.get_by_role("button", name="Continue").click()
        frame.get_by_role("button", name="Back").click()
        expect(frame.get_by_role("radio").first).to_be_checked()
        frame.get_by_role("button", name="Continue").click()
        frame.get_by_role("textbox").fill("Because")
        frame.get_by_role("button", name="Send answers").click()
        expect(frame.get_by_role("heading", level=1)).to_have_text("Thank you")
        assert page.context.cookies() == []


def test_stays_out_of_every_other_frame(browser: Browser, hub: hubs.Hub, shop_port: int) -> None:
    with site(shop_port, f'<iframe src="{hub.url}/take/visit"></iframe>'):
        fresh = browser.new_context()
        try:
            page = fresh.new_page()
            refused: list[str] = []
            page.on("console", lambda said: refused.append(said.text))
            page.goto(f"http://localhost:{shop_port}/")
            expect(page.frame_locator("iframe").get_by_role("radio")).to_have_count(0)
            assert any("frame-ancestors" in line for line in refused)
        finally:
            fresh.close()


def test_refuses_a_form_that_another_site_sends(browser: Browser, hub: hubs.Hub, shop_port: int) -> None:
    form = f'<form method=post action="{hub.url}/take/visit"><input name=choice value=105><button>Win</button></form>'
    with site(shop_port, form), browsers.window(browser) as page:
        page.goto(f"{hub.url}/take/visit")
        page.goto(f"http://localhost:{shop_port}/")
        page.get_by_role("button").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(
            "This form was not sent from this survey's own page"
        )
        page.get_by_role("link", name="Open the survey").click()
        asks(page, 1)


def test_keeps_a_script_in_an_answer_asleep(page: Page) -> None:
    page.goto("/take/visit")
    page.get_by_label("9", exact=True).check()
    go_on(page)
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.get_by_role("textbox").fill("</textarea><img src=x onerror=alert(1)><script>alert(2)</script>")
    go_on(page)
    page.get_by_role("link", name="Back").click()
    expect(page.locator("img")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_fits(browser: Browser, hub: hubs.Hub, tmp_path: Path, scheme: Any, width: int) -> None:
    """Nothing is cut or lies beside the screen, and what is pressed is large (WCAG 2.2, 1.4.10 and 2.5.8)."""
    size: Any = {"width": width, "height": 740}
    with browsers.window(browser, base_url=hub.url, viewport=size, color_scheme=scheme) as page:
        for _ in steps(page):
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            for pressed in page.locator(".scale label, .choices label, button, a.next, .back a").all():
                box = pressed.bounding_box()
                assert box
                assert box["height"] >= 44
                assert box["width"] >= 40


def steps(page: Page) -> Iterator[str]:
    """Every kind of page, one after the other."""
    page.goto("/take/visit")
    yield "scale"
    go_on(page)
    yield "scale with an error"
    page.get_by_label("10", exact=True).check()
    yield "scale, chosen"
    go_on(page)
    yield "text"
    go_on(page)
    yield "text with an error"
    page.get_by_role("textbox").fill("Much")
    go_on(page)
    page.get_by_label("Very helpful").check()
    yield "choices"
    go_on(page)
    page.get_by_role("textbox").fill("Nothing")
    page.get_by_role("button", name="Send answers").click()
    yield "end"
    page.goto("/take/nothing")
    yield "nothing here"
    page.goto("/take/framed")
    yield "right to left"
    page.get_by_role("radio").first.check()
    go_on(page)
    yield "long question"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_is_accessible(browser: Browser, hub: hubs.Hub, scheme: Any) -> None:
    with browsers.window(browser, base_url=hub.url, color_scheme=scheme, reduced_motion="reduce") as page:
        for name in steps(page):
            assert page.evaluate(CHECKS) == [], name


def test_shows_where_the_focus_is(browser: Browser, hub: hubs.Hub) -> None:
    with browsers.window(browser, base_url=hub.url) as page:
        page.goto("/take/visit")
        page.get_by_label("9", exact=True).check()
        go_on(page)
        seen = 0
        for _ in range(4):
            page.keyboard.press("Tab")
            outline = page.evaluate(FOCUS)
            seen += outline is not None
            assert outline is None or outline == ["solid", "3px"], outline
        assert seen == 3


def test_moves_nothing_for_those_who_want_that(browser: Browser, hub: hubs.Hub) -> None:
    with browsers.window(browser, base_url=hub.url, reduced_motion="reduce") as page:
        page.goto("/take/visit")
        moving = (
            "[...document.querySelectorAll('*')].filter(e => getComputedStyle(e).transitionDuration !== '0s')"
        )
        assert page.evaluate(f"{moving}.length") == 0


def test_shows_the_choice_in_forced_colours(browser: Browser, hub: hubs.Hub) -> None:
    with browsers.window(browser, base_url=hub.url, forced_colors="active") as page:
        page.goto("/take/visit")
        page.get_by_label("9", exact=True).check()
        colour = "e => getComputedStyle(e).backgroundColor"
        chosen = page.locator(".scale label").nth(9).evaluate(colour)
        assert chosen != page.locator(".scale label").nth(8).evaluate(colour)


#: The outline of what has the focus, or of the card around it; None where nothing of the page has it.
FOCUS = """() => {
  const focused = document.activeElement;
  if (!focused || focused === document.body) return null;
  const shown = [focused, focused.closest('label')].filter(Boolean)
    .map(e => getComputedStyle(e)).find(style => style.outlineStyle !== 'none');
  return shown ? [shown.outlineStyle, shown.outlineWidth] : ['none', ''];
}"""

#: What an accessibility checker looks at, by hand: names, labels, headings, landmarks, language, ids, contrast.
CHECKS = (Path(__file__).with_name("checks.js")).read_text(encoding="utf-8")
