"""An entry of the intake log as one line for people, and as JSON with the members of the hub's API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from tellback.cli import output
from tellback.core import intake

_LONGEST_VALUE = 80


def line(entry: intake.Entry) -> str:
    """When, status, what was called, by whom, what came of it; then whatever is worth a look."""
    parts = [
        f"{entry.at.astimezone():%Y-%m-%d %H:%M:%S}",
        str(entry.status),
        f"{entry.method} {entry.endpoint}",
        *_plain(entry),
    ]
    return output.clean("  ".join([*parts, *(f"{name}: {value}" for name, value in _remarks(entry))]))


def document(entry: intake.Entry) -> dict[str, Any]:
    """As `GET /hub/v1/intake` gives it (contracts: hub API, members)."""
    members = asdict(entry)
    members.pop("request_id")
    members["created"] = intake.rules.created(entry)
    return members


def _plain(entry: intake.Entry) -> Iterator[str]:
    if entry.credential or entry.target:
        yield " > ".join(name for name in (entry.credential, entry.target) if name)
    if entry.created:
        yield f"{entry.created['type']} {entry.created['id']}"


def _remarks(entry: intake.Entry) -> Iterator[tuple[str, str]]:
    if entry.unmapped:
        yield "unmapped", ", ".join(entry.unmapped)
    if entry.missing:
        yield "missing", ", ".join(entry.missing)
    if entry.unmatched:
        yield "unmatched", "; ".join(_unmatched(one) for one in entry.unmatched)
    for name in ("submitter", "error", "hint"):
        if value := getattr(entry, name):
            yield name, value


def _unmatched(one: dict[str, Any]) -> str:
    value = one["value"]
    shown = value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}…"
    options = f" (there is {', '.join(one['options'])})" if one["options"] else ""
    return f'{one["parameter"]} "{shown}"{options}'
