"""Liquid, bounded: whatever a template does, it ends soon, in little memory, with text or with a fault.

The engine's own limits leave ways around them (docs/decisions/0020): so here a lexer of our own reads the
template, every block counts what it does against one budget, and every filter is measured before and after.
Bounds are counted in steps and characters, not in seconds: a template means the same on a busy machine.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import liquid
from liquid import ast, context, exceptions, expression, stringify, token, undefined, utils
from liquid.builtin import output
from liquid.builtin.expressions import filtered, primitive

from tellback.core.automation import liquid_filters
from tellback.core.automation.model import TemplateFault

OUTPUT_BYTES: Final = 256 * 1024
_SOURCE: Final = 65_535
_MARKUP: Final = 12 * 1024
_EXPRESSION: Final = 1_024
_STEPS: Final = 10_000
_RANGE: Final = 5_000
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
        run = _Run(self._parsed, values, unknown, self._escape)
        target = _Output()
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
        _Reading(context.RenderContext(parsed)).count(parsed.nodes)
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
    if liquid_filters.weight(copy, _DOCUMENT) > _DOCUMENT:
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


# --- reading ------------------------------------------------------------------------------------------------


class _Environment(liquid.Environment):
    block_nesting_limit = _NESTING
    context_depth_limit = 4 * _NESTING

    def tokenizer(self) -> Callable[[str], Iterator[token.Token]]:
        return _tokens


class _Value(output.OutputNode):
    """`{{ … }}`: the one place where a value becomes text."""

    def render_to_output(self, context: context.RenderContext, buffer: Any) -> int:
        assert isinstance(context, _Run)
        return int(buffer.write(context.text(self.expression.evaluate(context))))


class _ValueTag(output.Output):
    node_class = _Value


@functools.cache
def _environment(in_url: bool) -> _Environment:
    environment = _Environment()
    environment.add_tag(_ValueTag)
    for name in _DROPPED_TAGS + (_DROPPED_IN_URLS if in_url else ()):
        del environment.tags[name]
    environment.filters = liquid_filters.bounded(environment)
    if in_url:  # values are encoded where they stand; who does it by habit shall not get it twice
        environment.filters["url_encode"] = liquid_filters.unchanged
    return environment


def _tokens(source: str) -> Iterator[token.Token]:
    """A template's tokens, in one pass over it.

    The engine's own lexer takes minutes for 60 KB of `{{`.
    """
    if len(source) > _SOURCE:
        raise exceptions.LiquidSyntaxError(f"it is longer than {_SOURCE:,} characters", token=None)
    at, strip, comment, markup = 0, False, False, 0
    while at < len(source):
        opened = _next_markup(source, at)
        text = source[at:opened]
        if strip:
            text = text.lstrip()
        if source.startswith("-", opened + 2):
            text = text.rstrip()
        if text and not comment:
            yield token.Token(token.TOKEN_CONTENT, text, at, source)
        if opened == len(source):
            return
        at, name, inner, inside = _markup(source, opened)
        strip = source.startswith("-", at - 3)
        markup += at - opened
        if markup > _MARKUP:
            raise _syntax(f"there are more than {_MARKUP:,} characters of tags", source, opened)
        if name == "raw":
            end = _end_of_raw(source, at, opened)
            yield token.Token(token.TOKEN_CONTENT, source[at : end[0]], at, source)
            at = end[1]
        elif name in ("comment", "endcomment"):
            comment = name == "comment"
        elif not comment:
            yield from _marked(source, opened, name, inner, inside)


def _next_markup(source: str, at: int) -> int:
    """Where the next `{{` or `{%` stands; the source's length when there is none."""
    while (at := source.find("{", at)) >= 0:
        if source.startswith(("{{", "{%"), at):
            return at
        at += 1
    return len(source)


def _markup(source: str, opened: int) -> tuple[int, str, str, int]:
    """The end of the markup at `opened`, its tag's name ("" of a value), its expression and where that is."""
    is_value = source.startswith("{{", opened)
    end = source.find("}}" if is_value else "%}", opened + 2)
    if end < 0:
        raise _syntax("it is opened and never closed", source, opened)
    if end - opened > _EXPRESSION:
        raise _syntax(f"a tag may have {_EXPRESSION:,} characters", source, opened)
    start = opened + 2 + source.startswith("-", opened + 2)
    inner = source[start : max(end - source.startswith("-", end - 1), start)]
    start += len(inner) - len(inner.lstrip())
    inner = inner.strip()
    if is_value:
        return end + 2, "", inner, start
    name = inner[:1] if inner.startswith("#") else _word(inner)
    rest = inner[len(name) :]
    if not name:
        raise _syntax("a tag needs a name", source, opened)
    return end + 2, name, rest.strip(), start + len(name) + len(rest) - len(rest.lstrip())


def _word(text: str) -> str:
    end = next((i for i, sign in enumerate(text) if not (sign.isalnum() or sign == "_")), len(text))
    return text[:end]


def _marked(source: str, opened: int, name: str, inner: str, inside: int) -> Iterator[token.Token]:
    if name:
        yield token.Token(token.TOKEN_TAG, name, opened + 2, source)
    else:
        yield token.Token(token.TOKEN_OUTPUT, "{{", opened, source)
    if inner or not name:
        yield token.Token(token.TOKEN_EXPRESSION, inner, inside, source)


def _end_of_raw(source: str, at: int, opened: int) -> tuple[int, int]:
    """Where the text of a raw block ends, and where its closing tag does."""
    closing = at
    while (closing := source.find("{%", closing)) >= 0:
        end = source.find("%}", closing, closing + 64)
        if end >= 0 and source[closing + 2 : end].strip("- \t\r\n") == "endraw":
            return closing, end + 2
        closing += 2
    raise _syntax("raw is never closed", source, opened)


def _syntax(message: str, source: str, at: int) -> exceptions.LiquidSyntaxError:
    where = token.Token(token.TOKEN_TAG, "", at, source)
    return exceptions.LiquidSyntaxError(message, token=where)


# --- counting -----------------------------------------------------------------------------------------------


class _Counter(ast.Node):
    """Stands first in every block and takes from the budget what the block holds."""

    __slots__ = ("cost",)

    def __init__(self, cost: int) -> None:
        super().__init__(token.Token(token.TOKEN_CONTENT, "", 0, ""))
        self.cost = cost

    def render_to_output(self, context: context.RenderContext, buffer: Any) -> int:
        assert isinstance(context, _Run)
        context.spend(self.cost)
        return 0


class _Bounded(expression.Expression):
    """An end of a range, which may not be far away."""

    __slots__ = ("end",)

    def __init__(self, end: expression.Expression) -> None:
        super().__init__(end.token)
        self.end = end

    def evaluate(self, context: context.RenderContext) -> object:
        value = self.end.evaluate(context)
        try:
            number = int(value) if isinstance(value, str | int | float) else 0  # as the engine does
        except (ValueError, OverflowError):
            number = 0
        if not -_RANGE <= number <= _RANGE:
            raise exceptions.ResourceLimitError(f"a range may reach to {_RANGE:,}", token=self.token)
        return number

    def children(self) -> Sequence[expression.Expression]:
        return [self.end]


class _Reading:
    """A pass over what was parsed: counts what it costs, bounds its ranges, and refuses unknown filters."""

    def __init__(self, scope: context.RenderContext) -> None:
        self._scope = scope

    def count(self, nodes: list[ast.Node]) -> None:
        """Put counters before `nodes` and before those of every block in them."""
        nodes.insert(0, _Counter(1 + sum(self._node(node) for node in nodes)))

    def _node(self, node: ast.Node) -> int:
        cost = 1 + sum(self._expression(one) for one in node.expressions())
        for child in node.children(self._scope):
            if isinstance(child, ast.BlockNode):
                self.count(child.nodes)
            else:
                cost += self._node(child)
        return cost

    def _expression(self, one: expression.Expression) -> int:
        cost = 1
        if isinstance(one, primitive.RangeLiteral):
            one.start, one.stop = _Bounded(one.start), _Bounded(one.stop)
        if isinstance(one, filtered.FilteredExpression):
            for used in one.filters or ():
                used.validate_filter_arguments(self._scope.env)
                cost += 3  # with its measuring, about what three other steps take
        return cost + sum(self._expression(child) for child in one.children())


# --- rendering ----------------------------------------------------------------------------------------------


class _Unknown(undefined.Undefined):
    """What a tag that names nothing stands for: empty, and noted where it would have become text."""

    __slots__ = ("noted",)

    def __init__(self, name: str, noted: dict[str, None]) -> None:
        super().__init__(name)
        self.noted = noted

    def __str__(self) -> str:
        if len(self.noted) < 100:
            self.noted[self.name[:200]] = None
        return ""


class _Run(context.RenderContext):
    """One rendering: what it may still spend, and what it did not find."""

    __slots__ = ("escape", "steps", "unknown", "work")

    def __init__(
        self,
        template: liquid.BoundTemplate,
        values: Mapping[str, Any],
        unknown: dict[str, None],
        escape: Callable[[str], str] | None,
    ) -> None:
        super().__init__(template, globals=values)
        # The engine would look into its clock for `now`: a request is what it was at its event.
        self.scope = utils.ReadOnlyChainMap(self.locals, self.globals, self.counters)
        self.unknown = unknown
        self.escape = escape
        self.steps = _STEPS
        self.work = liquid_filters.WORK

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise exceptions.ResourceLimitError("it does too much (too many loops or tags)", token=None)

    def spend_work(self, characters: int) -> None:
        """Take `characters`, read or made, from the budget."""
        self.work -= characters
        if self.work < 0:
            raise exceptions.ResourceLimitError("it handles too much text", token=None)

    def get(self, path: list[object], *, token: Any, default: object = undefined.UNDEFINED) -> object:
        found = super().get(path, token=token, default=_MISSING)
        if found is _MISSING:
            return default if default is not undefined.UNDEFINED else _Unknown(_dotted(path), self.unknown)
        if isinstance(found, str):
            self.spend_work(len(found) >> 3)
        return found

    def assign(self, key: str, val: Any) -> None:
        self.spend_work(liquid_filters.weight(val, liquid_filters.LONGEST))
        super().assign(key, val)

    def get_buffer(self, buf: Any = None) -> io.StringIO:
        return _Output()

    def text(self, value: object) -> str:
        """A value as it stands in the output."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, list | dict) and liquid_filters.weight(value, OUTPUT_BYTES) > OUTPUT_BYTES:
            raise exceptions.OutputStreamLimitError("the result is too long", token=None)
        text = stringify.to_liquid_string(value, autoescape=False)
        return self.escape(text) if self.escape else text


_MISSING: Final = object()


def _dotted(path: Sequence[object]) -> str:
    return "".join(f".{one}" if isinstance(one, str) else f"[{one}]" for one in path)[1:]


class _Output(io.StringIO):
    """Text up to 256 KiB, with its line ends as they are."""

    def __init__(self) -> None:
        super().__init__(newline="")
        self._bytes = 0

    def write(self, text: str) -> int:
        self._bytes += len(text) if text.isascii() else len(text.encode())
        if self._bytes > OUTPUT_BYTES:
            raise exceptions.OutputStreamLimitError(
                f"the result is longer than {OUTPUT_BYTES // 1024} KiB", token=None
            )
        return super().write(text)
