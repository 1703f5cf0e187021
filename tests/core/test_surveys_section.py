"""Provisioning surveys and survey keys: states, versions, answer ids, what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
from tests.support import surveying
from tests.support.surveying import Desk

from tellback.core import errors, provisioning, surveys
from tellback.core.surveys import Reply

pytestmark = pytest.mark.anyio

HEAD = "workspace: {slug: demo}\n"
WRONG = """
surveys:
  - id: 1
    title: Faults
    channels: [api]
    questions:
      - title: First
        text: First?
        type: choose_one
        metric: nps
        answers:
          - {id: 5, text: a, value: high}
          - {id: 5, text: b, value: 11}
          - {text: c, value: 3, goto: First}
          - {text: d, value: 3, goto: Nowhere}
          - {text: e, value: 3, goto: Second, end: true}
      - {title: Second, text: "?", type: enter_text, metric: csat, answers: [{text: x}]}
      - {title: Third, text: "?", type: choose_one, metric: feedback}
      - {title: Third, text: "?", type: enter_text}
    tickets: {project: beta, type: nothing, when: {score_below: 7}}
"""


def survey(state: str = "deployed", questions: str = "", more: str = "", channels: str = "[api]") -> str:
    asked = (
        questions
        or """
      - title: Q
        text: Q?
        type: choose_one
        answers: [{text: Yes}, {text: No}]"""
    )
    head = f"{HEAD}surveys:\n  - id: 1\n    title: S\n    channels: {channels}\n    state: {state}\n"
    return f"{head}{more}    questions:{asked}\n"


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with surveying.desk(database_url) as open_desk:
        yield open_desk


async def refused(desk: Desk, text: str) -> list[str]:
    with pytest.raises(errors.Invalid) as caught:
        await desk.apply(text)
    return [f"{fault.where}: {fault.message}" for fault in caught.value.faults]


async def answer_ids(desk: Desk, id: int = 1) -> list[int]:
    return [
        answer.id for question in (await desk.survey(id)).version.questions for answer in question.answers
    ]


def lines(outcome: provisioning.Outcome) -> Sequence[str]:
    return outcome.lines()


async def test_applies_once_and_then_has_nothing_to_change(desk: Desk) -> None:
    assert "created surveys.7" in lines(await desk.apply())
    assert lines(await desk.apply()) == ["demo: nothing to change"]


async def test_shows_a_document_that_changes_nothing(desk: Desk) -> None:
    await desk.apply(surveying.HUB + "survey_keys: [{name: Kiosk, apikey: kiosk}]\n")
    async with desk.db.reading() as reader:
        shown = await provisioning.show(reader, "demo")
    assert shown["survey_keys"] == [{"name": "Kiosk", "apikey": "kiosk"}]
    assert shown["surveys"][0]["questions"][0]["answers"] == [
        {"id": 1, "text": "10", "value": "10"}, {"id": 2, "text": "0", "value": "0"},
    ]  # fmt: skip
    assert lines(await desk.apply(provisioning.as_yaml(shown))) == ["demo: nothing to change"]


async def test_exports_a_survey_as_the_document_has_it(desk: Desk) -> None:
    await desk.apply()
    async with desk.db.reading() as reader:
        shown = await provisioning.show(reader, "demo")
        exported = await surveys.export(reader, desk.workspace_id, 7)
        assert await surveys.export(reader, desk.workspace_id, 8) is None
    assert exported == shown["surveys"][0]


async def test_tells_every_fault_at_once(desk: Desk) -> None:
    await desk.apply()
    said = await refused(desk, HEAD + WRONG)
    at = "surveys[0].questions"
    assert sorted(fault.split(": ")[0] for fault in said) == sorted(
        [
            f"{at}[0].answers[0].value",
            f"{at}[0].answers[1].value",
            f"{at}[0].answers[4].end",
            f"{at}[1].answers",
            f"{at}[1].metric",
            f"{at}[2].answers",
            f"{at}[2].metric",
            f"{at}[3].title",
            "surveys[0].questions[0].answers[1].id",
            "surveys[0].questions[0].answers[2].goto",
            "surveys[0].questions[0].answers[3].goto",
            "surveys[0].tickets.type",
        ]
    )


async def test_makes_ids_for_answers_and_keeps_them(desk: Desk) -> None:
    await desk.apply(survey())
    assert await answer_ids(desk) == [1, 2]
    changed = """
      - title: Q
        text: Another wording?
        type: choose_one
        answers: [{text: Perhaps}, {text: No}, {text: Yes, id: 40}, {text: Yes}]"""
    await desk.apply(survey(questions=changed))
    assert await answer_ids(desk) == [41, 2, 40, 1]
    fewer = "\n      - {title: Q, text: Q?, type: choose_one, answers: [{text: Never}]}"
    await desk.apply(survey(questions=fewer))
    assert await answer_ids(desk) == [42]  # no id comes to mean another answer


async def test_makes_a_version_only_where_the_questions_of_a_deployed_survey_change(desk: Desk) -> None:
    async def version() -> int:
        return (await desk.survey(1)).version.number

    one = "\n      - {title: A, text: A?, type: enter_text}"
    two = one + "\n      - {title: B, text: B?, type: enter_text}"
    await desk.apply(survey("draft", one))
    await desk.apply(survey("draft", two))
    assert await version() == 1
    await desk.apply(survey("deployed", one))
    assert await version() == 1
    await desk.apply(survey("deployed", one, "    description: Other words\n"))
    assert await version() == 1
    await desk.apply(survey("deployed", two))
    assert await version() == 2
    assert await desk.value("select count(*) from survey_versions") == 2


async def test_leaves_a_running_session_on_its_version(desk: Desk) -> None:
    two = "\n      - {title: A, text: A?, type: enter_text}\n      - {title: B, text: B?, type: enter_text}"
    await desk.apply(survey("deployed", two))
    old = await desk.survey(1)
    session = await desk.start(old)
    await desk.apply(survey("deployed", "\n      - {title: Z, text: Z?, type: enter_text}"))
    new = await desk.survey(1)
    assert [question.title for question in new.version.questions] == ["Z"]
    first = await desk.judged(new, session, Reply(text="a"))
    assert first.move.next is not None
    assert first.move.next.title == "B"
    await desk.store(first)
    last = await desk.judged(new, await desk.look(new, session.token), Reply(text="b"))
    assert last.move.next is None
    await desk.store(last)
    assert (await desk.look(new, session.token)).complete
    assert (await desk.start(new)).version == 2


async def test_freezes_the_channels_at_deployment(desk: Desk) -> None:
    await desk.apply(survey("draft", channels="[api]"))
    await desk.apply(survey("deployed", channels="[web, api]"))
    said = await refused(desk, survey("deployed", channels="[api]"))
    assert len(said) == 1
    assert said[0].startswith("surveys[0].channels: the channels are frozen since it was deployed (api, web)")
    assert lines(await desk.apply(survey("deployed", channels="[api, web]"))) == ["demo: nothing to change"]
    await desk.apply(survey("closed", channels="[api, web]"))
    assert len(await refused(desk, survey("closed", channels="[web]"))) == 1


async def test_never_goes_back(desk: Desk) -> None:
    await desk.apply(survey("deployed"))
    assert "cannot become draft again" in (await refused(desk, survey("draft")))[0]
    await desk.apply(survey("closed"))
    assert "cannot become deployed again" in (await refused(desk, survey("deployed")))[0]


async def test_keeps_state_channels_and_token_that_are_left_out(desk: Desk) -> None:
    await desk.apply(survey("deployed", more="    take_token: page\n"))
    short = "surveys: [{id: 1, title: S, questions: [{title: Z, text: Z?, type: enter_text}]}]\n"
    await desk.apply(HEAD + short)
    found = await desk.survey(1)
    assert (found.state, found.channels, found.take_token) == ("deployed", frozenset({"api"}), "page")


async def test_makes_a_page_token_when_none_is_given(desk: Desk) -> None:
    await desk.apply(survey())
    assert len((await desk.survey(1)).take_token) == 12


async def test_refuses_a_page_token_that_is_taken_in_the_whole_hub(desk: Desk) -> None:
    await desk.apply(survey(more="    take_token: page\n"))
    other = survey(more="    take_token: page\n").replace("slug: demo", "slug: other")
    assert len(await refused(desk, other)) == 1
    both = survey(more="    take_token: page\n") + survey(more="    take_token: page\n").split("surveys:\n")[
        1
    ].replace("id: 1", "id: 2")
    assert len(await refused(desk, both)) == 1


async def test_swaps_page_tokens(desk: Desk) -> None:
    def two(first: str, second: str) -> str:
        one = survey(more=f"    take_token: {first}\n")
        return one + survey(more=f"    take_token: {second}\n").split("surveys:\n")[1].replace(
            "id: 1", "id: 2"
        )

    await desk.apply(two("a", "b"))
    await desk.apply(two("b", "a"))
    assert [(await desk.survey(id)).take_token for id in (1, 2)] == ["b", "a"]


async def test_archives_what_the_file_has_no_more_and_brings_it_back(desk: Desk) -> None:
    await desk.apply(survey())
    await desk.apply(HEAD, prune=True)
    assert (await desk.survey(1)).state == "closed"
    assert "restored surveys.1" in lines(await desk.apply(survey()))[0]
    assert (await desk.survey(1)).state == "deployed"


async def test_shares_neither_key_nor_secret_among_survey_keys(desk: Desk) -> None:
    keys = "survey_keys: [{name: A, apikey: a, apisecret: s1}, {name: B, apikey: b, apisecret: s2}]\n"
    await desk.apply(HEAD + keys)
    other = HEAD.replace("demo", "other")
    assert len(await refused(desk, other + "survey_keys: [{name: X, apikey: a, apisecret: s3}]")) == 1
    assert len(await refused(desk, other + "survey_keys: [{name: X, apikey: x, apisecret: s2}]")) == 1
    assert len(await refused(desk, HEAD + "survey_keys: [{name: C, apikey: a}]")) == 1
    swapped = "survey_keys: [{name: A, apikey: b, apisecret: s2}, {name: B, apikey: a, apisecret: s1}]\n"
    await desk.apply(HEAD + swapped)
    rows = await desk.rows("select name, public_id from credentials order by name")
    assert [(row["name"], row["public_id"]) for row in rows] == [("A", "b"), ("B", "a")]


async def test_makes_a_secret_once_and_keeps_it(desk: Desk) -> None:
    outcome = await desk.apply(HEAD + "survey_keys: [{name: A, apikey: a}]")
    [secret] = outcome.secrets
    assert secret.made
    assert lines(await desk.apply(HEAD + "survey_keys: [{name: A, apikey: a}]")) == [
        "demo: nothing to change"
    ]
    changed = await desk.apply(HEAD + "survey_keys: [{name: A, apikey: a, enabled: false}]")
    assert changed.secrets == ()
