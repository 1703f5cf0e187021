"""Reading a configuration document, and writing one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import yaml

from tellback.core import document, errors, form
from tellback.core.document import Node
from tellback.core.provisioning.model import Document
from tellback.core.provisioning.sections import SECTIONS
from tellback.core.section import Scope

# Every section is optional here, so that a fault in one leaves the others to be checked.
FORM = form.Object(
    "the configuration",
    {section.name: form.optional(section.form) for section in SECTIONS},
)


def read(text: str | bytes, origin: str, secret: form.SecretSource = form.no_named_secrets) -> Document:
    """Read a file's text (YAML or JSON). Never raises: what is wrong is in `faults`, all of it.

    `origin` names the file in faults. `secret` finds the secrets that the file only names.
    """
    reading = form.Reading(origin, secret)
    try:
        root = document.read(text, origin)
    except errors.Invalid as error:
        faults = [fault for fault in error.faults if isinstance(fault, document.FileFault)]
        reading.faults += faults
        return Document(origin, {}, tuple(faults), reading)
    return _checked(root, origin, reading)


def read_value(value: object, origin: str = "configuration") -> Document:
    """Read a parsed JSON value, as the API takes it: no lines, and no secrets by name."""
    return _checked(document.of_value(value), origin, form.Reading(origin))


def _checked(root: Node, origin: str, reading: form.Reading) -> Document:
    reading.passed("", root.line)
    values = FORM.read(root, "", reading)
    present: Mapping[str, Any] = {}
    if values is not form.INVALID:
        present = {name: value for name, value in values.items() if value is not None}
        for section in SECTIONS:
            if section.required and section.name not in present and reading.sound(section.name):
                reading.fault(section.name, "is required")
    checking = dataclasses.replace(reading, faults=list(reading.faults))
    scope = Scope(checking, present)
    for section in SECTIONS:
        if section.name in present:
            section.check(scope)
    return Document(origin, present, checking.in_order(), reading)


def as_yaml(shown: Mapping[str, Any]) -> str:
    """A document as a file: one section after the other, small things on one line."""
    return "\n".join(
        yaml.safe_dump(
            {name: section}, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110
        )
        for name, section in shown.items()
    )
