"""Applying the contract's example, from nothing and again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import anyio
import pytest

from tellback.core import errors, projects, provisioning, workspaces
from tellback.core.cache import ConfigurationCache
from tellback.core.provisioning import Outcome
from tellback.core.workspaces import passwords
from tellback.storage.database import Database

pytestmark = pytest.mark.anyio

EXAMPLE = """
workspace: {slug: demo, name: Demo Ltd, timezone: Europe/Stockholm}

members:
  - {email: ada@demo.example, name: Ada Admin, role: admin, password: correct horse battery}

api_keys:
  - {name: Mobile apps, key: mob_6f1d0c8e5a7b4923, allowed_ips: [127.0.0.0/8, "::1/128"], enabled: true}

access_tokens:
  - {key: bi, claims: [errand_data, hub_read], expires: 2027-12-31}

projects:
  - key: beta
    name: Beta programme
    participants:
      - {email: ann@example.com, name: Ann Tester}
      - {email: bo@example.com, name: Bo Default}
    feedback_types:
      - key: bugs
        name: Bug report
        prefix: BUG
        digits: 4
        statuses:
          - {name: New, kind: open}
          - {name: In progress, kind: open}
          - {name: Fixed, kind: answered}
          - {name: Closed, kind: closed}
        elements:
          - {key: title, label: Title, type: text, required: true, role: subject}
          - {key: steps, label: Steps to reproduce, type: text, role: body}
          - {key: severity, label: Severity, type: single_choice, options: [Low, {label: High, internal: P1}]}
          - {key: devices, label: Devices, type: multiple_choice, options: [Phone, Tablet, Desktop]}
          - {key: stars, label: Rating, type: rating_scale, min: 1, max: 5}
          - {key: log, label: Crash log, type: file}
        sla: {response: 4h, handling: 2d, warn_before: 1h}
        satisfaction: {text: How did we do?, answers: [{text: Good, value: 1}, {text: Bad, value: 0}]}
        external_sources:
          - key: app
            name: Mobile app
            api_key: Mobile apps
            status: New
            status_parameter: status
            default_submitter: bo@example.com
            submitter_parameter: submitter
            fields: {title: title, steps: description, severity: severity, devices: devices, stars: rating, log: crashlog}
            unmapped: ignore
            run_automation: true
            run_workflow: true
"""
SMALL = "workspace: {slug: demo}\napi_keys: [{name: Mobile apps, key: mob_1}, {name: Website, key: web_1}]\n"


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url)
    yield database
    await database.close()


async def applied(db: Database, text: str, *, dry_run: bool = False, prune: bool = False) -> Outcome:
    document = provisioning.read(text, "hub.yaml")
    return await provisioning.apply(db, document, dry_run=dry_run, prune=prune)


async def refusal(db: Database, text: str, *, prune: bool = False) -> list[str]:
    with pytest.raises(errors.Invalid) as refused:
        await applied(db, text, prune=prune)
    return [str(fault) for fault in refused.value.faults]


async def shown(db: Database) -> dict[str, object]:
    async with db.reading() as reader:
        return await provisioning.show(reader, "demo")


def changed(outcome: Outcome) -> list[str]:
    return [f"{change.verb} {change.path}" for change in outcome.changed]


async def scalar(db: Database, sql: str) -> object:
    async with db.reading() as reader:
        return await reader.fetchval(sql)


async def test_makes_a_workspace_of_the_contracts_example(db: Database) -> None:
    outcome = await applied(db, EXAMPLE)

    assert changed(outcome) == [
        "created workspace",
        "created members.ada@demo.example",
        "created api_keys.Mobile apps",
        "created access_tokens.bi",
        "created projects.beta",
        "created projects.beta.participants.ann@example.com",
        "created projects.beta.participants.bo@example.com",
        "created projects.beta.feedback_types.bugs",
        "created projects.beta.external_sources.app",
    ]
    cache = ConfigurationCache(db)
    workspace_id = await scalar(db, "select id from workspaces where slug = 'demo'")
    assert isinstance(workspace_id, int)
    project = await projects.find(db, cache, workspace_id, "beta")
    assert project is not None
    source = project.sources[0]
    assert [(element.key, parameter) for element, parameter in source.fields] == [
        ("title", "title"), ("steps", "description"), ("severity", "severity"), ("devices", "devices"),
        ("stars", "rating"), ("log", "crashlog"),
    ]  # fmt: skip
    assert source.status is not None
    assert source.status.name == "New"
    assert source.default_submitter == project.participants["bo@example.com"]
    assert source.type.elements[2].choices == {"Low": "Low", "High": "High", "P1": "High"}
    key = await workspaces.known_credential(db, cache, "api_key", "mob_6f1d0c8e5a7b4923")
    assert key is not None
    assert (key.name, key.enabled, [str(network) for network in key.allowed]) == (
        "Mobile apps", True, ["127.0.0.0/8", "::1/128"],
    )  # fmt: skip


async def test_says_nothing_to_change_the_second_time(db: Database) -> None:
    await applied(db, EXAMPLE)
    version = await scalar(db, "select version from configuration_version")
    again = await applied(db, EXAMPLE)

    assert again.changed == ()
    assert again.secrets == ()
    assert again.lines() == ["demo: nothing to change"]
    assert await scalar(db, "select version from configuration_version") == version


async def test_gives_the_secrets_of_the_run_that_made_them_and_a_token_that_works(db: Database) -> None:
    outcome = await applied(db, EXAMPLE)
    answer = json.loads(json.dumps(outcome.as_json()))

    assert answer["secrets"]["api_keys"] == {"Mobile apps": "mob_6f1d0c8e5a7b4923"}
    assert answer["secrets"]["members"] == {"ada@demo.example": "correct horse battery"}
    credential = await workspaces.tokens.authenticate(
        db, ConfigurationCache(db), answer["secrets"]["access_tokens"]["bi"], "demo"
    )
    assert credential.claims == {"errand_data", "hub_read"}
    assert credential.expires_at is not None
    assert credential.expires_at.isoformat() == "2027-12-31T23:00:00+00:00"  # midnight in Stockholm
    human = "\n".join(outcome.lines())
    assert answer["secrets"]["access_tokens"]["bi"] in human
    assert "mob_6f1d0c8e5a7b4923" not in human
    assert "correct horse battery" not in human


async def test_stores_no_secret_as_it_is(db: Database) -> None:
    await applied(db, EXAMPLE)
    stored = await scalar(
        db,
        "select (select string_agg(c::text, '') from credentials c) || (select string_agg(m::text, '') from members m)",
    )
    assert isinstance(stored, str)
    assert "mob_6f1d0c8e5a7b4923" not in stored
    assert "correct horse battery" not in stored
    hashed = await scalar(db, "select password_hash from members")
    assert isinstance(hashed, str)
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.matches(hashed, "correct horse battery")


async def test_changes_nothing_on_a_dry_run(db: Database) -> None:
    outcome = await applied(db, EXAMPLE, dry_run=True)
    assert len(outcome.changed) == 9
    assert outcome.secrets == ()
    assert await scalar(db, "select count(*) from workspaces") == 0

    await applied(db, EXAMPLE)
    outcome = await applied(db, EXAMPLE.replace("Beta programme", "Gamma"), dry_run=True)
    assert [str(change) for change in outcome.changed] == [
        "changed projects.beta (name: 'Beta programme' -> 'Gamma')"
    ]
    assert await scalar(db, "select name from projects") == "Beta programme"


async def test_leaves_alone_what_the_document_does_not_mention(db: Database) -> None:
    await applied(db, EXAMPLE)
    outcome = await applied(db, "workspace: {slug: demo}\nprojects: [{key: beta, name: Beta programme}]")
    assert outcome.changed == ()


async def test_archives_with_prune_what_the_document_no_longer_has(db: Database) -> None:
    outcome = await applied(db, EXAMPLE)
    token = outcome.as_json()["secrets"]["access_tokens"]["bi"]
    pruned = await applied(db, "workspace: {slug: demo, name: Demo Ltd}", prune=True)

    assert changed(pruned) == [
        "archived members.ada@demo.example",
        "archived api_keys.Mobile apps",
        "archived access_tokens.bi",
        "archived projects.beta",
        "archived projects.beta.participants.ann@example.com",
        "archived projects.beta.participants.bo@example.com",
        "archived projects.beta.feedback_types.bugs",
        "archived projects.beta.external_sources.app",
    ]
    cache = ConfigurationCache(db)
    key = await workspaces.known_credential(db, cache, "api_key", "mob_6f1d0c8e5a7b4923")
    assert key is not None
    assert not key.enabled
    with pytest.raises(errors.Unauthenticated):
        await workspaces.tokens.authenticate(db, cache, token)
    assert await shown(db) == {
        "workspace": {"slug": "demo", "name": "Demo Ltd", "timezone": "Europe/Stockholm"}
    }
    assert (await applied(db, "workspace: {slug: demo}", prune=True)).changed == ()


async def test_brings_archived_things_back_with_their_ids_and_secrets(db: Database) -> None:
    await applied(db, EXAMPLE)
    ids = "select array_agg(id order by id) from external_sources"
    before = await scalar(db, ids)
    await applied(db, "workspace: {slug: demo}", prune=True)
    outcome = await applied(db, EXAMPLE.replace("key: mob_6f1d0c8e5a7b4923, ", ""))

    assert {change.verb for change in outcome.changed} == {"restored"}
    assert await scalar(db, ids) == before
    assert set(outcome.as_json()["secrets"]) == {"access_tokens"}
    key = await workspaces.known_credential(db, ConfigurationCache(db), "api_key", "mob_6f1d0c8e5a7b4923")
    assert key is not None
    assert key.enabled


async def test_lets_two_runs_at_once_go_one_after_the_other(db: Database) -> None:
    outcomes: list[Outcome] = []

    async def run() -> None:
        outcomes.append(await applied(db, EXAMPLE))

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(run)

    assert sorted(len(outcome.changed) for outcome in outcomes) == [0, 0, 0, 9]
    assert await scalar(db, "select count(*) from workspaces") == 1


async def test_tells_the_change_feed_what_changed_and_every_server_that_something_did(db: Database) -> None:
    version = await scalar(db, "select version from configuration_version")
    await applied(db, SMALL)
    async with db.reading() as reader:
        rows = await reader.fetch("select seq, kind, subject_id, actor, data from changes order by seq")
    assert [(row["seq"], row["kind"], row["subject_id"], row["actor"]) for row in rows] == [
        (1, "configuration.changed", "demo", "operator")
    ]
    assert json.loads(rows[0]["data"]) == {"sections": {"workspace": 1, "api_keys": 2}}
    assert await scalar(db, "select version from configuration_version") == int(str(version)) + 1


async def test_shows_the_document_back_without_secrets(db: Database) -> None:
    await applied(db, EXAMPLE)
    text = provisioning.as_yaml(await shown(db))

    assert "mob_6f1d0c8e5a7b4923" not in text
    assert "password" not in text
    assert [line.split(":")[0] for line in text.splitlines() if line[:1].isalpha()] == [
        "workspace", "members", "api_keys", "access_tokens", "projects",
    ]  # fmt: skip
    assert provisioning.read(text, "shown.yaml").faults == ()
    assert (await applied(db, text, prune=True)).changed == ()
    assert (await applied(db, json.dumps(await shown(db)), prune=True)).changed == ()


async def test_keeps_the_workspaces_name_and_zone_when_the_document_leaves_them_out(db: Database) -> None:
    await applied(db, "workspace: {slug: demo, name: Demo Ltd, timezone: Asia/Tokyo}")
    assert (await applied(db, "workspace: {slug: demo}")).changed == ()
    outcome = await applied(db, "workspace: {slug: demo, name: Demo Inc}")
    assert [str(change) for change in outcome.changed] == [
        "changed workspace (name: 'Demo Ltd' -> 'Demo Inc')"
    ]


async def test_makes_an_access_token_anew_when_what_it_is_good_for_changes(db: Database) -> None:
    first = (await applied(db, EXAMPLE)).as_json()["secrets"]["access_tokens"]["bi"]
    outcome = await applied(db, EXAMPLE.replace("[errand_data, hub_read]", "[hub_read]"))
    second = outcome.as_json()["secrets"]["access_tokens"]["bi"]

    assert changed(outcome) == ["changed access_tokens.bi"]
    cache = ConfigurationCache(db)
    assert (await workspaces.tokens.authenticate(db, cache, second)).claims == {"hub_read"}
    with pytest.raises(errors.Unauthenticated):
        await workspaces.tokens.authenticate(db, cache, first)


async def test_moves_a_source_whose_type_changed_and_keeps_its_id(db: Database) -> None:
    types = """
workspace: {slug: demo}
api_keys: [{name: k}]
projects:
  - key: p
    feedback_types:
      - {key: a, prefix: A, statuses: [{name: New, kind: open}], elements: [{key: t, type: text}], %s}
      - {key: b, prefix: B, statuses: [{name: New, kind: open}], elements: [{key: t, type: text}], %s}
"""
    source = "external_sources: [{key: app, api_key: k}]"
    await applied(db, types % (source, "digits: 4"))
    before = await scalar(db, "select id from external_sources")
    outcome = await applied(db, types % ("digits: 4", source), prune=True)
    assert [str(change) for change in outcome.changed] == [
        "changed projects.p.external_sources.app (feedback_type: 'a' -> 'b')"
    ]
    assert await scalar(db, "select id from external_sources") == before
