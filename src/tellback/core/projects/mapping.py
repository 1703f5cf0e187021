"""From a posted object to a ticket's values: pure, and complete about what did not fit.

Rules: seed 000, "Configure your External Source" and "Notes"; what it leaves open is decided in docs/dialects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tellback.core.errors import Fault
from tellback.core.intake import Unmatched
from tellback.core.people import Participant, email_key
from tellback.core.projects.model import Element, Mapped, Project, Source, Status

SUBJECT_LIMIT = 255  # characters
TEXT_LIMIT = 65_535
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_SHOWN = 200  # characters of a wrong value that a message or the log repeats
_MOST_SHOWN = 20  # wrong values of one list that a message or the log repeats


class Refused(Exception):
    """One value cannot be taken.

    `predicate` is a sentence without its subject ("is a list; …"); `shown` is what is none of `options`.
    """

    def __init__(self, predicate: str, shown: tuple[str, ...] = (), options: tuple[str, ...] = ()) -> None:
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

    def refuse(parameter: str, refused: Refused) -> None:
        faults.append(Fault(parameter, f"The parameter '{parameter}' {refused.predicate}"))
        unmatched.extend(Unmatched(parameter, shown, refused.options) for shown in refused.shown)

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
            refuse(parameter, refused)
            continue
        if element.role == "subject":
            subject = read
    status: Status | None = None
    try:
        status = _status(source, parameters)
    except Refused as refused:
        refuse(source.status_parameter, refused)
    submitter, given, decision, submitter_fault = _submitter(source, project, parameters)
    unmapped = _unmapped(source, parameters)
    if submitter_fault is not None:
        faults.append(submitter_fault)
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
    raise _no_option(element, f"{_kind(value)} that matches", [value])


def _choices(element: Element, value: Any) -> list[str]:
    if not isinstance(value, list):
        return [_choice(element, value)]
    chosen: list[str] = []
    wrong: list[Any] = []
    repeated: str | None = None
    for one in value:
        label = element.choices.get(one) if isinstance(one, str) else None
        if label is None:
            wrong.append(one)
        elif label in chosen:
            repeated = label
        else:
            chosen.append(label)
    if len(wrong) == 1:
        raise _no_option(element, f"a list with {_kind(wrong[0])} that matches", wrong)
    if wrong:
        raise _no_option(element, "a list with values that match", wrong)
    if repeated is not None:
        allowed = _listed(element.options)
        raise Refused(
            f"is a list that names the option '{repeated}' twice; allowed are {allowed}, each once."
        )
    return chosen


def _no_option(element: Element, subject: str, wrong: Sequence[Any]) -> Refused:
    shown = tuple(_shown(one) for one in wrong[:_MOST_SHOWN])
    values = ", ".join(shown) + (", …" if len(wrong) > len(shown) else "")
    return Refused(
        f"is {subject} no option ({values}); allowed are {_listed(element.options)}.", shown, element.options
    )


def _listed(options: Sequence[str]) -> str:
    return ", ".join(f"'{option}'" for option in options)


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
    raise Refused(f"is {_kind(value)} ({shown}); allowed are {allowed}.", (shown,), (allowed,))


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


def _status(source: Source, parameters: Mapping[str, Any]) -> Status:
    """The source's status, else the one that the parameter names. Raises `Refused`."""
    if source.status is not None:
        return source.status
    value = parameters.get(source.status_parameter)
    if is_empty(value):
        raise Refused("is required.")
    for status in source.type.statuses:
        if value == status.name:
            return status
    names = tuple(status.name for status in source.type.statuses)
    shown = _shown(value)
    raise Refused(
        f"is {_kind(value)} that is no status ({shown}); allowed are {_listed(names)}.", (shown,), names
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
