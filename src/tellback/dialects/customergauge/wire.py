"""Bodies of record calls, parsed into a configuration's reference and a record of headings. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tellback.core import errors
from tellback.kit.forms import Field

MOST_PAIRS = 1_000
REQUIRED = "The {} field is required."
NOT_AN_ARRAY = "The record must be an array."
NO_SUCH_CONFIGURATION = "The selected configuration is invalid."

_RECORD = "record["


@dataclass(frozen=True, slots=True)
class Sent:
    """What a call brought: the reference as sent, the record by heading (None where there is none to read)."""

    configuration: str | None
    record: Mapping[str, Any] | None
    faults: tuple[errors.Fault, ...]


def of_json(body: Mapping[str, Any]) -> Sent:
    """A JSON body's `configuration` and `record`."""
    faults: list[errors.Fault] = []
    reference = body.get("configuration")
    if isinstance(reference, int | float) and not isinstance(reference, bool):
        reference = str(reference)
    if reference is None or (isinstance(reference, str) and not reference.strip()):
        faults.append(errors.Fault("configuration", REQUIRED.format("configuration")))
        reference = None
    elif not isinstance(reference, str):
        faults.append(errors.Fault("configuration", NO_SUCH_CONFIGURATION))
        reference = None
    record = body.get("record")
    if record in (None, "", [], {}):
        faults.append(errors.Fault("record", REQUIRED.format("record")))
        record = None
    elif not isinstance(record, dict):
        faults.append(errors.Fault("record", NOT_AN_ARRAY))
        record = None
    return Sent(reference.strip() if reference else None, record, tuple(faults))


def of_form(fields: Sequence[Field]) -> Sent:
    """`configuration` and `record[<Heading>]` of a form; of repeated names the last counts, as in PHP."""
    record: dict[str, str] = {}
    nested: dict[str, errors.Fault] = {}
    plain: dict[str, str] = {}
    for name, value in fields:
        if not (name.startswith(_RECORD) and name.endswith("]")):
            plain[name] = value
            continue
        heading = name[len(_RECORD) : -1]
        outer, inside, _ = heading.partition("][")
        if inside:
            nested[outer] = errors.Fault(in_record(outer), f"The {outer} must be a string.")
        elif heading:
            record[heading] = value
    sent = of_json({"configuration": plain.get("configuration"), "record": record or plain.get("record")})
    faults = [fault for fault in sent.faults if fault.where != "record" or not nested]
    if len(fields) > MOST_PAIRS:
        return Sent(
            sent.configuration,
            None,
            (*faults, errors.Fault("record", f"The record must not have more than {MOST_PAIRS} items.")),
        )
    return Sent(sent.configuration, sent.record, (*faults, *nested.values()))


def in_record(heading: str) -> str:
    """The key of a fault in a record's heading."""
    return f"record.{heading}"
