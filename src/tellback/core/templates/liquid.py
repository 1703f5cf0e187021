"""Liquid, bounded: whatever a template does, it ends soon, in little memory, with text or with a fault.

The engine's own limits leave ways around them (docs/decisions/0020): so here a lexer of our own reads the
template, every block counts what it does against one budget, and every filter is measured before and after.
Bounds are counted in steps and characters, not in seconds: a template means the same on a busy machine.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

import liquid
from liquid import context, exceptions, token

from tellback.core.templates import filters, lexer
from tellback.core.templates.budget import Reading
from tellback.core.templates.model import TemplateFault
from tellback.core.templates.rendering import Output, Run, ValueTag

_DOCUMENT: Final = 4 * 1024 * 1024
_NESTING: Final = 20

#: Text of others is not to be loaded, and what is drawn is no HTML.
_DROPPED_TAGS: Final = ("include", "render", "tablerow", "doc", "liquid")
#: Tags whose output a URL could not tell from the template's own text.
_DROPPED_IN_URLS: Final = ("capture", "cycle", "increment", "decrement", "ifchanged", "echo")


class Template:
    """A template that was read. `escape` turns a value's text into what may stand in the output."""

    def __init__(self, parsed: liquid.BoundTemplate, escape: Callable[[str], str] | None) -> None:
        self._parsed = parsed
        self._escape = escape

    def render(self, values: Mapping[str, Any], unknown: dict[str, None]) -> str:
        """The text; tags that name nothing are empty, and noted in `unknown` (an ordered set).

        `values` come from `plain`. Raises `TemplateFault`.
        """
        run = Run(self._parsed, values, unknown, self._escape)
        target = Output()
        try:
            self._parsed.render_with_context(run, target)
        except exceptions.LiquidError as error:
            raise _fault(error) from error
        except Exception as error:  # a filter that met a value it was not written for
            raise TemplateFault(f"it could not be rendered ({type(error).__name__})") from error
        return target.getvalue()


@functools.lru_cache(maxsize=256)
def compiled(source: str, escape: Callable[[str], str] | None = None) -> Template:
    """Read a template; with `escape` it is one of a URL. Raises `TemplateFault` with the line."""
    environment = _environment(in_url=escape is not None)
    try:
        parsed = environment.from_string(source)
        Reading(context.RenderContext(parsed)).count(parsed.nodes)
    except exceptions.LiquidError as error:
        raise _fault(error, source) from error
    except RecursionError as error:
        raise TemplateFault("it is nested too deeply") from error
    return Template(parsed, escape)


def plain(value: Any) -> Any:
    """A copy of `value` in which there is nothing but dicts, lists, texts, numbers, truths and nulls.

    Times become ISO 8601 text. Raises `TemplateFault` for what is larger than 4 Mi characters, and `TypeError`
    for any other object: templates must not reach into the program.
    """
    copy = _copied(value)
    if filters.weight(copy, _DOCUMENT) > _DOCUMENT:
        raise TemplateFault("the subject is too large for templates")
    return copy


def _copied(value: Any) -> Any:
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, Mapping):
        return {str(name): _copied(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_copied(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} is no plain data")


def _fault(error: exceptions.LiquidError, source: str = "") -> TemplateFault:
    said = str(error.message or "it could not be read")[:200]
    at = error.token
    if at is None:
        return TemplateFault(said)
    if at.start_index < 0:  # the end of the template
        return TemplateFault(said, source.count("\n") + 1)
    return TemplateFault(said, at.source.count("\n", 0, at.start_index) + 1)


class _Environment(liquid.Environment):
    block_nesting_limit = _NESTING
    context_depth_limit = 4 * _NESTING

    def tokenizer(self) -> Callable[[str], Iterator[token.Token]]:
        return lexer.tokens


@functools.cache
def _environment(in_url: bool) -> _Environment:
    environment = _Environment()
    environment.add_tag(ValueTag)
    for name in _DROPPED_TAGS + (_DROPPED_IN_URLS if in_url else ()):
        del environment.tags[name]
    environment.filters = filters.bounded(environment)
    if in_url:  # values are encoded where they stand; who does it by habit shall not get it twice
        environment.filters["url_encode"] = filters.unchanged
    return environment
