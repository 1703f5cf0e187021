"""Texts with tags: a URL, a header, a body, a note. The engine is read when the first is."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tellback.core.templates.model import TemplateFault

if TYPE_CHECKING:
    from tellback.core.templates import liquid


@dataclass(frozen=True, slots=True)
class Text:
    """A text with its tags filled in."""

    text: str
    warnings: tuple[str, ...] = ()


@cache
def _engine() -> ModuleType:
    # Not at the top: reading it takes a tenth of what starting takes, and only templates need it.
    return importlib.import_module("tellback.core.templates.liquid")


def plain(value: Any) -> Any:
    """As `liquid.plain`: `value` as templates may see it."""
    return _engine().plain(value)


def compiled(source: str, escape: Callable[[str], str] | None = None) -> liquid.Template:
    template: liquid.Template = _engine().compiled(source, escape)
    return template


def render_text(source: str, context: Mapping[str, Any]) -> Text:
    """A note's or a ticket's text, with `context` as above. Raises `TemplateFault`."""
    unknown: dict[str, None] = {}
    text = compiled(source).render(plain(context), unknown)
    return Text(text, tuple(f"unknown tag {name}" for name in unknown))


def text_faults(source: str) -> Iterator[str]:
    """What is wrong with a text that holds tags."""
    try:
        compiled(source)
    except TemplateFault as error:
        yield error.message
