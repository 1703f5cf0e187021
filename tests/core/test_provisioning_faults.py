"""A document that cannot be applied: every fault at once, each with its line, and nothing stored."""

# ruff: noqa: E501 — a table of faults is read line by line

from __future__ import annotations

import pytest

from tellback.core import errors, provisioning


def faults(text: str | bytes) -> list[str]:
    return [str(fault) for fault in provisioning.read(text, "hub.yaml").faults]


PROJECT = """\
workspace: {slug: demo}
api_keys: [{name: k, key: abc}]
projects:
  - key: beta
    participants: [{email: bo@example.com}]
    feedback_types:
      - key: bugs
        prefix: BUG
        statuses: [{name: New, kind: open}, {name: Done, kind: closed}]
        elements:
          - {key: title, type: text, role: subject}
          - {key: sev, type: single_choice, options: [Low, High]}
          - {key: log, type: file}
        external_sources:
          - {key: app, api_key: k, status: New, default_submitter: bo@example.com, fields: {title: title}}
"""


def test_has_no_fault_to_begin_with() -> None:
    assert faults(PROJECT) == []


@pytest.mark.parametrize(
    ("was", "becomes", "fault"),
    [
        ("slug: demo", "slug: Demo!", "hub.yaml:1: workspace.slug: a slug (small letters, digits, _ -; 63 at most) is due here, not 'Demo!'"),
        ("slug: demo", "slug: demo, timezone: Mars/Base", "hub.yaml:1: workspace.timezone: no time zone is called 'Mars/Base'"),
        ("{slug: demo}", "{slug: demo, nme: X}", "hub.yaml:1: workspace.nme: unknown member; did you mean 'name'?"),
        ("{slug: demo}", "[demo]", "hub.yaml:1: workspace: a mapping (workspace) is due here, not a list"),
        ("api_keys:", "api_key:", "hub.yaml:2: api_key: unknown member; did you mean 'api_keys'?"),
        ("key: abc", "key: abc, allowed_ips: [10.0.0.1/8]", "hub.yaml:2: api_keys[0].allowed_ips[0]: '10.0.0.1/8' is inside a network; write 10.0.0.0/8"),
        ("key: abc", "key: abc, allowed_ips: [localhost]", "hub.yaml:2: api_keys[0].allowed_ips[0]: a network (10.0.0.0/8) or an IP address is due here, not 'localhost'"),
        ("key: abc", "key: abc, enabled: 1", "hub.yaml:2: api_keys[0].enabled: true or false is due here, not '1'"),
        ("key: abc", "key: [a]", "hub.yaml:2: api_keys[0].key: a secret (text, {env: NAME} or {file: PATH}) is due here, not a list"),
        ("key: abc}", "key: abc}, {name: l, key: abc}", "hub.yaml:2: api_keys[1].key: this secret is in use already; every key needs its own"),
        ("key: abc}", "key: abc}, {name: k}", "hub.yaml:2: api_keys[1].name: 'k' is here twice; the first is at line 2"),
        ("key: abc}", "key: abc, key: abd}", "hub.yaml:2: api_keys[0].key: is here twice"),
        ("- key: beta", "- key: be ta", "hub.yaml:4: projects[0].key: a key (letters, digits, _ . -) is due here, not 'be ta'"),
        ("email: bo@example.com}]", "email: bo}]", "hub.yaml:5: projects[0].participants[0].email: 'bo' is not an e-mail address"),
        ("bo@example.com}]", "bo@example.com}, {email: BO@example.com}]", "hub.yaml:5: projects[0].participants[1].email: 'BO@example.com' is here twice; the first is at line 5"),
        ("prefix: BUG", "prefix: ABCDEFGHIJKLMNOP", "hub.yaml:8: projects[0].feedback_types[0].prefix: 16 characters; at most 15 are allowed"),
        ("prefix: BUG", "prefix: BUG\n        digits: 13", "hub.yaml:9: projects[0].feedback_types[0].digits: a whole number from 1 to 12 is due here, not '13'"),
        ("        prefix: BUG\n", "", "hub.yaml:7: projects[0].feedback_types[0].prefix: is required"),
        ("kind: open", "kind: opened", "hub.yaml:9: projects[0].feedback_types[0].statuses[0].kind: one of open, answered, closed is due here, not 'opened'"),
        ("name: Done", "name: New", "hub.yaml:9: projects[0].feedback_types[0].statuses[1].name: 'New' is here twice; the first is at line 9"),
        ("type: text,", "type: txt,", "hub.yaml:11: projects[0].feedback_types[0].elements[0].type: one of text, single_choice, multiple_choice, rating_scale, file is due here, not 'txt'"),
        ("type: text,", "type: file,", "hub.yaml:11: projects[0].feedback_types[0].elements[0].role: only a text can be the subject"),
        (", options: [Low, High]", "", "hub.yaml:12: projects[0].feedback_types[0].elements[1].options: a single_choice needs options"),
        ("[Low, High]", "[Low, {label: High, internal: Low}]", "hub.yaml:12: projects[0].feedback_types[0].elements[1].options[1].internal: 'Low' stands for options[0] already"),
        ("[Low, High]", "[Low, Low]", "hub.yaml:12: projects[0].feedback_types[0].elements[1].options[1]: 'Low' stands for options[0] already"),
        ("type: file", "type: file, options: [a]", "hub.yaml:13: projects[0].feedback_types[0].elements[2].options: a file has no options"),
        ("type: file", "type: file, min: 1", "hub.yaml:13: projects[0].feedback_types[0].elements[2].min: a file has no min"),
        ("type: file", "type: rating_scale, min: 1", "hub.yaml:13: projects[0].feedback_types[0].elements[2].max: a rating_scale needs min and max"),
        ("type: file", "type: rating_scale, min: 5, max: 5", "hub.yaml:13: projects[0].feedback_types[0].elements[2].max: must be above min, which is 5"),
        ("type: file", "type: text, role: subject", "hub.yaml:10: projects[0].feedback_types[0].elements: 'log' cannot be the subject too; only one element can"),
        ("key: log", "key: title", "hub.yaml:13: projects[0].feedback_types[0].elements[2].key: 'title' is here twice; the first is at line 11"),
        ("status: New,", "status: Fresh,", "hub.yaml:15: projects[0].feedback_types[0].external_sources[0].status: 'Fresh' is no status of the type; it has New, Done"),
        ("{title: title}", "{titel: title}", "hub.yaml:15: projects[0].feedback_types[0].external_sources[0].fields.titel: the type has no element 'titel'; it has title, sev, log"),
        ("{title: title}", "{title: t, sev: t}", "hub.yaml:15: projects[0].feedback_types[0].external_sources[0].fields: the parameter 't' stands for several elements: title, sev"),
        ("{title: title}", "{log: a/b}", "hub.yaml:15: projects[0].feedback_types[0].external_sources[0].fields.log: the parameter of a file stands in an address and cannot hold a /"),
        ("status: New,", "submitter_parameter: status,", "hub.yaml:15: projects[0].feedback_types[0].external_sources[0].submitter_parameter: is the status parameter already"),
        ("api_key: k,", "", "hub.yaml:15: projects[0].feedback_types[0].external_sources[0].api_key: is required"),
        ("prefix: BUG", "prefix: BUG\n        sla: {response: 1h, warn_before: 1h}", "hub.yaml:9: projects[0].feedback_types[0].sla.warn_before: must be shorter than what is promised"),
        ("prefix: BUG", "prefix: BUG\n        sla: {warn_before: 1h}", "hub.yaml:9: projects[0].feedback_types[0].sla: response or handling is due, or both"),
        ("prefix: BUG", "prefix: BUG\n        sla: {response: 1 hour}", "hub.yaml:9: projects[0].feedback_types[0].sla.response: a duration (30s, 15m, 4h, 2d) is due here, not '1 hour'"),
    ],
)  # fmt: skip
def test_names_the_line_and_path_of(was: str, becomes: str, fault: str) -> None:
    text = PROJECT.replace(was, becomes, 1)
    assert text != PROJECT
    assert faults(text) == [fault]


def test_finds_all_faults_of_a_document_in_its_order() -> None:
    text = (
        PROJECT.replace("slug: demo", "slug: demo, nme: x")
        .replace("kind: closed", "kind: shut")
        .replace("status: New", "status: Nw")
        .replace("fields: {title: title}", "fields: {titel: t}")
        .replace("[Low, High]", "[]")
    )
    assert [fault.split(": ")[1] for fault in faults(text)] == [
        "workspace.nme",
        "projects[0].feedback_types[0].statuses[1].kind",
        "projects[0].feedback_types[0].elements[1].options",
        "projects[0].feedback_types[0].external_sources[0].fields.titel",
        "projects[0].feedback_types[0].external_sources[0].status",
    ]


def test_does_not_miss_a_name_whose_thing_has_a_fault_of_its_own() -> None:
    text = (
        PROJECT.replace("kind: open", "kind: opened")
        .replace("status: New", "status: New, unmapped: drop")
        .replace("key: title, type: text", "key: title, type: txt")
    )
    assert [fault.split(": ")[1] for fault in faults(text)] == [
        "projects[0].feedback_types[0].statuses[0].kind",
        "projects[0].feedback_types[0].elements[0].type",
        "projects[0].feedback_types[0].external_sources[0].unmapped",
    ]


def test_says_nothing_of_names_in_a_list_with_a_nameless_thing() -> None:
    text = PROJECT.replace("{name: Done, kind: closed}", "{kind: closed}").replace(
        "status: New", "status: Nw"
    )
    assert [fault.split(": ")[1] for fault in faults(text)] == [
        "projects[0].feedback_types[0].statuses[1].name"
    ]


def test_refuses_two_types_of_one_prefix_in_the_workspace() -> None:
    other = "  - {key: gamma, feedback_types: [{key: ideas, prefix: bug, statuses: [{name: N, kind: open}], elements: [{key: t, type: text}]}]}\n"
    assert faults(PROJECT + other) == [
        "hub.yaml:16: projects[1].feedback_types[0].prefix: 'bug' is the prefix of beta.bugs already"
    ]


def test_refuses_two_sources_of_one_key_in_a_project() -> None:
    other = """\
      - key: ideas
        prefix: IDEA
        statuses: [{name: New, kind: open}]
        elements: [{key: title, type: text}]
        external_sources: [{key: APP, api_key: k}]
"""
    assert faults(PROJECT + other) == [
        "hub.yaml:20: projects[0].feedback_types[1].external_sources[0].key: 'APP' is a source of bugs in this project already"
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "hub.yaml: the file is empty"),
        ("# nothing\n", "hub.yaml: the file is empty"),
        ("workspace: {slug: demo\n", "hub.yaml:2: not YAML: while parsing a flow mapping; did not find expected ',' or '}'"),
        ("a: 1\n---\nb: 2\n", "hub.yaml:2: one document a file, not several"),
        ("workspace: *gone\n", "hub.yaml:1: no anchor 'gone' before this alias"),
        ("workspace: !!python/none x\n", "hub.yaml:1: tags (!…) have no meaning here"),
        ("? [a, b]\n: 1\n", "hub.yaml:1: a member's name is a text"),
        (b"workspace: \xff\n", "hub.yaml:1: the file is not UTF-8"),
        ("api_keys: []\n", "hub.yaml:1: workspace: is required"),
        ("[]", "hub.yaml:1: a mapping (the configuration) is due here, not a list"),
        ("x" * (16 * 1024 * 1024 + 1), "hub.yaml: the file is larger than 16 MiB"),
        ("[" * 100_000, "hub.yaml:1: nested deeper than 64 levels"),
    ],
)  # fmt: skip
def test_refuses_what_is_no_such_document(text: str | bytes, fault: str) -> None:
    assert faults(text) == [fault]


def test_does_not_let_aliases_multiply() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert faults("\n".join(lines)) == ["hub.yaml:5: more than 1,000,000 values, aliases followed"]


def test_never_repeats_a_secret() -> None:
    secret = "very-secret-\u00e9"
    said = faults(
        f"workspace: {{slug: demo}}\napi_keys: [{{name: a, key: {secret}}}, {{name: b, key: s3cret}}, {{name: c, key: s3cret}}]"
    )
    assert len(said) == 2
    assert not any("secret-" in fault or "s3cret" in fault for fault in said)


def test_checks_every_item_of_a_rule() -> None:
    said = faults(
        "workspace: {slug: demo}\nrules:\n  - {key: a, on: ticket.made, do: [{set_status: X, add_tag: y}]}\n"
    )
    assert [fault.split(": ")[1] for fault in said] == ["rules[0].do[0]", "rules[0].on"]


def test_may_not_be_told_by_the_network_to_read_its_own_files() -> None:
    value = {"workspace": {"slug": "demo"}, "api_keys": [{"name": "a", "key": {"file": "/etc/passwd"}}]}
    document = provisioning.read_value(value)
    assert [str(fault) for fault in document.faults] == [
        "configuration: api_keys[0].key: a secret is given here as text; {env} and {file} are for files applied on the hub"
    ]


def test_carries_its_place_apart_from_its_words() -> None:
    fault = provisioning.read(PROJECT.replace("kind: open", "kind: x"), "hub.yaml").faults[0]
    assert isinstance(fault, errors.Fault)
    assert (fault.origin, fault.line, fault.where) == (
        "hub.yaml", 9, "projects[0].feedback_types[0].statuses[0].kind",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("token", "fault"),
    [
        ("{key: bi}", "access_tokens[0].claims: is required"),
        ("{key: bi, claims: []}", "access_tokens[0].claims: at least 1 are due here, not 0"),
        (
            "{key: bi, claims: [fly]}",
            "access_tokens[0].claims[0]: one of errand_data, hub_read, hub_write is due here, not 'fly'",
        ),
        ("{key: '', claims: [hub_read]}", "access_tokens[0].key: must not be empty"),
    ],
)
def test_wants_of_a_token_what_it_cannot_work_without(token: str, fault: str) -> None:
    assert faults(f"workspace: {{slug: demo}}\naccess_tokens: [{token}]") == [f"hub.yaml:2: {fault}"]
