"""Finding one's way in a project. No I/O."""

from __future__ import annotations

from typing import Any

from tellback.core.projects.model import Element, Project, Source


def source_named(project: Project, text: str) -> Source | None:
    """The source with this key, else the one with this name if only one has it; without regard to case."""
    wanted = text.casefold()
    for source in project.sources:
        if source.key.casefold() == wanted:
            return source
    named = [source for source in project.sources if source.name.casefold() == wanted]
    return named[0] if len(named) == 1 else None


def file_element(source: Source, parameter: str) -> Element | None:
    """The file element a source maps to a parameter."""
    for element, name in source.fields:
        if name == parameter and element.type == "file":
            return element
    return None


def origin(source: Source, hops: int) -> dict[str, Any] | None:
    """What events of a source's tickets say of where they come from; None where there is nothing to say.

    `hops`: how many calls from hub to hub led to them.
    """
    switches = {"automation": source.run_automation, "workflow": source.run_workflow}
    said: dict[str, Any] = {name: False for name, on in switches.items() if not on}
    return (said | {"hop": hops} if hops else said) or None


def display_id(prefix: str, digits: int, number: int) -> str:
    """BUG-0042."""
    return f"{prefix}-{number:0{digits}d}"
