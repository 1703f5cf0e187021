"""Requests and texts from requests."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tellback.core import templates
from tellback.core.deliveries import requests
from tellback.core.deliveries.definitions import Header, Webhook

CONTEXT: dict[str, Any] = {
    "ticket": {
        "title": 'He said "no"\r\nand left',
        "tags": ["a", "b"],
        "values": {"stars": 3, "name": "Ö & co/x?y#z", "dots": ".."},
        "assignee": None,
        "created_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    },
    "external": {"jira": {"issue_key": "DEMO-1"}},
}


def webhook(
    url: str = "https://there.example/x", body: str | None = None, headers: tuple[Header, ...] = ()
) -> Webhook:
    return Webhook("w", "POST", url, headers, body=body)


def body(source: str, context: dict[str, Any] | None = None) -> tuple[str, tuple[str, ...]]:
    rendered = requests.render_request(webhook(body=source), context or CONTEXT)
    assert rendered.request.body is not None
    return rendered.request.body, rendered.warnings


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('{"s": {{ ticket.title | json }}}', '{"s": "He said \\"no\\"\\r\\nand left"}'),
        ("{{ ticket.title }}", 'He said "no"\r\nand left'),
        ("{% for tag in ticket.tags %}{{ tag }}{% unless forloop.last %},{% endunless %}{% endfor %}", "a,b"),
        ("{{ ticket.tags | join: '; ' | upcase }}", "A; B"),
        ("{{ ticket.created_at }}", "2026-01-02T03:04:05Z"),
        ("{{ ticket.created_at | date: '%d.%m.%Y %H:%M' }}", "02.01.2026 03:04"),
        ("{{ ticket.values.stars | times: 20 }}%", "60%"),
        ("{% for n in (1..ticket.values.stars) %}*{% endfor %}", "***"),
        (
            "{% assign k = external.jira.issue_key %}{% capture l %}[{{ k }}]{% endcapture %}{{ l }}",
            "[DEMO-1]",
        ),
        ("{% raw %}{{ ticket.title }}{% endraw %}!", "{{ ticket.title }}!"),
        ("a {%- comment -%} {{ ticket.title }} {%- endcomment -%} b", "ab"),
        ("a {{- 1 -}} b", "a1b"),
        ("{# kept #} { {x} }", "{# kept #} { {x} }"),
        ("{{ '<b>x</b> <y' | strip_html }}", "x <y"),
        ("{{ ticket.values | json }}", '{"stars": 3, "name": "Ö & co/x?y#z", "dots": ".."}'),
        ("{{ ticket.assignee }}{{ ticket.assignee | json }}", "null"),
        ("{{ ticket.title.__class__ }}{{ ticket.__class__.__mro__ }}", ""),
    ],
)
def test_fills_tags_in(source: str, text: str) -> None:
    assert body(source)[0] == text


@pytest.mark.parametrize(
    ("source", "text", "warnings"),
    [
        ("a{{ ticket.foo }}b", "ab", ("unknown tag ticket.foo",)),
        ("{{ ticket.foo | upcase }}{{ ticket.foo }}", "", ("unknown tag ticket.foo",)),
        ("{{ external.jira.votes | json }}", "null", ("unknown tag external.jira.votes",)),
        ("{{ now }}", "", ("unknown tag now",)),
        ("{{ ticket.tags[7] }}", "", ("unknown tag ticket.tags[7]",)),
        ("{{ ticket.foo | default: 'none' }}", "none", ()),
        ("{% if ticket.foo %}x{% endif %}", "", ()),
        ("{{ ticket.assignee }}", "", ()),
    ],
)
def test_names_the_tags_that_it_does_not_know(source: str, text: str, warnings: tuple[str, ...]) -> None:
    assert body(source) == (text, warnings)


def test_encodes_values_in_the_url_and_nothing_else_of_it() -> None:
    url = "https://there.example/a%20b/ü/{{ ticket.values.name }}/{{ ticket.values.dots }}?q={{ ticket.title }}&x=1"
    rendered = requests.render_request(webhook(url), CONTEXT).request.url
    parts = urlsplit(rendered)
    assert parts.path == "/a%20b/%C3%BC/%C3%96%20%26%20co%2Fx%3Fy%23z/%2E%2E"
    assert parse_qs(parts.query) == {"q": ['He said "no"\r\nand left'], "x": ["1"]}


def test_does_not_encode_twice_what_is_encoded_by_habit() -> None:
    url = "https://there.example/{{ ticket.values.name | url_encode }}"
    assert unquote(requests.render_request(webhook(url), CONTEXT).request.url).endswith("/Ö & co/x?y#z")


@given(some.text(max_size=40))
def test_lets_no_value_out_of_its_place_in_the_url(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        return
    url = "https://there.example/a/{{ v }}/b?c={{ v }}&d=e"
    parts = urlsplit(requests.render_request(webhook(url), {"v": value}).request.url)
    assert parts.netloc == "there.example"
    assert unquote(parts.path) == f"/a/{value}/b"
    assert parse_qs(parts.query, keep_blank_values=True) == {"c": [value], "d": ["e"]}


@given(some.recursive(some.none() | some.booleans() | some.integers() | some.text(), some.lists))
def test_makes_json_of_every_value(value: Any) -> None:
    assert json.loads(body('{"v": {{ v | json }}}', {"v": value})[0]) == {"v": value}


def test_leaves_secret_headers_out_and_fills_the_others() -> None:
    headers = (
        Header("X-Key", " {{ external.jira.issue_key }} "),
        Header("Authorization", "{{ x", secret=True),
    )
    rendered = requests.render_request(webhook(headers=headers), CONTEXT)
    assert rendered.request.headers == (("X-Key", "DEMO-1"),)


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\r\nEvil: 1", "a\x00b", "a\x7fb"])
def test_refuses_a_header_whose_value_would_break_the_line(value: str) -> None:
    with pytest.raises(templates.TemplateFault, match="header X-T: a line break or control character"):
        requests.render_request(webhook(headers=(Header("X-T", "v {{ v }} v"),)), {"v": value})


@pytest.mark.parametrize(
    ("source", "content_type"), [('{"a": 1}', "application/json"), ("hello", "text/plain; charset=utf-8")]
)
def test_says_what_the_body_is_where_the_webhook_does_not(source: str, content_type: str) -> None:
    request = requests.render_request(webhook(body=source), {}).request
    assert request.headers == (("Content-Type", content_type),)


def test_warns_of_a_body_that_should_be_json_and_is_none() -> None:
    headers = (Header("content-type", "application/json"),)
    rendered = requests.render_request(webhook(body='{"a": "{{ ticket.title }}"}', headers=headers), CONTEXT)
    assert rendered.request.headers == (("content-type", "application/json"),)
    assert rendered.warnings == (
        "the body is no valid JSON (texts need the filter: {{ ticket.title | json }})",
    )


def test_renders_notes() -> None:
    assert templates.render_text("See {{ external.jira.issue_key }}{{ nothing }}", CONTEXT) == templates.Text(
        "See DEMO-1", ("unknown tag nothing",)
    )


def test_takes_nothing_but_plain_data() -> None:
    with pytest.raises(TypeError, match="TemplateFault is no plain data"):
        templates.render_text("x", {"v": templates.TemplateFault("x")})


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("a\n{% if x %}", "line 2: expected tag endif, found end of expression"),
        ("a\n\n{{ x | nofilter }}", "line 3: unknown filter 'nofilter'"),
        ("{% if x %}{{ x | nofilter }}{% endif %}", "line 1: unknown filter 'nofilter'"),
        ("\n{{ x ", "line 2: it is opened and never closed"),
        ("{% %}", "line 1: a tag needs a name"),
        ("{% include 'secrets' %}", "line 1: unexpected tag 'include'"),
        ("{% frobnicate %}", "line 1: unexpected tag 'frobnicate'"),
        ("{{ (1..) }}", "line 1: expected a primitive expression, found rparen"),
    ],
)
def test_says_where_a_template_is_wrong_before_there_is_an_event(source: str, fault: str) -> None:
    assert list(requests.faults(webhook(body=source))) == [("body", fault)]


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://{{ ticket.values.host }}/x", "tags may not stand in the scheme and the host"),
        ("{{ ticket.values.url }}", "http:// or https:// is due"),
        ("ftp://there.example/", "http:// or https:// is due"),
        ("https://u:p@there.example/{{ x }}", "name and password may not stand in it; use basic_auth or a header"),
        ("https://there.example/{% capture x %}a{% endcapture %}", "line 1: unexpected tag 'capture'"),
        ("https://there.example/{{ x", "line 1: it is opened and never closed"),
    ],
)  # fmt: skip
def test_refuses_urls_before_there_is_an_event(url: str, fault: str) -> None:
    assert list(requests.faults(webhook(url))) == [("url", fault)]


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        (Header("Host", "x"), "the hub sets this header itself"),
        (Header("Webhook-Signature", "x"), "the hub sets this header itself"),
        (Header("X Y", "x"), "this is no header's name"),
        (Header("X", "a\nb", secret=True), "a line break or control character may not stand in it"),
        (Header("X", "{{ x"), "line 1: it is opened and never closed"),
    ],
)
def test_refuses_headers_before_there_is_an_event(header: Header, fault: str) -> None:
    assert list(requests.faults(webhook(headers=(header,)))) == [(f"headers.{header.name}", fault)]


def test_lets_no_value_decide_whom_to_call() -> None:
    with pytest.raises(templates.TemplateFault, match="url: "):
        requests.render_request(webhook("{{ url }}"), {"url": "https://evil.example"})
