"""Sections `webhooks`, `rules` and `subscriptions` of the configuration file."""

# ruff: noqa: E501 — a table of faults is read line by line

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support import postgres as databases

from tellback.core import errors, form_values, provisioning
from tellback.core.automation import events, queries
from tellback.core.automation.model import Action
from tellback.core.deliveries import queries as delivery_queries
from tellback.core.deliveries.definitions import BasicAuth, Header, ReturnValue
from tellback.core.deliveries.model import DestinationKind, NewDelivery, Request
from tellback.core.provisioning import Outcome
from tellback.storage.database import Database

pytestmark = pytest.mark.anyio

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
PROJECTS = """
workspace: {slug: demo}
members: [{email: ada@demo.example, name: Ada, role: admin, password: correct horse battery}]
touchpoints: [Onboarding, Support]
projects:
  - key: beta
    feedback_types:
      - key: bugs
        prefix: BUG
        statuses: [{name: New, kind: open}, {name: In progress, kind: open}, {name: Fixed, kind: answered}]
        elements:
          - {key: title, type: text, role: subject}
          - {key: severity, type: single_choice, options: [Low, High]}
      - {key: ideas, prefix: IDE, statuses: [{name: Fresh, kind: open}], elements: [{key: idea, type: text}]}
surveys:
  - {id: 2, title: Mail, questions: [{title: Q, text: Well?, type: enter_text}]}
"""
JIRA = """
webhooks:
  - key: jira
    method: POST
    url: "https://jira.example/rest/api/2/issue?for={{ ticket.display_id }}"
    headers: {Content-Type: application/json, Authorization: {env: JIRA_AUTH}}
    signing_secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
    body: '{"fields": {"summary": {{ ticket.title | json }}}}'
    return_values: [{group: jira, label: issue_key, parameter: "$.key", type: string}]
  - {key: plain, method: GET, url: "https://there.example/", basic_auth: {username: u, password: p w}, ordered: false}
"""
RULES = """
rules:
  - key: bugs-to-jira
    on: ticket.created
    when: {project: beta, type: bugs, severity: [High], score: {below: 7}, external.jira.issue_key: null}
    do: [{webhook: jira}, {set_status: In progress}, {set_field: {field: severity, value: Low}}]
    once: true
  - {key: stale, on: schedule, every: 1h, do: [{add_note: "{{ ticket.title }}!"}, {add_tag: stale}, {assign: ada@demo.example}]}
  - {key: idea, on: response.recorded, when: {survey: 2, touchpoint: support}, do: [{create_ticket: {project: beta, type: ideas, subject: "{{ response.comment }}"}}]}
"""
SUBSCRIPTIONS = """
subscriptions:
  - {key: crm, url: "https://crm.example/hook", events: [ticket.created, response.recorded], when: {project: beta}, secret: whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD}
"""
ALL = PROJECTS + JIRA + RULES + SUBSCRIPTIONS

Row = dict[str, Any]


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url)
    yield database
    await database.close()


@pytest.fixture(scope="module")
async def provisioned(postgres: databases.Cluster) -> AsyncIterator[Database]:
    """A database that is looked at and never changed."""
    url = databases.fresh_database(postgres)
    database = await Database.open(url)
    await applied(database, PROJECTS + JIRA)
    yield database
    await database.close()
    databases.drop(postgres, url)


def environment(name: str) -> str | None:
    return {"JIRA_AUTH": "Bearer {{ no tag }}"}.get(name)


async def applied(db: Database, text: str, *, prune: bool = False) -> Outcome:
    source = form_values.secrets_of(environment, Path())
    return await provisioning.apply(db, provisioning.read(text, "hub.yaml", source), prune=prune)


def minimal(more: str) -> str:
    return f"workspace: {{slug: demo}}\n{more}"


async def rows(db: Database, statement: str) -> list[Row]:
    async with db.reading() as reader:
        return [dict(row) for row in await reader.fetch(statement)]


async def workspace_id(db: Database) -> int:
    return int((await rows(db, "select id from workspaces"))[0]["id"])


async def is_automated(db: Database) -> bool:
    return bool((await rows(db, "select automated from workspaces"))[0]["automated"])


async def refusal(db: Database, text: str) -> list[str]:
    with pytest.raises(errors.Invalid) as refused:
        await applied(db, text)
    return [str(fault).partition(": ")[2] for fault in refused.value.faults]


async def test_stores_what_acts_on_events(db: Database) -> None:
    await applied(db, ALL)
    async with db.reading() as reader:
        machinery = await queries.machinery(reader, await workspace_id(db))
    jira = machinery.webhooks["jira"].definition
    assert jira.headers == (  # type: ignore[union-attr]
        Header("Content-Type", "application/json"),
        Header("Authorization", "Bearer {{ no tag }}", secret=True),
    )
    assert jira.return_values == (ReturnValue("jira", "issue_key", "$.key", "string"),)  # type: ignore[union-attr]
    assert machinery.webhooks["plain"].definition.basic_auth == BasicAuth("u", "p w")  # type: ignore[union-attr]
    first, stale, idea = (one.rule for one in machinery.rules)
    assert first.when == {
        "project": "beta", "type": "bugs", "severity": ["High"], "score": {"below": 7},
        "external.jira.issue_key": None,
    }  # fmt: skip
    assert first.do == (
        Action("webhook", "jira"),
        Action("set_status", "In progress"),
        Action("set_field", {"field": "severity", "value": "Low"}),
    )
    assert (first.once, stale.every, stale.on) == (True, 3600, "schedule")
    assert idea.do[0].argument["subject"] == "{{ response.comment }}"
    [subscription] = machinery.subscriptions
    assert subscription.definition.events == ("ticket.created", "response.recorded")  # type: ignore[union-attr]
    [due] = await rows(
        db,
        "select next_at between now() + '50 min' and now() + '61 min' as soon from rules where next_at is not null",
    )
    assert due["soon"]


async def test_changes_nothing_when_applied_again_and_when_its_own_words_are_applied(db: Database) -> None:
    await applied(db, ALL)
    assert (await applied(db, ALL, prune=True)).changed == ()
    async with db.reading() as reader:
        shown = await provisioning.show(reader, "demo")
    text = provisioning.as_yaml(shown)
    assert "Bearer" not in text
    assert "whsec_" not in text
    assert "p w" not in text
    assert (await applied(db, text, prune=True)).changed == ()
    kept = await rows(db, "select definition, secrets from destinations where key = 'jira'")
    assert kept[0]["secrets"] == [SECRET]
    assert "Bearer" in kept[0]["definition"]


async def test_makes_a_subscriptions_secret_once(db: Database) -> None:
    text = minimal("subscriptions: [{key: crm, url: 'https://crm.example/', events: [ticket.created]}]")
    outcome = await applied(db, text)
    made = outcome.as_json()["secrets"]["subscriptions"]["crm"]
    assert made.startswith("whsec_")
    assert len(base64.b64decode(made.removeprefix("whsec_"))) == 32
    assert outcome.lines()[-1] == f"  subscriptions.crm: {made}"
    assert (await applied(db, text)).changed == ()
    outcome = await applied(db, text.replace("ticket.created", "ticket.status"))
    assert outcome.secrets == ()
    assert (await rows(db, "select secrets from destinations"))[0]["secrets"] == [made]


async def test_leaves_webhooks_without_a_secret_unsigned(db: Database) -> None:
    outcome = await applied(db, minimal("webhooks: [{key: w, method: GET, url: 'https://a.example/'}]"))
    assert outcome.secrets == ()
    assert (await rows(db, "select secrets from destinations"))[0]["secrets"] == []


async def test_has_a_new_and_an_old_secret_while_they_change(db: Database) -> None:
    crm = "subscriptions: [{{key: crm, url: 'https://crm.example/', events: [ticket.created], {}}}]"

    async def signed(secret: str) -> Outcome:
        return await applied(db, minimal(crm.format(secret)))

    await signed(f"secret: {SECRET}")
    outcome = await signed(f"secrets: [{OTHER}, {SECRET}]")
    assert [str(change) for change in outcome.changed] == ["changed subscriptions.crm (secret: changed)"]
    assert outcome.as_json()["secrets"] == {"subscriptions": {"crm": OTHER}}
    assert (await rows(db, "select secrets from destinations"))[0]["secrets"] == [OTHER, SECRET]
    await signed(f"secret: {OTHER}")
    assert (await rows(db, "select secrets from destinations"))[0]["secrets"] == [OTHER]


async def test_shows_given_secrets_in_the_json_output_alone(db: Database) -> None:
    outcome = await applied(db, PROJECTS + JIRA)
    assert outcome.as_json()["secrets"]["webhooks"] == {
        "jira": SECRET, "jira Authorization": "Bearer {{ no tag }}", "plain password": "p w",
    }  # fmt: skip
    assert not any(word in "\n".join(outcome.lines()) for word in ("Bearer", "whsec_", "p w"))


async def test_keeps_secrets_that_are_left_out_and_takes_headers_away_that_are_empty(db: Database) -> None:
    webhook = "webhooks: [{{key: w, method: POST, url: 'https://a.example/', {}}}]"
    await applied(
        db,
        minimal(
            webhook.format(
                "headers: {X-Key: {env: JIRA_AUTH}, X-Plain: a}, basic_auth: {username: u, password: p}"
            )
        ),
    )
    outcome = await applied(db, minimal(webhook.format("headers: {X-Plain: b}, basic_auth: {username: v}")))
    assert [str(change) for change in outcome.changed] == [
        "changed webhooks.w (headers: {'X-Plain': 'a'} -> {'X-Plain': 'b'}; basic_auth.username: 'u' -> 'v')"
    ]
    [stored] = await rows(db, "select definition from destinations")
    definition = json.loads(stored["definition"])
    assert definition["basic_auth"] == {"username": "v", "password": "p"}
    assert [header["name"] for header in definition["headers"]] == ["X-Key", "X-Plain"]

    outcome = await applied(db, minimal(webhook.format("headers: {x-key: ''}")))
    assert [str(change) for change in outcome.changed] == [
        "changed webhooks.w (headers: {'X-Plain': 'b'} -> {}; headers.x-key: changed; basic_auth.username: 'v' -> None)"
    ]
    assert (
        json.loads((await rows(db, "select definition from destinations"))[0]["definition"])["headers"] == []
    )


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "Cookie", "x-auth-token", "PRIVATE-TOKEN"])
async def test_keeps_credentials_in_headers_to_itself_also_where_the_file_has_them_plainly(
    db: Database, name: str
) -> None:
    text = minimal(
        f"webhooks: [{{key: w, method: GET, url: 'https://a.example/', headers: {{{name}: 2nt6cs2EyDmZ, X-Plain: seen}}}}]"
    )
    outcome = await applied(db, text)
    assert outcome.as_json()["secrets"]["webhooks"] == {f"w {name}": "2nt6cs2EyDmZ"}
    assert (await applied(db, text)).changed == ()
    async with db.reading() as reader:
        shown = str(await provisioning.show(reader, "demo"))
        assert "seen" in shown
        assert "2nt6cs2EyDmZ" not in shown
        machinery = await queries.machinery(reader, await workspace_id(db))
    definition = machinery.webhooks["w"].definition
    assert Header(name, "2nt6cs2EyDmZ", secret=True) in definition.headers  # type: ignore[union-attr]


async def test_fills_in_tags_of_a_header_whose_name_is_a_secrets(db: Database) -> None:
    await applied(
        db,
        minimal(
            "webhooks: [{key: w, method: GET, url: 'https://a.example/', headers: {X-Token: '{{ ticket.id }}'}}]"
        ),
    )
    async with db.reading() as reader:
        machinery = await queries.machinery(reader, await workspace_id(db))
    assert machinery.webhooks["w"].definition.headers == (Header("X-Token", "{{ ticket.id }}"),)  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["webhook", "subscription"])
async def test_sends_what_is_not_through_yet_to_where_a_destination_has_moved(
    db: Database, kind: DestinationKind
) -> None:
    tagged = "?id={{ ticket.id }}" if kind == "webhook" else ""
    url = f"https://old.example/gone{tagged}"
    text = minimal(
        f"webhooks: [{{key: d, method: POST, url: '{url}'}}]" if kind == "webhook" else
        f"subscriptions: [{{key: d, url: '{url}', events: [ticket.created]}}]"
    )  # fmt: skip
    await applied(db, text)
    [destination] = await rows(db, "select id from destinations")
    sent = f"https://old.example/gone{'?id=7' if tagged else ''}"
    new = [
        NewDelivery(
            destination["id"], "ticket.created", datetime.now(UTC), "ticket", "7",
            Request("POST", sent, (), f"{{{number}}}"),
        )
        for number in range(3)
    ]  # fmt: skip
    workspace = await workspace_id(db)
    first, _, through = await db.write(lambda tx: delivery_queries.add(tx, workspace, new))
    await db.write(lambda tx: tx.execute("update deliveries set state = 'failed' where id = $1", first))
    await db.write(lambda tx: tx.execute("update deliveries set state = 'delivered' where id = $1", through))

    await applied(db, text.replace("old.example/gone", "new.example/here/now"))
    moved = sent.replace("old.example/gone", "new.example/here/now")
    requests = [
        (row["url"], row["body"])
        for row in await rows(
            db, "select request ->> 'url' as url, request ->> 'body' as body from deliveries order by id"
        )
    ]
    assert requests == [(moved, "{0}"), (moved, "{1}"), (sent, "{2}")]


async def test_sends_again_to_a_disabled_destination_that_changed(db: Database) -> None:
    text = minimal(
        "webhooks: [{key: w, method: GET, url: 'https://a.example/'}, {key: v, method: GET, url: 'https://b.example/'}]"
    )
    await applied(db, text)
    await db.write(
        lambda tx: tx.execute(
            "update destinations set state = 'disabled', reason = 'gone', disabled_at = now(), failures = 9, failing_since = now()"
        )
    )
    await applied(db, text)
    await applied(db, text.replace("a.example", "c.example"))
    changed, other = await rows(
        db,
        "select state, reason, failures, failing_since, next_at <= now() as due from destinations order by id",
    )
    assert changed == {"state": "active", "reason": None, "failures": 0, "failing_since": None, "due": True}
    assert (other["state"], other["reason"]) == ("disabled", "gone")


async def test_archives_what_a_pruning_file_leaves_out_and_brings_it_back(db: Database) -> None:
    await applied(db, ALL)
    outcome = await applied(db, PROJECTS, prune=True)
    assert sorted(str(change) for change in outcome.changed) == [
        "archived rules.bugs-to-jira", "archived rules.idea", "archived rules.stale",
        "archived subscriptions.crm", "archived webhooks.jira", "archived webhooks.plain",
    ]  # fmt: skip
    assert await rows(db, "select from rules where next_at is not null") == []
    outcome = await applied(db, ALL)
    assert {change.verb for change in outcome.changed} == {"restored"}
    assert (await rows(db, "select secrets from destinations where key = 'crm'"))[0]["secrets"] == [OTHER]
    assert len(await rows(db, "select from rules where next_at > now()")) == 1


@pytest.mark.parametrize("more", [RULES + JIRA, SUBSCRIPTIONS])
async def test_has_events_carry_their_subject_while_anything_acts_on_them(db: Database, more: str) -> None:
    await applied(db, PROJECTS)
    assert not await is_automated(db)
    await applied(db, PROJECTS + JIRA)
    assert not await is_automated(db)
    await applied(db, PROJECTS + more)
    assert await is_automated(db)
    await applied(db, PROJECTS, prune=True)
    assert not await is_automated(db)


async def test_acts_on_what_happens_from_then_on(db: Database) -> None:
    """What happened while nothing acted is not read, and not made up for later."""
    await applied(db, PROJECTS)
    await applied(db, PROJECTS + JIRA)
    reader = events.Events()
    assert await reader.catch_up(db) == 0
    await applied(db, PROJECTS + RULES + JIRA)
    assert await reader.catch_up(db) == 1  # the change of the configuration itself
    assert await reader.catch_up(db) == 0


async def test_has_a_status_send_a_webhook(db: Database) -> None:
    with_webhook = PROJECTS.replace(
        "{name: In progress, kind: open}", "{name: In progress, kind: open, webhook: Jira}"
    )
    assert await refusal(db, with_webhook) == [
        "projects[0].feedback_types[0].statuses[1].webhook: there is no webhook 'Jira'"
    ]
    await applied(db, with_webhook + JIRA)
    assert await is_automated(db)
    async with db.reading() as reader:
        machinery = await queries.machinery(reader, await workspace_id(db))
        shown = provisioning.as_yaml(await provisioning.show(reader, "demo"))
    assert machinery.entered == {("beta", "bugs", "In progress"): "jira"}
    assert (await applied(db, shown, prune=True)).changed == ()
    await applied(db, PROJECTS)
    assert not await is_automated(db)


RULE = "rules: [{{key: r, on: ticket.created, {}}}]"


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (RULE.format("do: [{webhook: jria}]"), "rules[0].do[0].webhook: there is no webhook 'jria'; did you mean 'jira'?"),
        (RULE.format("do: [{set_status: Fixd}]"), "rules[0].do[0].set_status: there is no status 'Fixd'; did you mean 'Fixed'?"),
        (RULE.format("when: {type: ideas}, do: [{set_status: Fixed}]"), "rules[0].do[0].set_status: there is no status 'Fixed'"),
        (RULE.format("do: [{set_field: {field: Severity, value: x}}]"), "rules[0].do[0].set_field.field: there is no element 'Severity'; did you mean 'severity'?"),
        (RULE.format("do: [{assign: adda@demo.example}]"), "rules[0].do[0].assign: there is no member 'adda@demo.example'; did you mean 'ada@demo.example'?"),
        (RULE.format("do: [{create_ticket: {project: beta, type: bug, subject: x}}]"), "rules[0].do[0].create_ticket.type: there is no type 'bug'; did you mean 'bugs'?"),
        (RULE.format("do: [{create_ticket: {project: bta, type: bugs, subject: x}}]"), "rules[0].do[0].create_ticket.project: there is no project 'bta'; did you mean 'beta'?"),
        (RULE.format("do: [{create_ticket: {project: beta, type: bugs, subject: '{{ x'}}]"), "rules[0].do[0].create_ticket.subject: line 1: it is opened and never closed"),
        (RULE.format("do: [{add_note: '{{ x | nofilter }}'}]"), "rules[0].do[0].add_note: line 1: unknown filter 'nofilter'"),
        (RULE.format("do: [{add_tag: a, add_note: b}]"), "rules[0].do[0]: one action an item"),
        (RULE.format("when: {project: bet}, do: [{add_tag: a}]"), "rules[0].when.project: there is no project 'bet'; did you mean 'beta'?"),
        (RULE.format("when: {project: beta, type: [bugs, idea]}, do: [{add_tag: a}]"), "rules[0].when.type: there is no type 'idea'; did you mean 'ideas'?"),
        (RULE.format("when: {status: new}, do: [{add_tag: a}]"), "rules[0].when.status: there is no status 'new'; did you mean 'New'?"),
        (RULE.format("when: {type: ideas, status: New}, do: [{add_tag: a}]"), "rules[0].when.status: there is no status 'New'"),
        (RULE.format("when: {severty: High}, do: [{add_tag: a}]"), "rules[0].when.severty: there is no element 'severty'; did you mean 'severity'?"),
        (RULE.format("when: {type: ideas, severity: High}, do: [{add_tag: a}]"), "rules[0].when.severity: there is no element 'severity'"),
        (RULE.format("when: {survey: 3}, do: [{add_tag: a}]"), "rules[0].when.survey: there is no survey '3'"),
        (RULE.format("when: {touchpoint: Suport}, do: [{add_tag: a}]"), "rules[0].when.touchpoint: there is no touchpoint 'Suport'; did you mean 'Support'?"),
        (RULE.format("when: {external.jira: x}, do: [{add_tag: a}]"), "rules[0].when.external.jira: external.<group>.<label> is due here"),
        (RULE.format("when: {score: {}}, do: [{add_tag: a}]"), "rules[0].when.score: below, above, at_most or at_least is due"),
        (RULE.format("when: {score: {belw: 3}}, do: [{add_tag: a}]"), "rules[0].when.score.belw: unknown member; did you mean 'below'?"),
        (RULE.format("every: 1h, do: [{add_tag: a}]"), "rules[0].every: belongs to a schedule alone"),
        ("rules: [{key: r, on: response.recorded, do: [{webhook: w}, {add_tag: a}]}]\nwebhooks: [{key: w, method: GET, url: 'https://a.example/'}]", "rules[0].do[1].add_tag: works on tickets, and response.recorded is about a response"),
        ("rules: [{key: r, on: rating.received, do: [{set_field: {field: severity, value: Low}}]}]", "rules[0].do[0].set_field: works on tickets, and rating.received is about a rating"),
        ("rules: [{key: r, on: schedule, do: [{add_tag: a}]}]", "rules[0].every: is required of a schedule"),
        ("rules: [{key: r, on: ticket.made, do: [{add_tag: a}]}]", f"rules[0].on: one of {'ticket.created, ticket.changed, ticket.status, ticket.answered, response.recorded, rating.received, session.completed, value.captured, schedule'} is due here, not 'ticket.made'"),
        ("subscriptions: [{key: s, url: 'https://a.example/', events: [ticket.created], when: {projct: beta}}]", "subscriptions[0].when.projct: there is no element 'projct'; did you mean 'project'?"),
        ("subscriptions: [{key: s, url: 'https://a.example/{{ x }}', events: [ticket.created]}]", "subscriptions[0].url: it holds a character that may not stand in a URL"),
        ("subscriptions: [{key: s, url: 'https://a.example/', events: [ticket.created, ticket.created]}]", "subscriptions[0].events: one is here twice"),
        ("subscriptions: [{key: s, url: 'https://a.example/', events: [ticket.created], secret: whsec_c2hvcnQ=}]", "subscriptions[0].secret: whsec_ and the base64 of 24 to 64 bytes are due here"),
        (f"subscriptions: [{{key: s, url: 'https://a.example/', events: [ticket.created], secret: {SECRET}, secrets: [{OTHER}]}}]", "subscriptions[0].secrets: it and secret exclude each other"),
        (f"subscriptions: [{{key: s, url: 'https://a.example/', events: [ticket.created], secrets: [{OTHER}, {OTHER}]}}]", "subscriptions[0].secrets: a new and an old secret are due, not one twice"),
        ("webhooks: [{key: w, method: GET, url: 'ftp://a.example/'}]", "webhooks[0].url: http:// or https:// is due"),
        ("webhooks: [{key: w, method: GET, url: 'https://{{ x }}/'}]", "webhooks[0].url: tags may not stand in the scheme and the host"),
        ("webhooks: [{key: w, method: HEAD, url: 'https://a.example/'}]", "webhooks[0].method: one of GET, POST, PUT, PATCH, DELETE is due here, not 'HEAD'"),
        ("webhooks: [{key: w, method: PUT, url: 'https://a.example/', body: \"a\\n{{ x\"}]", "webhooks[0].body: line 2: it is opened and never closed"),
        ("webhooks: [{key: w, method: PUT, url: 'https://a.example/', headers: {Host: b}}]", "webhooks[0].headers.Host: the hub sets this header itself"),
        ("webhooks: [{key: w, method: PUT, url: 'https://a.example/', headers: {X-A: b, x-a: c}}]", "webhooks[0].headers.x-a: is here twice; capitals make no difference"),
        ("webhooks: [{key: w, method: PUT, url: 'https://a.example/', basic_auth: {username: u}}]", "webhooks[0].basic_auth.password: is required: none is stored yet"),
        ("webhooks: [{key: w, method: PUT, url: 'https://a.example/', signing_secret: shh}]", "webhooks[0].signing_secret: whsec_ and the base64 of 24 to 64 bytes are due here"),
        ("webhooks: [{key: w, method: PUT, url: 'https://a.example/', return_values: [{group: g, label: l, parameter: $., type: string}]}]", "webhooks[0].return_values[0].parameter: this is no JSONPath: unexpected end of"),
        ("webhooks: [{key: w, method: GET, url: 'https://a.example/'}, {key: W, method: GET, url: 'https://a.example/'}]", "webhooks[1].key: 'W' is here twice; the first is at line 2"),
    ],
)  # fmt: skip
async def test_says_what_is_wrong(provisioned: Database, more: str, fault: str) -> None:
    said = await refusal(provisioned, minimal(more))
    assert len(said) == 1
    assert said[0].startswith(fault)


async def test_says_nothing_of_names_that_it_cannot_know() -> None:
    text = minimal(RULES + SUBSCRIPTIONS)
    assert provisioning.read(text, "hub.yaml", form_values.leave_unread).faults == ()


async def test_stores_nothing_where_anything_is_wrong(db: Database) -> None:
    await applied(db, PROJECTS)
    await refusal(db, minimal(RULES.replace("set_status: In progress", "set_status: Nowhere") + JIRA))
    assert await rows(db, "select from rules") == []
    assert await rows(db, "select from destinations") == []
