"""The reference names what the forms hold, and the other way round."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tellback.core import form
from tellback.core.imports import mapping
from tellback.core.provisioning.sections import SECTIONS

REFERENCE = (Path(__file__).parents[2] / "docs" / "provisioning.md").read_text()
SHOWN_INLINE = {"options.label", "options.internal", "answers.text", "answers.value"}


def members(name: str, wanted: form.Form) -> Iterator[str]:
    match wanted:
        case form.ListOf(item=item):
            yield from members(name, item)
        case form.Short(full=full):
            yield from members(name, full)
        case form.Object(members=inner):
            for member, one in inner.items():
                yield f"{name}.{member}"
                yield from members(member, one.form)


def test_names_every_member_and_no_other() -> None:
    there = {path for section in SECTIONS for path in members(section.name, section.form)} - SHOWN_INLINE
    there |= set(mapping.PROPERTIES)
    named = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", REFERENCE))
    assert named == there
