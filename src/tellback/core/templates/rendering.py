"""One rendering of a template: what it may still spend, what it did not find, and the text it makes."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import liquid
from liquid import context, exceptions, stringify, undefined, utils
from liquid.builtin import output

from tellback.core.templates import filters

OUTPUT_BYTES: Final = 256 * 1024
_STEPS: Final = 10_000


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


class Run(context.RenderContext):
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
        self.work = filters.WORK

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
        self.spend_work(filters.weight(val, filters.LONGEST))
        super().assign(key, val)

    def get_buffer(self, buf: Any = None) -> io.StringIO:
        return Output()

    def text(self, value: object) -> str:
        """A value as it stands in the output."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, list | dict) and filters.weight(value, OUTPUT_BYTES) > OUTPUT_BYTES:
            raise exceptions.OutputStreamLimitError("the result is too long", token=None)
        text = stringify.to_liquid_string(value, autoescape=False)
        return self.escape(text) if self.escape else text


_MISSING: Final = object()


def _dotted(path: Sequence[object]) -> str:
    return "".join(f".{one}" if isinstance(one, str) else f"[{one}]" for one in path)[1:]


class Output(io.StringIO):
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


class _Value(output.OutputNode):
    """`{{ … }}`: the one place where a value becomes text."""

    def render_to_output(self, context: context.RenderContext, buffer: Any) -> int:
        assert isinstance(context, Run)
        return int(buffer.write(context.text(self.expression.evaluate(context))))


class ValueTag(output.Output):
    node_class = _Value
