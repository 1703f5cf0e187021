"""From a posted object to a ticket's values: pure, and complete about what did not fit.

Rules: seed 000, "Configure your External Source" and "Notes"; what it leaves open is decided in docs/dialects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tellback.core.errors import Fault
from tellback.core.intake import Unmatched
from tellback.core.people import Participant, email_key
from tellback.core.projects.model import Element, Mapped, Project, Source, Status

SUBJECT_LIMIT = 255  # characters
TEXT_LIMIT = 65_535
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_SHOWN = 200  # characters of a wrong value that a message or the log repeats


class Refused(Exception):
    """One value cannot be taken.

    `predicate` is a sentence without its subject ("is a list; …"); `options` where it is none of those.
    """

    def __init__(self, predicate: str, shown: str = "", options: tuple[str, ...] = ()) -> None:
        super().__init__(predicate)
        self.predicate = predicate
        self.shown = shown
        self.options = options


def map_parameters(source: Source, project: Project, parameters: Mapping[str, Any]) -> Mapped:
    """Read a posted object by a source's mapping. Never raises: faults are in the answer, all of them."""
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    missing: list[str] = []
    unmatched: list[Unmatched] = []
    subject = ""
    for element, parameter in source.fields:
        value = parameters.get(parameter)
        if is_empty(value):
            if element.type == "file":
                continue  # files come by their own endpoint, later
            if parameter not in parameters:
                missing.append(parameter)
            if element.required:
                faults.append(Fault(parameter, f"The parameter '{parameter}' is required."))
            continue
        try:
            values[element.key] = read = read_value(element, value)
        except Refused as refused:
            faults.append(Fault(parameter, f"The parameter '{parameter}' {refused.predicate}"))
            if refused.options:
                unmatched.append(Unmatched(parameter, refused.shown, refused.options))
            continue
        if element.role == "subject":
            subject = read
    status, status_fault = _status(source, parameters)
    submitter, given, decision, submitter_fault = _submitter(source, project, parameters)
    unmapped = _unmapped(source, parameters)
    faults += [fault for fault in (status_fault, submitter_fault) if fault]
    if source.refuse_unmapped:
        faults += [Fault(name, f"The parameter '{name}' is not mapped.") for name in unmapped]
    if source.status is None and source.status_parameter not in parameters:
        missing.append(source.status_parameter)
    if source.default_submitter is None and source.submitter_parameter not in parameters:
        missing.append(source.submitter_parameter)
    return Mapped(
        values, subject, status, submitter, given, decision,
        unmapped, tuple(missing), tuple(unmatched), tuple(faults),
    )  # fmt: skip


def read_value(element: Element, value: Any) -> Any:
    """`value` as the element holds it: choices as public labels, ratings as whole numbers. Raises `Refused`."""
    return _READERS[element.type](element, value)


def is_empty(value: Any) -> bool:
    """Whether a value says nothing, as a parameter does that was not sent."""
    return value is None or value == "" or value == []


def number_text(value: float) -> str:
    """The shortest text that reads back as the same number: 3.0 is `3`, 2.50 is `2.5`, 1e300 is `1e300`."""
    text = repr(value)
    if text.endswith(".0"):
        return text[:-2]
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if e else text


def _kind(value: Any) -> str:
    """The JSON name of a value's type."""
    if isinstance(value, bool):
        return "a boolean"
    names = {str: "a string", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), "null")


def _scalar_text(value: Any) -> str | None:
    """A string, number or boolean as text, in JSON's words; None for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number_text(value)
    return str(value) if isinstance(value, (int, str)) else None


def _text(element: Element, value: Any) -> str:
    text = _scalar_text(value)
    if text is None:
        raise Refused(f"is {_kind(value)}; a text is due.")
    limit = SUBJECT_LIMIT if element.role == "subject" else TEXT_LIMIT
    if len(text) > limit:
        raise Refused(f"is {len(text)} characters long; {limit} are allowed.")
    return text


def _choice(element: Element, value: Any) -> str:
    if isinstance(value, str) and value in element.choices:
        return element.choices[value]
    shown = _shown(value)
    options = ", ".join(f"'{option}'" for option in element.options)
    raise Refused(
        f"is {_kind(value)} that matches no option ({shown}); allowed are {options}.", shown, element.options
    )


def _choices(element: Element, value: Any) -> list[str]:
    wanted = value if isinstance(value, list) else [value]
    chosen: list[str] = []
    for one in wanted:
        label = _choice(element, one)
        if label in chosen:
            raise Refused(f"is a list that names the option '{label}' twice.")
        chosen.append(label)
    return chosen


def _rating(element: Element, value: Any) -> int:
    number: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif (isinstance(value, float) and value.is_integer()) or (
        isinstance(value, str) and _WHOLE.fullmatch(value)
    ):
        number = int(value)
    if number is not None and element.lowest <= number <= element.highest:
        return number
    shown = _shown(value)
    allowed = f"whole numbers from {element.lowest} to {element.highest}"
    raise Refused(f"is {_kind(value)} ({shown}); allowed are {allowed}.", shown, (allowed,))


def _file(element: Element, value: Any) -> str:
    raise Refused(
        f"is {_kind(value)}; it stands for a file, which is uploaded to the address "
        "given in fileElements once the ticket is there."
    )


_READERS: dict[str, Callable[[Element, Any], Any]] = {
    "text": _text,
    "single_choice": _choice,
    "multiple_choice": _choices,
    "rating_scale": _rating,
    "file": _file,
}


def _shown(value: Any) -> str:
    text = _scalar_text(value)
    if text is None:
        text = _kind(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _status(source: Source, parameters: Mapping[str, Any]) -> tuple[Status | None, Fault | None]:
    if source.status is not None:
        return source.status, None
    name = source.status_parameter
    value = parameters.get(name)
    if is_empty(value):
        return None, Fault(name, f"The parameter '{name}' is required.")
    for status in source.type.statuses:
        if value == status.name:
            return status, None
    allowed = ", ".join(f"'{status.name}'" for status in source.type.statuses)
    return None, Fault(
        name,
        f"The parameter '{name}' is {_kind(value)} that is no status ({_shown(value)}); allowed are {allowed}.",
    )


def _submitter(
    source: Source, project: Project, parameters: Mapping[str, Any]
) -> tuple[Participant | None, str | None, str, Fault | None]:
    """Who submits: the participant, the address given, the decision in words, and the fault if there is one."""
    name = source.submitter_parameter
    value = parameters.get(name)
    given = None if is_empty(value) else _scalar_text(value)
    if given is None and not is_empty(value):
        fault = Fault(name, f"The parameter '{name}' is {_kind(value)}; an e-mail address is due.")
        return None, None, "refused: not an e-mail address", fault
    matched = project.participants.get(email_key(given)) if given is not None else None
    if matched is not None:
        return matched, None, f"matched participant {matched.email}", None
    default = source.default_submitter
    if default is None:
        wrong = "is required" if given is None else "is no participant's e-mail address"
        return (
            None,
            given,
            "refused: no participant and no default",
            Fault(name, f"The parameter '{name}' {wrong}."),
        )
    if given is None:
        return default, None, f"none given, so the default submitter {default.email}", None
    return (
        default,
        given,
        f"no participant has the given address, so the default submitter {default.email}",
        None,
    )


def _unmapped(source: Source, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    known = {parameter for _, parameter in source.fields} | {
        source.status_parameter,
        source.submitter_parameter,
    }
    return tuple(name for name in parameters if name not in known)
