"""What must hold among the members of a project, as faults: pairs of member and message. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tellback.core.projects.section_model import ElementDoc, SlaDoc, SourceDoc, TypeDoc

Problem = tuple[str, str]


def element(element: ElementDoc) -> Iterator[Problem]:
    """An element has what its type needs and nothing that its type cannot have."""
    choice = element.type in ("single_choice", "multiple_choice")
    rating = element.type == "rating_scale"
    if choice and not element.options:
        yield "options", f"a {element.type} needs options"
    if not choice and element.options:
        yield "options", f"a {element.type} has no options"
    if rating and (element.min is None or element.max is None):
        yield ("min" if element.min is None else "max"), "a rating_scale needs min and max"
    elif rating and element.min is not None and element.max is not None and element.min >= element.max:
        yield "max", f"must be above min, which is {element.min}"
    if not rating:
        yield from (
            (name, f"a {element.type} has no {name}")
            for name, bound in (("min", element.min), ("max", element.max))
            if bound is not None
        )
    if element.role is not None and element.type != "text":
        yield "role", f"only a text can be the {element.role}"
    yield from _options(element)


def _options(element: ElementDoc) -> Iterator[Problem]:
    """A value that arrives must mean one option: no label, public or internal, stands for two."""
    meaning: dict[str, int] = {}
    for index, option in enumerate(element.options):
        for name, label in (("label", option.label), ("internal", option.internal)):
            if label is not None and meaning.setdefault(label, index) != index:
                place = f"options[{index}]" + (".internal" if name == "internal" else "")
                yield place, f"{label!r} stands for options[{meaning[label]}] already"


def sla(sla: SlaDoc) -> Iterator[Problem]:
    """Something is promised, and the warning comes before what it warns of."""
    promises = [span for span in (sla.response, sla.handling) if span is not None]
    if not promises:
        yield "", "response or handling is due, or both"
    elif sla.warn_before is not None and sla.warn_before >= min(promises):
        yield "warn_before", "must be shorter than what is promised"


def source(source: SourceDoc) -> Iterator[Problem]:
    """No parameter means two things."""
    for parameter, times in Counter(parameter for _, parameter in source.fields).items():
        if times > 1:
            elements = ", ".join(key for key, name in source.fields if name == parameter)
            yield "fields", f"the parameter {parameter!r} stands for several elements: {elements}"
    if source.status is None and source.status_parameter == source.submitter_parameter:
        yield "submitter_parameter", "is the status parameter already"


def feedback_type(type: TypeDoc) -> Iterator[Problem]:
    """At most one element is the subject, and one the body."""
    for role in ("subject", "body"):
        holders = [index for index, element in enumerate(type.elements) if element.role == role]
        for index in holders[1:]:
            yield "elements", f"{type.elements[index].key!r} cannot be the {role} too; only one element can"


def source_in_type(
    source: SourceDoc,
    statuses: Sequence[str] | None,
    elements: Sequence[str] | None,
    files: Sequence[str],
) -> Iterator[Problem]:
    """A source names what its feedback type has: statuses, elements by key, `files` among them.

    None: that is not known for sure.
    """
    if statuses is not None and source.status is not None and source.status not in statuses:
        yield "status", f"{source.status!r} is no status of the type; it has {_listed(statuses)}"
    if elements is None:
        return
    for key, parameter in source.fields:
        if key not in elements:
            yield f"fields.{key}", f"the type has no element {key!r}; it has {_listed(elements)}"
        elif key in files and "/" in parameter:
            yield f"fields.{key}", "the parameter of a file stands in an address and cannot hold a /"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
