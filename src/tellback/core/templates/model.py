"""What may be wrong with a template."""

from __future__ import annotations

from tellback.core import errors


class TemplateFault(errors.Invalid):
    """A template that cannot be read or rendered; `line` counts from 1 where it is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__([errors.Fault("template", f"line {line}: {message}" if line else message)])
        self.line = line
