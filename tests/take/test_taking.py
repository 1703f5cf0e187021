"""A survey taken on its page, by somebody who has no JavaScript."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support import hub as hubs
from tests.support.processes import eventually
from tests.support.visitor import Visitor

Visit = Callable[..., Visitor]

Run = Callable[[str], None]
OF = "select answers::text, step, completed_at is not null as complete from sessions where token = $1"
THANKS = "Thank you"


def response_of(hub: hubs.Hub, token: str) -> dict[str, Any]:
    with hub.client(headers=hub.reader()) as http:
        found = http.get("/hub/v1/responses", params={"channel": "web", "limit": "1000"}).json()["data"]
    [one] = [response for response in found if response["session"] == token]
    answer: dict[str, Any] = one
    return answer


def test_takes_a_survey_to_its_end(visit: Visit, hub: hubs.Hub) -> None:
    ann = visit()
    assert ann.question == "How likely are you to recommend us to a friend?"
    token = ann.token
    assert ann.send(choice="109").question == "What went well?"
    assert ann.send(text="The staff 😀").question == "How helpful was our staff?"
    assert ann.send(choice="202").question == "What should we do better?"
    assert ann.send(text="Open\r\nearlier").question == THANKS
    response = response_of(hub, token)
    assert response["scores"] == {"nps": 9, "csat": 3}
    assert (response["kind"], response["score"], response["complete"]) == ("nps", 9, True)
    assert response["comment"] == "The staff 😀\n\nOpen\nearlier"


def test_goes_where_an_answer_leads(visit: Visit) -> None:
    bo = visit()
    assert bo.send(choice="100").question == "What should we do better?"
    assert "Question 2 of 2" in bo.text
    ida = visit()
    ida.send(choice="110").send(text="All of it").send(choice="203")
    assert ida.question == THANKS


def test_stores_nothing_of_a_mere_look(visit: Visit, ask: Any) -> None:
    assert ask(OF, visit().token) == []


def test_shows_how_far_one_has_come(visit: Visit) -> None:
    ann = visit()
    assert "Question 1 of up to 4" in ann.text
    progress = ann.send(choice="105").document.all("progress")[0]
    assert (progress["value"], progress["max"]) == ("1", "4")
    assert "Question 2 of up to 4" in ann.text


def test_resumes_where_one_left(visit: Visit) -> None:
    ann = visit().send(choice="105").send(text="Much")
    ann.http.cookies.jar.clear_session_cookies()  # a closed browser forgets these; ours is not one
    assert ann.open().question == "How helpful was our staff?"
    assert visit().question == "How likely are you to recommend us to a friend?"


def test_goes_back_to_what_was_answered(visit: Visit) -> None:
    ann = visit().send(choice="105").send(text="  Much\n& <more>")
    back = next(tag["href"] for tag in ann.document.all("a") if tag.text == "Back")
    assert ann.open(back).question == "What went well?"
    assert ann.document.fields()["text"] == "  Much\n& <more>"
    back = next(tag["href"] for tag in ann.document.all("a") if tag.text == "Back")
    assert ann.open(back).document.fields()["choice"] == "105"
    assert not [tag for tag in ann.document.all("a") if tag.text == "Back"]
    assert ann.open().question == "How helpful was our staff?"  # looking back has changed nothing


def test_answers_anew_and_drops_what_came_after(visit: Visit, ask: Any, hub: hubs.Hub) -> None:
    ann = visit().send(choice="109").send(text="The staff").send(choice="201")
    token = ann.token
    ann.open("/take/visit?question=1").send(choice="100")
    assert ann.question == "What should we do better?"
    assert ann.send(text="Everything").question == THANKS
    response = response_of(hub, token)
    assert (response["score"], response["scores"], response["comment"]) == (0, {"nps": 0}, "Everything")


@pytest.mark.parametrize("place", ["9", "0", "-1", "x", "99999999999", "4"])
def test_shows_the_question_to_answer_for_one_not_come_to(visit: Visit, place: str) -> None:
    ann = visit().send(choice="105")
    assert ann.open(f"/take/visit?question={place}").question == "What went well?"


def test_counts_a_double_click_once(visit: Visit, ask: Any) -> None:
    ann = visit()
    fields = ann.document.fields() | {"choice": "104"}
    token, answers = ann.token, []

    def click() -> None:
        answers.append(ann.http.post("/take/visit", data=fields, follow_redirects=True))

    threads = [threading.Thread(target=click) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200}
    assert all("What went well?" in answer.text for answer in answers)
    [session] = ask(OF, token)
    assert session["step"] == 1


BETWEEN = """
create function answered_between() returns trigger language plpgsql as $$
begin
  new.step := 1;
  new.answers := '[{"question": 0, "answer": 105, "text": null, "at": "2026-01-01T00:00:00Z"}]';
  return new;
end $$;
create trigger answered_between before insert on sessions
  for each row when (new.token = '%s') execute function answered_between();
"""


def test_replaces_no_answer_that_came_while_it_began_the_session(visit: Visit, ask: Any, run: Run) -> None:
    ann = visit()
    run(BETWEEN % ann.token)
    try:
        ann.send(choice="100")
    finally:
        run("drop trigger answered_between on sessions; drop function answered_between()")
    assert "answered this question already" in ann.text
    [session] = ask(OF, ann.token)
    assert session["step"] == 1
    assert '"answer": 105' in session["answers"]


def test_counts_the_last_answer_once(visit: Visit, ask: Any, hub: hubs.Hub) -> None:
    ann = visit("one")
    fields = ann.document.fields() | {"text": "It is fine"}
    token = ann.token
    for _ in range(3):
        ann.page = ann.http.post("/take/one", data=fields, follow_redirects=True)
        assert ann.question == THANKS
    assert response_of(hub, token)["comment"] == "It is fine"
    assert ask("select count(*) from responses r join sessions s on (s.workspace_id, s.number) = "
               "(r.workspace_id, r.session_number) where s.token = $1", token)[0][0] == 1  # fmt: skip


def test_asks_before_an_old_page_replaces_an_answer(visit: Visit, ask: Any) -> None:
    ann = visit().send(choice="105")
    old = ann.page
    ann.send(text="First").send(choice="201")
    ann.page = old
    ann.send(text="Second")
    assert ann.page.status_code == 200
    assert ann.question == "What went well?"
    assert ann.document.fields()["text"] == "Second"
    assert "answered this question already" in ann.text
    assert '"First"' in ask(OF, ann.token)[0]["answers"]
    assert ann.send().question == "How helpful was our staff?"
    assert '"Second"' in ask(OF, ann.token)[0]["answers"]


def test_goes_on_from_a_page_that_the_way_left(visit: Visit) -> None:
    ann = visit().send(choice="105").send(text="Much")
    old = ann.page  # asks for the staff
    ann.open("/take/visit?question=1").send(choice="100")
    ann.page = old
    ann.send(choice="201")
    assert (ann.page.status_code, ann.question) == (200, "What should we do better?")
    assert "Your answers were changed meanwhile" in ann.text


def test_keeps_two_racing_answers_apart(visit: Visit, ask: Any) -> None:
    ann = visit()
    fields, token = ann.document.fields(), ann.token
    pages: list[str] = []

    def answer(choice: int) -> None:
        sent = ann.http.post("/take/visit", data=fields | {"choice": str(choice)}, follow_redirects=True)
        assert sent.status_code == 200
        pages.append(sent.text)

    threads = [threading.Thread(target=answer, args=(choice,)) for choice in range(102, 110)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [session] = ask(OF, token)
    assert session["step"] == 1
    assert sum("answered this question already" in page for page in pages) == 7


@pytest.mark.parametrize("text", ["", " \n\t ", "　"])
def test_asks_again_for_a_text(visit: Visit, text: str) -> None:
    ann = visit().send(choice="105").send(text=text)
    assert (ann.page.status_code, ann.question) == (422, "What went well?")
    assert "Write an answer to go on." in ann.text
    assert ann.document.text("title").startswith("Error: ")


@pytest.mark.parametrize(
    "fields", [{}, {"choice": "201"}, {"choice": "x"}, {"choice": "9" * 40}, {"text": "9"}]
)
def test_asks_again_for_a_choice(visit: Visit, fields: dict[str, str]) -> None:
    ann = visit().send(**fields)
    assert (ann.page.status_code, ann.question) == (422, "How likely are you to recommend us to a friend?")
    assert "Choose one of the answers." in ann.text


def test_keeps_a_text_that_is_too_long(visit: Visit) -> None:
    text = "\n" + "ä" * 65_535
    ann = visit().send(choice="105").send(text=text)
    assert ann.page.status_code == 422
    assert "65,536 characters" in ann.text
    assert ann.document.fields()["text"] == text
    assert ann.send(text=text[1:]).question == "How helpful was our staff?"


def test_takes_the_longest_text_there_is(visit: Visit) -> None:
    assert visit("one").send(text="😀" * 65_535).question == THANKS


def test_shows_what_was_written_as_text(visit: Visit) -> None:
    script = "</textarea><script>alert(1)</script>"
    ann = visit().send(choice="105").send(text=script)
    ann.open("/take/visit?question=2")
    assert ann.document.fields()["text"] == script
    assert "<script" not in ann.page.text


def test_stays_at_the_end(visit: Visit) -> None:
    ann = visit("one").send(text="It is fine")
    assert ann.open().question == THANKS
    assert ann.open("/take/one?question=1").question == THANKS


def test_lets_the_next_person_begin(visit: Visit, ask: Any) -> None:
    ann = visit("one")
    first = ann.token
    ann.send(text="It is fine").send(go="again")
    assert ann.question == "What is it?"
    assert ann.token != first
    assert ann.send(text="It is not").question == THANKS
    assert '"It is fine"' in ask(OF, first)[0]["answers"]


def test_begins_anew_after_a_long_rest(visit: Visit, ask: Any) -> None:
    ann = visit().send(choice="105")
    old = ann.token
    ask("update sessions set active_at = now() - interval '31 days' where token = $1", old)
    assert ann.open().question == "How likely are you to recommend us to a friend?"
    assert "You were away for long" in ann.text
    assert ann.token != old
    assert ann.send(choice="105").question == "What went well?"


def test_refuses_an_answer_after_a_long_rest(visit: Visit, ask: Any) -> None:
    ann = visit().send(choice="105")
    old = ann.token
    ask("update sessions set active_at = now() - interval '31 days' where token = $1", old)
    ann.send(text="Late")
    assert "You were away for long" in ann.text
    assert ask(OF, old)[0]["step"] == 1


def changed(tmp_path: Path, **members: Any) -> Path:
    """A document with one survey in it; the others are left alone."""
    survey = {"title": "Changing", "channels": ["web"], "state": "deployed"}
    file = tmp_path / "changed.yaml"
    file.write_text(yaml.safe_dump({"workspace": {"slug": "web"}, "surveys": [survey | members]}))
    return file


TWO = [
    {"title": "A", "text": "What is it?", "type": "enter_text"},
    {"title": "B", "text": "And why?", "type": "enter_text"},
]


def test_lets_running_sessions_finish_a_closed_survey(visit: Visit, hub: hubs.Hub, tmp_path: Path) -> None:
    hub.apply(changed(tmp_path, id=20, take_token="closing", questions=TWO))
    ann = visit("closing").send(text="A thing")
    not_begun = visit("closing")
    hub.apply(changed(tmp_path, id=20, take_token="closing", questions=TWO, state="closed"))
    eventually(lambda: visit("closing").page.status_code == 404)
    assert not_begun.send(text="Late").page.status_code == 404
    assert ann.open().question == "And why?"
    assert ann.send(text="Because").question == THANKS
    assert ann.document.all("button") == []  # nothing to begin again


def test_keeps_a_session_on_its_version(visit: Visit, hub: hubs.Hub, tmp_path: Path) -> None:
    hub.apply(changed(tmp_path, id=21, take_token="edited", questions=TWO))
    ann = visit("edited").send(text="A thing")
    looking = visit("edited")
    edited = [TWO[0] | {"text": "Who is it?"}, TWO[1] | {"text": "Since when?"}]
    hub.apply(changed(tmp_path, id=21, take_token="edited", questions=edited))
    eventually(lambda: visit("edited").question == "Who is it?")
    assert ann.open().question == "And why?"
    looking.send(text="A thing")
    assert looking.question == "Who is it?"
    assert "The survey was changed meanwhile" in looking.text
    assert looking.document.fields()["text"] == "A thing"
    assert looking.send(text="Ann").question == "Since when?"
