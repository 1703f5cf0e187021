"""Requests from webhooks: URL, headers and body are templates, and what they give is frozen.

A value is escaped for where it stands: percent-encoded in the URL, refused in a header when it would break the
line, and in the body as its author says (`| json`). Secret headers are no templates and no part of what is
rendered: they are added when the request is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import msgspec

from tellback.core import templates
from tellback.core.deliveries import addresses
from tellback.core.deliveries.definitions import Header, Webhook
from tellback.core.deliveries.model import Request
from tellback.core.templates.model import TemplateFault

_HEADER_BYTES: Final = 8 * 1024
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_TAG = re.compile(r"\{\{|\{%")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
#: Set by the hub, or a danger to the message's framing (RFC 9110, 7.6.1; RFC 9112, 6).
_OWN_HEADERS: Final = frozenset(
    {
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade",
        "proxy-authorization", "proxy-connection", "expect", "content-encoding", "accept-encoding",
        "webhook-id", "webhook-timestamp", "webhook-signature", "tellback-hop",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rendered:
    """A request but for its secret headers, and what to tell about it: "unknown tag ticket.foo"."""

    request: Request
    warnings: tuple[str, ...] = ()


def render_request(webhook: Webhook, context: Mapping[str, Any]) -> Rendered:
    """The request of `webhook` for an event.

    `context` holds what tags may name (`ticket`, `contact`, `project`, `event`, …) as JSON-like data; times
    may be `datetime`. Takes at most about 0.1 s and 32 MB. Raises `TemplateFault`, which a retry cannot mend.
    """
    values, unknown = templates.plain(context), dict[str, None]()
    url = _url(webhook.url, values, unknown)
    headers = tuple((one.name, _header(one, values, unknown)) for one in webhook.headers if not one.secret)
    body = None if webhook.body is None else _body(webhook.body, values, unknown)
    warnings = [f"unknown tag {name}" for name in unknown]
    if body is not None:
        kinds = [one.value for one in webhook.headers if one.name.lower() == "content-type"]
        is_json = _is_json(body)
        if not kinds:
            headers += (("Content-Type", "application/json" if is_json else "text/plain; charset=utf-8"),)
        elif "json" in kinds[0].lower() and not is_json:
            warnings.append("the body is no valid JSON (texts need the filter: {{ ticket.title | json }})")
    return Rendered(Request(webhook.method, url, headers, body), tuple(warnings))


def _url(source: str, values: Mapping[str, Any], unknown: dict[str, None]) -> str:
    try:
        url = templates.compiled(source, _encoded).render(values, unknown).strip()
    except TemplateFault as error:
        raise TemplateFault(f"url: {error.message}") from error
    url = _quoted(url)
    problem = addresses.url_fault(url)
    if problem:
        raise TemplateFault(f"url: {problem}")
    return url


def moved(old: str, new: str) -> tuple[str, str] | None:
    """How rendered URLs of the template `old` begin, and how they do in `new`, where nothing else of it changed.

    None where the URL is the same, or where its tags are other ones: then what was rendered cannot be told anew.
    """
    (fixed, tags), (other, other_tags) = _split(old), _split(new)
    return (_quoted(fixed), _quoted(other)) if fixed != other and tags == other_tags else None


def _split(url: str) -> tuple[str, str]:
    """A URL's template up to its first tag, and from there on."""
    before = len(_TAG.split(url, maxsplit=1)[0])
    return url[:before], url[before:]


def _quoted(text: str) -> str:
    """The template's own text in a URL: spaces and letters beyond ASCII are encoded, nothing else is."""
    return quote(text, safe="!#$%&'()*+,/:;=?@[]~")


def _encoded(value: str) -> str:
    """A value within a URL. Dots alone would go up in the path."""
    return quote(value, safe="").replace(".", "%2E") if value in (".", "..") else quote(value, safe="")


def _header(header: Header, values: Mapping[str, Any], unknown: dict[str, None]) -> str:
    try:
        text = templates.compiled(header.value).render(values, unknown).strip(" \t")
    except TemplateFault as error:
        raise TemplateFault(f"header {header.name}: {error.message}") from error
    if _CONTROL.search(text):
        raise TemplateFault(f"header {header.name}: a line break or control character may not stand in it")
    if len(text.encode()) > _HEADER_BYTES:
        raise TemplateFault(f"header {header.name}: it is longer than {_HEADER_BYTES:,} bytes")
    return text


def _body(source: str, values: Mapping[str, Any], unknown: dict[str, None]) -> str:
    try:
        return templates.compiled(source).render(values, unknown)
    except TemplateFault as error:
        raise TemplateFault(f"body: {error.message}") from error


def _is_json(body: str) -> bool:
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


# --- what can be told before there is an event --------------------------------------------------------------


def faults(webhook: Webhook) -> Iterator[tuple[str, str]]:
    """What is wrong with a webhook's templates, as (member, message): `headers.X-Kind`, "line 2: …"."""
    for problem in url_faults(webhook.url):
        yield "url", problem
    for header in webhook.headers:
        for problem in _header_faults(header):
            yield f"headers.{header.name}", problem
    if webhook.body is not None:
        for problem in templates.text_faults(webhook.body):
            yield "body", problem


def url_faults(source: str) -> Iterator[str]:
    """What is wrong with a URL that may hold tags, but not where it says whom to call.

    Who sends feedback must not choose who gets the webhook's credentials.
    """
    fixed = re.match(r"[^/?#]*//[^/?#]*", source)
    if fixed and ("{{" in fixed[0] or "{%" in fixed[0]):
        yield "tags may not stand in the scheme and the host"
        return
    problem = addresses.url_fault(_quoted(_split(source)[0].strip()))
    if problem:
        yield problem
        return
    try:
        templates.compiled(source, _encoded)
    except TemplateFault as error:
        yield error.message


def _header_faults(header: Header) -> Iterator[str]:
    if not _HEADER_NAME.fullmatch(header.name):
        yield "this is no header's name"
    elif header.name.lower() in _OWN_HEADERS:
        yield "the hub sets this header itself"
    elif _CONTROL.search(header.value):
        yield "a line break or control character may not stand in it"
    elif not header.secret:
        yield from templates.text_faults(header.value)
