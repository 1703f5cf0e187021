"""What becomes of texts, and by what a person is found in them. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote_plus

import msgspec

from tellback.core.erased import ERASED
from tellback.core.erasure.model import Person
from tellback.core.people import email_key
from tellback.core.people.rules import phone_key

#: A shorter number is found in too much that is no phone number.
_LEAST_DIGITS = 7
#: A shorter text may be anybody's; one that is longer is known by its beginning, as logs cut their bodies.
_LEAST_TEXT, _KNOWN_BY = 12, 60
#: Of more texts than these, the longest are looked for; what is linked to the person is erased without looking.
_MOST_TEXTS = 50
#: Notes of a timeline that the hub words itself, of nothing but names of statuses, fields and members.
PLAIN_NOTES = (
    "created", "status", "closed", "reopened", "answered", "field", "assigned", "tag_added", "tag_removed",
    "priority", "acquired", "released", "deleted", "replied", "rated", "erased",
)  # fmt: skip


def values(stored: Mapping[str, Any], kinds: Mapping[str, str]) -> dict[str, Any]:
    """A ticket's values with choices and ratings as they are, and every text erased."""
    chosen = {"single_choice", "multiple_choice", "rating_scale"}
    return {key: value if kinds.get(key) in chosen else scrubbed(value) for key, value in stored.items()}


def scrubbed(value: Any) -> Any:
    """A JSON value with every text in it erased; numbers, truth and names of members stay."""
    if isinstance(value, dict):
        return {key: scrubbed(below) for key, below in value.items()}
    if isinstance(value, list):
        return [scrubbed(below) for below in value]
    return ERASED if isinstance(value, str) and value else value


def leaves(value: Any) -> list[str]:
    """The texts of a JSON value."""
    if isinstance(value, dict):
        return [leaf for below in value.values() for leaf in leaves(below)]
    if isinstance(value, list):
        return [leaf for below in value for leaf in leaves(below)]
    return [value] if isinstance(value, str) and value else []


def answers(stored: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A session's answers with choices and times as they are, and every text erased."""
    return [{**one, "text": ERASED} if one.get("text") else dict(one) for one in stored]


def segments(copies: Mapping[str, Mapping[str, str]], person: Person) -> dict[str, dict[str, str]]:
    """A response's copies of segments: figures are grouped by them. Those that name the person are erased."""
    known = named(person)
    return {
        whose: {name: ERASED if known.search(word) else word for name, word in of.items()}
        for whose, of in copies.items()
    }


def is_theirs(respondent: Mapping[str, Any] | None, person: Person) -> bool:
    """Whether that is how the person presented themself: an e-mail address wins over a phone."""
    if respondent is None:
        return False
    if email := respondent.get("email"):
        return person.email is not None and email_key(email) == email_key(person.email)
    phone = respondent.get("phone")
    return bool(phone and person.phone and phone_key(phone) == phone_key(person.phone))


def identities(person: Person) -> list[str]:
    """What tells the person from everybody: e-mail address, and phone number as it may be written."""
    found = [email_key(person.email)] if person.email else []
    if person.phone and len(re.sub(r"[^0-9]", "", person.phone)) >= _LEAST_DIGITS:
        found += [person.phone.strip(), phone_key(person.phone)]
    return list(dict.fromkeys(found))


def identified(person: Person) -> re.Pattern[str] | None:
    """Finds the person's address and number in texts, not inside longer ones; None where there are none."""
    known = identities(person)
    if not known:
        return None
    words = "|".join(re.escape(one) for one in sorted(known, key=len, reverse=True))
    return re.compile(rf"(?<![\w.%+-])(?:{words})(?![\w-]|\.\w)", re.IGNORECASE)


def named(person: Person) -> re.Pattern[str]:
    """As `identified`, and their names as words."""
    known = [*identities(person), *(name for name in person.names if len(name) > 1)]
    words = "|".join(re.escape(one) for one in sorted(known, key=len, reverse=True)) or r"(?!)"
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)


def without(value: Any, known: re.Pattern[str]) -> Any:
    """A JSON value in which every occurrence is replaced, in names of members too."""
    if isinstance(value, dict):
        return {known.sub(ERASED, key): without(below, known) for key, below in value.items()}
    if isinstance(value, list):
        return [without(below, known) for below in value]
    return known.sub(ERASED, value) if isinstance(value, str) else value


def needles(person: Person, texts: Iterable[str]) -> list[str]:
    """What to look for in bodies of logs and calls: the person's address, number and texts, however encoded."""
    long = {text.strip()[:_KNOWN_BY].rstrip() for text in texts}
    wanted = sorted((one for one in long if len(one) >= _LEAST_TEXT and one != ERASED), key=len, reverse=True)
    found: dict[str, None] = {}
    for one in [*identities(person), *wanted[:_MOST_TEXTS]]:
        found |= dict.fromkeys(_encoded(one))
    return list(found)


def _encoded(text: str) -> list[str]:
    """As it stands in text, in JSON, in JSON inside JSON, and in a form."""
    once = [_in_json(text), json.dumps(text)[1:-1]]
    return [text, *once, *map(_in_json, once), quote_plus(text)]


def _in_json(text: str) -> str:
    return msgspec.json.encode(text).decode()[1:-1]
