"""What only the database can tell: names that the document takes from what is stored."""

# ruff: noqa: E501 — documents are read line by line

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tellback.core import errors, provisioning
from tellback.core.provisioning import Outcome
from tellback.storage.database import Database

pytestmark = pytest.mark.anyio


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url)
    yield database
    await database.close()


def hub(*, keys: str = "", people: str = "", sources: str = "", statuses: str = "New", more: str = "") -> str:
    return f"""
workspace: {{slug: demo}}
api_keys: [{keys}]
projects:
  - key: beta
    participants: [{people}]
    feedback_types:
      - key: bugs
        prefix: BUG
        statuses: [{{name: {statuses}, kind: open}}]
        elements: [{{key: title, type: text}}]
        external_sources: [{sources}]
{more}"""


SOURCE = (
    "{key: app, api_key: Mobile apps, status: New, default_submitter: bo@example.com, fields: {title: title}}"
)
WHOLE = hub(keys="{name: Mobile apps}", people="{email: bo@example.com, name: Bo}", sources=SOURCE)
AT = "projects[0].feedback_types[0]"


async def applied(db: Database, text: str, *, prune: bool = False) -> Outcome:
    return await provisioning.apply(db, provisioning.read(text, "hub.yaml"), prune=prune)


async def refusal(db: Database, text: str, *, prune: bool = False) -> list[str]:
    with pytest.raises(errors.Invalid) as refused:
        await applied(db, text, prune=prune)
    return [str(fault) for fault in refused.value.faults]


async def test_finds_keys_and_people_that_are_stored_already(db: Database) -> None:
    await applied(db, hub(keys="{name: Mobile apps}", people="{email: Bo@example.com, name: Bo}"))
    outcome = await applied(db, hub(sources=SOURCE))
    assert [str(change) for change in outcome.changed] == ["created projects.beta.external_sources.app"]
    assert (await applied(db, hub(sources=SOURCE))).changed == ()


async def test_refuses_a_source_whose_key_or_submitter_is_nowhere(db: Database) -> None:
    assert await refusal(db, hub(sources=SOURCE)) == [
        f"hub.yaml:12: {AT}.external_sources[0].api_key: there is no API key 'Mobile apps'",
        f"hub.yaml:12: {AT}.external_sources[0].default_submitter: bo@example.com is no participant of beta",
    ]
    async with db.reading() as reader:
        assert await reader.fetchval("select count(*) from workspaces") == 0


async def test_refuses_with_prune_to_refer_to_what_is_about_to_be_archived(db: Database) -> None:
    await applied(db, WHOLE)
    assert await refusal(db, hub(sources=SOURCE), prune=True) == [
        f"hub.yaml:12: {AT}.external_sources[0].api_key: there is no API key 'Mobile apps'",
        f"hub.yaml:12: {AT}.external_sources[0].default_submitter: bo@example.com is no participant of beta",
    ]


async def test_reports_the_faults_of_form_and_those_of_the_database_together(db: Database) -> None:
    text = hub(keys="{name: a, enabled: perhaps}", people="{email: ann@example.com}", sources=SOURCE)
    assert await refusal(db, text) == [
        "hub.yaml:3: api_keys[0].enabled: true or false is due here, not 'perhaps'",
        f"hub.yaml:12: {AT}.external_sources[0].api_key: there is no API key 'Mobile apps'",
        f"hub.yaml:12: {AT}.external_sources[0].default_submitter: bo@example.com is no participant of beta",
    ]


async def test_tells_what_is_nowhere_also_of_sections_that_have_faults_of_their_own(db: Database) -> None:
    more = """
import_configurations: [{reference: r, object: thing, fields: {Account Name: account.name}}]
incoming_webhooks:
  - {name: a, username: u, configuration: r}
  - {name: b, username: u, configuration: q}
webhooks: [{key: w, url: "https://x.example", method: FETCH}]
rules:
  - {key: a, on: ticket.created, when: {project: beta, type: bugs, colour: red}, do: [{webhook: w}, {webhook: v}]}
  - {key: b, on: ticket.created, when: {project: gamma}, do: [{set_status: Done}]}
  - {key: c, on: ticket.created, when: {type: ideas}, do: [{set_status: Done}]}
pages: [{key: m, page_id: "1", app_secret: s, low_rating_tickets: {at_most: 2, project: beta, type: ideas}}]
surveys:
  - {id: 1, title: T, questions: [{title: Q, text: q, type: enter_text}], tickets: {project: beta, type: bug, when: {score_below: 7}}}
record_lookups: [{key: l, object: feedback, api_key: k, fields: [title, colour]}]
"""
    text = hub(keys="{name: k, enabled: perhaps}", more=more).replace(
        "participants: []", "participants: [{email: bo}]"
    )
    assert [fault.split(": ")[1] for fault in await refusal(db, text)] == [
        "api_keys[0].enabled",
        "projects[0].participants[0].email",
        "import_configurations[0].object",
        "incoming_webhooks[1].configuration",
        "webhooks[0].method",
        "rules[0].do[1].webhook",
        "rules[0].when.colour",
        "rules[1].when.project",
        "rules[2].when.type",
        "pages[0].low_rating_tickets.type",
        "surveys[0].tickets.type",
        "record_lookups[0].fields[1]",
    ]


async def test_asks_nothing_of_a_type_whose_faults_hide_what_is_in_it(db: Database) -> None:
    more = """
rules:
  - {key: a, on: ticket.created, when: {type: bugs, colour: red, status: Gone}, do: [{set_status: Gone}]}
record_lookups: [{key: l, object: feedback, api_key: k, fields: [colour]}]
"""
    text = hub(keys="{name: k}", more=more).replace("        prefix: BUG\n", "")
    assert [fault.split(": ")[1] for fault in await refusal(db, text)] == [
        "projects[0].feedback_types[0].prefix"
    ]


async def test_refuses_to_take_away_what_a_source_left_alone_needs(db: Database) -> None:
    await applied(db, WHOLE)
    assert await refusal(db, hub(statuses="Fresh")) == [
        f"hub.yaml:8: {AT}: the source 'app', which is not mentioned here, needs it:"
        " 'New' is no status of the type; it has Fresh"
    ]
    outcome = await applied(db, hub(statuses="Fresh"), prune=True)
    assert "archived projects.beta.external_sources.app" in [str(change) for change in outcome.changed]


async def test_tells_what_a_source_left_alone_needs_beside_other_faults_of_its_type(db: Database) -> None:
    await applied(db, WHOLE)
    text = hub(statuses="Fresh").replace("prefix: BUG", "prefix: BUG\n        digits: 0")
    assert [fault.split(": ")[1] for fault in await refusal(db, text)] == [AT, f"{AT}.digits"]
    faulty = hub(statuses="Fresh", sources=SOURCE.replace("api_key: Mobile apps, ", ""))
    assert [fault.split(": ")[1] for fault in await refusal(db, faulty)] == [
        f"{AT}.external_sources[0].api_key"
    ]


async def test_refuses_a_prefix_that_a_stored_type_has_even_an_archived_one(db: Database) -> None:
    await applied(db, WHOLE)
    other = WHOLE.replace("key: bugs", "key: defects")
    fault = "hub.yaml:9: projects[0].feedback_types[0].prefix: 'BUG' is the prefix of beta.bugs already"
    assert await refusal(db, other.replace("key: app,", "key: app2,")) == [fault]
    await applied(db, "workspace: {slug: demo}", prune=True)
    assert await refusal(db, other) == [fault]


async def test_changes_a_type_in_place_and_leaves_its_tickets_values_alone(db: Database) -> None:
    await applied(db, WHOLE)
    text = WHOLE.replace(
        "{key: title, type: text}", "{key: title, type: text, required: true}, {key: n, type: text}"
    )
    outcome = await applied(db, text)
    assert [change.path for change in outcome.changed] == ["projects.beta.feedback_types.bugs"]
    assert [member.member for member in outcome.changed[0].members] == ["elements"]


async def test_keeps_a_participants_name_that_the_document_leaves_out(db: Database) -> None:
    await applied(db, WHOLE)
    unnamed = WHOLE.replace(
        "{email: bo@example.com, name: Bo}", "{email: BO@example.com}, {email: new@example.com}"
    )
    outcome = await applied(db, unnamed)
    assert [str(change) for change in outcome.changed] == [
        "created projects.beta.participants.new@example.com"
    ]
    async with db.reading() as reader:
        shown = await provisioning.show(reader, "demo")
    assert shown["projects"][0]["participants"] == [
        {"email": "bo@example.com", "name": "Bo"},
        {"email": "new@example.com", "name": "new@example.com"},
    ]


async def test_keeps_a_projects_name_that_the_document_leaves_out(db: Database) -> None:
    await applied(db, WHOLE.replace("- key: beta", "- key: beta\n    name: Beta programme"))
    outcome = await applied(
        db,
        "workspace: {slug: demo}\nprojects: [{key: beta, participants: [{email: ann@example.com}]}, {key: gamma}]",
    )
    assert [str(change) for change in outcome.changed] == [
        "created projects.gamma",
        "created projects.beta.participants.ann@example.com",
    ]
    await applied(db, "workspace: {slug: demo}", prune=True)
    await applied(db, "workspace: {slug: demo}\nprojects: [{key: beta}, {key: gamma}]")
    async with db.reading() as reader:
        shown = await provisioning.show(reader, "demo")
    assert [project["name"] for project in shown["projects"]] == ["Beta programme", "gamma"]


async def test_shares_nothing_between_workspaces(db: Database) -> None:
    await applied(db, WHOLE)
    outcome = await applied(db, WHOLE.replace("slug: demo", "slug: other"), prune=True)
    assert {change.verb for change in outcome.changed} == {"created"}
    assert (await applied(db, WHOLE, prune=True)).changed == ()


async def test_says_that_a_workspace_is_unknown_when_it_is_to_be_shown(db: Database) -> None:
    async with db.reading() as reader:
        with pytest.raises(errors.NotFound):
            await provisioning.show(reader, "nowhere")
