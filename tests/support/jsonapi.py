"""A checker of what JSON:API 1.1 asks of a server, rule by rule. It knows the format and nothing of this hub.

Each rule is a function that gives what is wrong with an answer; its docstring names the section of the format
(jsonapi.org/format/1.1) that it stands for. `check` runs them all over one answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx

MEDIA_TYPE = "application/vnd.api+json"
_TOP = {"data", "errors", "meta", "jsonapi", "links", "included"}
_RESOURCE = {"type", "id", "lid", "attributes", "relationships", "links", "meta"}
_ERROR = {"id", "links", "status", "code", "title", "detail", "source", "meta"}
_SOURCE = {"pointer", "parameter", "header"}
# "Member Names": globally allowed first and last characters, and those allowed between.
_NAME = re.compile(
    r"[a-zA-Z0-9\u0080-\U0010ffff](?:[a-zA-Z0-9\u0080-\U0010ffff_ -]*[a-zA-Z0-9\u0080-\U0010ffff])?"
)

Rule = Callable[[httpx.Response, Any], Iterator[str]]


def check(answer: httpx.Response) -> None:
    """Fails with every rule an answer breaks."""
    document = answer.json() if answer.content else None
    broken = [f"{rule.__name__}: {wrong}" for rule in RULES for wrong in rule(answer, document)]
    assert broken == [], (broken, answer.request.method, str(answer.request.url), answer.text[:2000])


def sends_the_media_type(answer: httpx.Response, document: Any) -> Iterator[str]:
    """Content Negotiation, Server Responsibilities: the type, with no parameter but `ext` and `profile`."""
    if document is None:
        return
    name, *parameters = (part.strip() for part in answer.headers.get("content-type", "").split(";"))
    if name != MEDIA_TYPE:
        yield f"the content type is {name!r}"
    for parameter in parameters:
        if parameter.partition("=")[0] not in ("ext", "profile"):
            yield f"the content type has the parameter {parameter!r}"


def varies_by_accept(answer: httpx.Response, document: Any) -> Iterator[str]:
    """Content Negotiation: servers that look at Accept should say so."""
    if "accept" not in answer.headers.get("vary", "").lower():
        yield "there is no Vary: Accept"


def has_an_object_on_top(answer: httpx.Response, document: Any) -> Iterator[str]:
    """Document Structure, Top Level: an object with data, errors or meta, and nothing that is not defined."""
    if document is None:
        return
    if not isinstance(document, dict):
        yield "the document is no object"
        return
    if not {"data", "errors", "meta"} & document.keys():
        yield "there is none of data, errors and meta"
    if {"data", "errors"} <= document.keys():
        yield "data and errors stand side by side"
    if "included" in document and "data" not in document:
        yield "included stands without data"
    yield from (f"{name!r} is not defined" for name in document.keys() - _TOP)


def describes_itself(answer: httpx.Response, document: Any) -> Iterator[str]:
    """JSON:API Object: an object, its version a string."""
    if isinstance(document, dict) and "jsonapi" in document:
        said = document["jsonapi"]
        if not isinstance(said, dict) or not isinstance(said.get("version", ""), str):
            yield f"jsonapi is {said!r}"


def has_errors_where_it_fails(answer: httpx.Response, document: Any) -> Iterator[str]:
    """Errors, Processing Errors; Fetching Resources: failures have errors, successes data or meta."""
    if document is None:
        return
    if answer.status_code >= 400 and "errors" not in document:
        yield f"a {answer.status_code} without errors"
    if answer.status_code < 400 and "errors" in document:
        yield f"a {answer.status_code} with errors"


def has_proper_errors(answer: httpx.Response, document: Any) -> Iterator[str]:
    """Error Objects: an array of objects with defined members only, `status` the status as a string."""
    errors = document.get("errors") if isinstance(document, dict) else None
    if errors is None:
        return
    if not isinstance(errors, list) or not errors:
        yield "errors is no array, or empty"
        return
    for error in errors:
        if not isinstance(error, dict) or not error or not error.keys() <= _ERROR:
            yield f"{error!r} is no error object"
            continue
        if any(
            not isinstance(error.get(name, ""), str) for name in ("id", "status", "code", "title", "detail")
        ):
            yield f"{error!r} has a member that must be a string"
        if len(errors) == 1 and error.get("status", str(answer.status_code)) != str(answer.status_code):
            yield f"the status is {error['status']!r}, the answer's {answer.status_code}"


def points_to_what_is_there(answer: httpx.Response, document: Any) -> Iterator[str]:
    """Error Objects, source: a pointer leads to a value of the request; a parameter or header is one of the request."""
    if not isinstance(document, dict):
        return
    for error in document.get("errors", ()):
        source = error.get("source", {})
        if not isinstance(source, dict) or not source.keys() <= _SOURCE:
            yield f"{source!r} is no source"
        elif "pointer" in source and not _leads(source["pointer"], answer.request):
            yield f"{source['pointer']!r} leads to nothing in the request"
        elif "parameter" in source and source["parameter"] not in answer.request.url.params:
            yield f"the request has no parameter {source['parameter']!r}"


def _leads(pointer: str, request: httpx.Request) -> bool:
    """Whether an RFC 6901 pointer leads to something in the request's body."""
    try:
        value: Any = json.loads(request.content)
    except ValueError:
        return False
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return False
    return pointer == "" or pointer.startswith("/")


def has_proper_resources(answer: httpx.Response, document: Any) -> Iterator[str]:
    """Resource Objects: type and id are strings, and defined members only; Fetching Resources: object, array or null."""
    if not isinstance(document, dict) or "data" not in document:
        return
    data = document["data"]
    if not isinstance(data, dict | list) and data is not None:
        yield f"data is {data!r}"
    for one in _resources(document):
        if not isinstance(one, dict) or not one.keys() <= _RESOURCE:
            yield f"{one!r} is no resource object"
        elif not isinstance(one.get("type"), str) or not isinstance(one.get("id"), str):
            yield f"type and id of {one!r} are not both strings"
        elif not _NAME.fullmatch(one["type"]):
            yield f"{one['type']!r} is no type"


def has_proper_attributes(answer: httpx.Response, document: Any) -> Iterator[str]:
    """Resource Objects, Attributes and Fields: an object; no `type`, no `id`; names as "Member Names" has them."""
    for one in _resources(document):
        attributes = one.get("attributes", {}) if isinstance(one, dict) else {}
        if not isinstance(attributes, dict):
            yield f"attributes is {attributes!r}"
            continue
        yield from (f"a field is called {name!r}" for name in ("type", "id") if name in attributes)
        yield from (f"{name!r} is no name" for name in attributes if not _NAME.fullmatch(name))


def gives_each_resource_once(answer: httpx.Response, document: Any) -> Iterator[str]:
    """Compound Documents: never more than one resource object for each type and id."""
    seen: set[tuple[Any, Any]] = set()
    for one in _resources(document):
        identity = one.get("type"), one.get("id")
        if identity in seen:
            yield f"{identity} is there twice"
        seen.add(identity)


def gives_no_more_than_is_asked_for(answer: httpx.Response, document: Any) -> Iterator[str]:
    """Sparse Fieldsets: not one field more of a type whose fields are named."""
    for name, value in answer.request.url.params.multi_items():
        if not (name.startswith("fields[") and name.endswith("]")):
            continue
        asked = set(value.split(","))
        for one in _resources(document):
            if one.get("type") == name[7:-1] and not one.get("attributes", {}).keys() <= asked:
                yield f"{sorted(one['attributes'].keys() - asked)} was not asked for"


def says_where_what_was_made_is(answer: httpx.Response, document: Any) -> Iterator[str]:
    """Creating Resources, 201: a Location, the resource of that id, and the same address in links.self."""
    if answer.status_code != 201:
        return
    location = answer.headers.get("location", "")
    data = (document or {}).get("data") or {}
    if not urlsplit(location).path.endswith(f"/{data.get('id')}"):
        yield f"the Location {location!r} is not that of {data.get('id')!r}"
    if "links" in data and data["links"].get("self", location) != location:
        yield "links.self is not the Location"


def _resources(document: Any) -> list[Any]:
    data = document.get("data") if isinstance(document, dict) else None
    return data if isinstance(data, list) else [data] if data is not None else []


RULES: tuple[Rule, ...] = (
    sends_the_media_type,
    varies_by_accept,
    has_an_object_on_top,
    describes_itself,
    has_errors_where_it_fails,
    has_proper_errors,
    points_to_what_is_there,
    has_proper_resources,
    has_proper_attributes,
    gives_each_resource_once,
    gives_no_more_than_is_asked_for,
    says_where_what_was_made_is,
)
