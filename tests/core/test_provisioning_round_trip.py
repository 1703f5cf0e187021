"""Whatever is applied is shown so that applying it again changes nothing."""

from __future__ import annotations

import itertools
import json
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from tests.support import postgres

from tellback.core import provisioning
from tellback.storage.database import Database

KEYS = some.text("abcXYZ019_.-é", min_size=1, max_size=12).filter(lambda key: key[0] not in ".-")
NAMES = some.text(some.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20) | (
    some.sampled_from(
        ["on", "No", "null", "~", "0123", "1e3", "2027-12-31", "a: b", "# x", "- y", "&a", "=", "<<"]
    )
)
SPANS = some.sampled_from(["30s", "15m", "4h", "2d", "90m", "25h"])


@some.composite
def elements(draw: some.DrawFn) -> list[dict[str, Any]]:
    made = []
    for key in draw(some.lists(KEYS, unique=True, min_size=1, max_size=4)):
        kind = draw(some.sampled_from(["text", "single_choice", "multiple_choice", "rating_scale", "file"]))
        element: dict[str, Any] = {
            "key": key,
            "type": kind,
            "label": draw(NAMES),
            "required": draw(some.booleans()),
        }
        if kind.endswith("choice"):
            labels = draw(some.lists(NAMES, unique=True, min_size=2, max_size=5))
            element["options"] = [{"label": labels[0], "internal": labels[1]}, *labels[2:]]
        if kind == "rating_scale":
            element |= {"min": draw(some.integers(-5, 1)), "max": draw(some.integers(2, 10))}
        made.append(element)
    return made


@some.composite
def documents(draw: some.DrawFn) -> dict[str, Any]:
    """A document without secrets; one project whose sources name only what is there."""
    keys = [
        {"name": name, "enabled": draw(some.booleans())}
        for name in draw(some.lists(NAMES, unique=True, min_size=1, max_size=3))
    ]
    people = [
        {"email": f"{name}@example.com", "name": draw(NAMES)}
        for name in draw(some.sets(some.text("abc", min_size=1), max_size=3))
    ]
    form = draw(elements())
    statuses = draw(some.lists(NAMES, unique=True, min_size=1, max_size=3))
    source: dict[str, Any] = {
        "key": draw(KEYS),
        "api_key": draw(some.sampled_from([key["name"] for key in keys])),
        "fields": {element["key"]: f"p{n}" for n, element in enumerate(form)},
        "unmapped": draw(some.sampled_from(["ignore", "reject"])),
        "run_workflow": draw(some.booleans()),
    }
    if draw(some.booleans()):
        source["status"] = draw(some.sampled_from(statuses))
    defaulted = draw(some.booleans())
    if people and defaulted:
        source["default_submitter"] = draw(some.sampled_from(people))["email"].upper()
    feedback_type = {
        "key": draw(KEYS),
        "prefix": draw(some.text("ABC9_", min_size=1, max_size=15)),
        "digits": draw(some.integers(1, 12)),
        "statuses": [
            {"name": name, "kind": draw(some.sampled_from(["open", "answered", "closed"]))}
            for name in statuses
        ],
        "elements": form,
        "external_sources": [source],
    }
    if draw(some.booleans()):
        feedback_type["sla"] = {"handling": draw(SPANS)}
    if draw(some.booleans()):
        feedback_type["satisfaction"] = {
            "text": draw(NAMES),
            "answers": [{"text": "Good", "value": draw(some.integers(-9, 9) | some.just(0.5))}],
        }
    tokens = [
        {
            "key": key,
            "claims": ["hub_read"],
            "expires": draw(some.dates().filter(lambda day: 1970 < day.year < 9998)).isoformat(),
        }
        for key in draw(some.sets(NAMES, max_size=2))
    ]
    return {
        "workspace": {"slug": "w", "timezone": draw(some.sampled_from(["UTC", "Asia/Tokyo", "America/New_York"]))},
        "api_keys": keys,
        "access_tokens": tokens,
        "projects": [{"key": draw(KEYS), "participants": people, "feedback_types": [feedback_type]}],
    }  # fmt: skip


_slugs = itertools.count(1)


async def there_and_back(url: str, document: dict[str, Any]) -> None:
    slug = f"w{next(_slugs)}"
    document = document | {"workspace": document["workspace"] | {"slug": slug}}
    db = await Database.open(url, connections=1)
    try:
        wanted = provisioning.read(json.dumps(document), "hub.json")
        assert wanted.faults == ()
        assert (await provisioning.apply(db, wanted)).changed
        assert (await provisioning.apply(db, wanted, prune=True)).changed == ()
        async with db.reading() as reader:
            shown = await provisioning.show(reader, slug)
        for again in (
            provisioning.read(provisioning.as_yaml(shown), "hub.yaml"),
            provisioning.read_value(shown),
        ):
            assert again.faults == ()
            assert (await provisioning.apply(db, again, prune=True)).changed == ()
    finally:
        await db.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=documents())
def test_shows_what_was_applied_so_that_applying_it_changes_nothing(
    database_url: str, document: dict[str, Any]
) -> None:
    postgres.run(there_and_back(database_url, document))


#: As the reference has it: with members that say only what is so anyway, and without secrets.
AS_WRITTEN = """
workspace: {slug: demo, name: Demo Ltd, timezone: Europe/Stockholm}
api_keys: [{name: Mobile apps, allowed_ips: [127.0.0.0/8, "::1/128"], enabled: true}]
survey_keys: [{name: Kiosk, apikey: kiosk}]
connected_apps: [{name: CRM, client_id: crm, enabled: true}]
touchpoints: [Onboarding, Support]
projects:
- key: beta
  name: Beta programme
  participants: [{email: bo@example.com, name: Bo Default}]
  feedback_types:
  - key: bugs
    name: Bug report
    prefix: BUG
    digits: 4
    statuses: [{name: New, kind: open}]
    elements: [{key: title, label: Title, type: text, required: true, role: subject}]
    external_sources:
    - key: app
      name: Mobile app
      api_key: Mobile apps
      status: New
      status_parameter: status
      default_submitter: bo@example.com
      submitter_parameter: submitter
      fields: {title: title}
      unmapped: ignore
      run_automation: true
      run_workflow: true
surveys:
- id: 2
  title: Email Survey
  description: Email Survey
  channels: [api, web]
  state: deployed
  take_token: email-survey
  embed_origins: []
  questions:
  - title: Question 1
    text: How likely are you to recommend us
    type: choose_one
    metric: nps
    answers: [{id: 48, text: "10", value: "10"}]
import_configurations:
- {reference: r, name: CRM, object: account, active: true, unmapped: ignore, fields: {Account Name: account.name}}
incoming_webhooks: [{name: Old shop, username: shop, configuration: r, active: true}]
webhooks: [{key: jira, method: GET, url: "https://jira.example/", ordered: true}]
"""


async def shown_after(url: str, text: str) -> dict[str, Any]:
    db = await Database.open(url, connections=1)
    try:
        await provisioning.apply(db, provisioning.read(text, "hub.yaml"))
        async with db.reading() as reader:
            return await provisioning.show(reader, "demo")
    finally:
        await db.close()


def test_prints_back_a_file_as_the_reference_has_it(database_url: str) -> None:
    assert postgres.run(shown_after(database_url, AS_WRITTEN)) == yaml.safe_load(AS_WRITTEN)
