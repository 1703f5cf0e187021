"""Import configurations compiled to mappings, and records read by them. Pure.

The words of faults are those of the seed ("The configuration field is required.") and its kind.
"""

from __future__ import annotations

import math
import re
import zoneinfo
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tellback.core import errors, people
from tellback.core.imports.model import Configuration, Field, Mapped, Read, Record
from tellback.core.intake import Unmatched

OBJECTS = ("account", "contact", "survey_record")
TEXT_LIMIT = 255
LONG_LIMIT = 65_535
HIGHEST_SCORE = 10

#: Every property but the free ones; those are the prefixes, whose names the operator chooses.
PROPERTIES = (
    "account.name", "account.alias", "contact.email", "contact.phone", "contact.first_name",
    "contact.last_name", "contact.job_title", "contact.language", "contact.account", "response.sent_at",
    "response.completed_at", "response.score", "response.comment", "response.touchpoint",
    "response.follow_up", "response.follow_up_details", "response.reference",
)  # fmt: skip
FREE = ("account.segments.", "contact.segments.", "response.driver.")
_PARTS = {"account": ("account",), "contact": ("account", "contact")}
_NEEDED = {
    "account": ("account.name",),
    "contact": (),
    "survey_record": ("response.sent_at", "response.completed_at"),
}
_IDENTITIES = ("contact.email", "contact.phone")

_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}:\d{2})?")
_OFFSET = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:[Zz]|[+-]\d{2}(?::?\d{2})?)"
)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?")
_ANY_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_FOLLOW_UP = {"y": True, "n": False}


class Refused(Exception):
    """A value that cannot be taken; the text goes on after "The <heading>"."""


class _NoMatch(Refused):
    """A value that is none of those there are."""


def faults(object: str, fields: Sequence[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """What is wrong with a configuration, as pairs of heading ("" for the whole) and message."""
    seen: dict[str, str] = {}
    for heading, name in fields:
        if name not in PROPERTIES and not any(name.startswith(free) and name != free for free in FREE):
            yield heading, f"there is no property {name!r}"
        elif name.partition(".")[0] not in _PARTS.get(object, ("account", "contact", "response")):
            yield heading, f"{name!r} is no property of a record of object {object}"
        elif name in seen:
            yield heading, f"{name!r} is mapped already, from {seen[name]!r}"
        seen.setdefault(name, heading)
    for name in _NEEDED.get(object, ()):
        if name not in seen:
            yield "", f"{name!r} must be mapped for object {object}"
    if object != "account" and not any(name in seen for name in _IDENTITIES):
        yield "", f"'contact.email' or 'contact.phone' must be mapped for object {object}"


def compiled(configuration: Configuration) -> Mapped:
    """The configuration as `read` wants it."""
    zone = zoneinfo.ZoneInfo(configuration.timezone)
    touchpoints = {name.lower(): name for name in configuration.touchpoints}
    heading_of = {name: heading for heading, name in configuration.fields}
    identity = None
    if configuration.object != "account":
        identity = next(heading_of[name] for name in _IDENTITIES if name in heading_of)
    return Mapped(
        configuration,
        tuple(
            Field(heading, *_placed(name), _reader(name, zone, touchpoints))
            for heading, name in configuration.fields
        ),
        frozenset(heading for heading, _ in configuration.fields),
        tuple((_placed(name), heading_of[name]) for name in _NEEDED[configuration.object]),
        identity,
        heading_of.get("account.alias"),
    )


def read(mapping: Mapped, given: Mapping[str, Any]) -> Read:
    """A record by its mapping: what it says, or everything that is wrong with it."""
    values: dict[str, dict[str, Any]] = {bucket: {} for bucket in _BUCKETS}
    found: list[errors.Fault] = []
    missing: list[str] = []
    unmatched: list[Unmatched] = []
    for field in mapping.fields:
        if field.heading not in given:
            missing.append(field.heading)
            continue
        try:
            values[field.bucket][field.name] = field.read(given[field.heading])
        except Refused as refused:
            values[field.bucket][field.name] = _REFUSED
            found.append(errors.Fault(field.heading, _said(field.heading, refused)))
            if isinstance(refused, _NoMatch):
                options = mapping.configuration.touchpoints if field.name == "touchpoint" else ("Y", "N")
                unmatched.append(Unmatched(field.heading, str(given[field.heading])[:TEXT_LIMIT], options))
    unmapped: tuple[str, ...] = ()
    if len(given) + len(missing) > len(mapping.fields):
        unmapped = tuple(heading for heading in given if heading not in mapping.headings)
        if mapping.configuration.reject_unmapped:
            found += [errors.Fault(one, f"The {one} field is not mapped.") for one in unmapped]
    found += _absent(mapping, values)
    record = None if found else _record(mapping, values)
    return Read(record, tuple(found), unmapped, tuple(missing), tuple(unmatched))


_BUCKETS = ("account", "account.segments", "contact", "contact.segments", "response", "response.driver")
_REFUSED = object()


def _said(heading: str, refused: Refused) -> str:
    if isinstance(refused, _NoMatch):
        return f"The selected {heading} is invalid."
    return f"The {heading} {refused}"


def _placed(name: str) -> tuple[str, str]:
    """The bucket a property's value goes into, and its name there."""
    for free in FREE:
        if name.startswith(free):
            return free[:-1], name[len(free) :]
    bucket, _, short = name.partition(".")
    return bucket, short


def _absent(mapping: Mapped, values: Mapping[str, Mapping[str, Any]]) -> Iterable[errors.Fault]:
    for (bucket, name), heading in mapping.required:
        if values[bucket].get(name) is None:
            yield errors.Fault(heading, f"The {heading} field is required.")
    contact = values["contact"]
    if mapping.identity is not None and contact.get("email") is None and contact.get("phone") is None:
        yield errors.Fault(mapping.identity, f"The {mapping.identity} field is required.")


def _record(mapping: Mapped, values: Mapping[str, dict[str, Any]]) -> Record:
    account = None
    name = values["account"].get("name")
    if name is not None:
        account = people.GivenAccount(name, values["account"].get("alias"), values["account.segments"])
    if mapping.configuration.object == "account":
        return Record(account)
    told = values["contact"]
    email, phone = told.pop("email", None), told.pop("phone", None)
    belongs_to = None
    if "account" in told:
        owner = told.pop("account")
        if owner is None:
            told["account_id"] = None
        else:
            belongs_to = people.GivenAccount(owner)
    contact = people.Given(email, phone, told, values["contact.segments"])
    response = None
    if mapping.configuration.object == "survey_record":
        response = values["response"]
        drivers = {name: value for name, value in values["response.driver"].items() if value is not None}
        if drivers:
            response["drivers"] = drivers
    return Record(account, contact, belongs_to, response)


def _reader(name: str, zone: zoneinfo.ZoneInfo, touchpoints: Mapping[str, str]) -> Callable[[Any], Any]:
    match name:
        case "contact.email":
            return _email
        case "contact.phone":
            return _phone
        case "response.sent_at" | "response.completed_at":
            return lambda raw: _moment(raw, zone)
        case "response.score":
            return _score
        case "response.comment" | "response.follow_up_details":
            return _long
        case "response.touchpoint":
            return lambda raw: _one_of(raw, touchpoints)
        case "response.follow_up":
            return lambda raw: _one_of(raw, _FOLLOW_UP)
    return _driver if name.startswith("response.driver.") else _short


def text_of(raw: Any) -> str:
    """What was sent, as text; "" for nothing. Raises `Refused`."""
    if isinstance(raw, str):
        if "\x00" in raw:
            raise Refused("holds a character that cannot be stored.")
        return raw
    if raw is None:
        return ""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < 1e15:
        return str(int(raw))
    if isinstance(raw, int | float):
        return str(raw)
    raise Refused("must be a string.")


def _short(raw: Any) -> str | None:
    text = text_of(raw).strip()
    if len(text) > TEXT_LIMIT:
        raise Refused(f"must not be greater than {TEXT_LIMIT} characters.")
    return text or None


def _long(raw: Any) -> str | None:
    text = text_of(raw)
    if len(text) > LONG_LIMIT:
        raise Refused(f"must not be greater than {LONG_LIMIT} characters.")
    return text if text.strip() else None


def _email(raw: Any) -> str | None:
    text = text_of(raw).strip()
    if text and not people.rules.valid_email(text):
        raise Refused("must be a valid email address.")
    return text or None


def _phone(raw: Any) -> str | None:
    text = text_of(raw).strip()
    if text and not people.rules.valid_phone(text):
        raise Refused("must be a valid phone number.")
    return text or None


def _moment(raw: Any, zone: zoneinfo.ZoneInfo) -> datetime | None:
    """`2023-05-10 11:34:56` and `2023-05-10` in the workspace's zone, or ISO 8601 with an offset; in UTC."""
    text = text_of(raw).strip()
    if not text:
        return None
    try:
        if _LOCAL.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)
        if _OFFSET.fullmatch(text):
            return datetime.fromisoformat(text.upper().replace(",", ".")).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Refused("is not a valid date.")


def _score(raw: Any) -> float | None:
    text = text_of(raw).strip()
    if not text:
        return None
    if not text.isascii() or not _ANY_NUMBER.fullmatch(text):
        raise Refused("must be an integer.")
    number = float(text)
    if "." in text and (isinstance(raw, str) or not number.is_integer()):
        raise Refused("must be an integer.")
    if not 0 <= number <= HIGHEST_SCORE or text[0] in "+-":
        raise Refused(f"must be between 0 and {HIGHEST_SCORE}.")
    return number


def _one_of(raw: Any, options: Mapping[str, Any]) -> Any:
    text = text_of(raw).strip()
    if not text:
        return None
    if text.lower() not in options:
        raise _NoMatch(text)
    return options[text.lower()]


def _driver(raw: Any) -> str | float | None:
    """A text, or a number where it is written as one, so that JSON and forms give the same."""
    text = _short(raw)
    if text is None or isinstance(raw, bool) or not _NUMBER.fullmatch(text):
        return text
    number = float(text)
    return int(number) if number.is_integer() and math.fabs(number) < 1e15 else number
