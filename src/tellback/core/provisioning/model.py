"""What provisioning takes and gives: a checked document, a plan, an outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tellback.core import form
from tellback.core.document import FileFault
from tellback.core.section import Change, NewSecret, Scope, Step


@dataclass(frozen=True)
class Document:
    """A document that was read: every section it mentions, as the section's form built it.

    `faults` are all that can be told without a database, in the order of the file; values that have one are
    left out. `reading` knows the lines, and the faults of form alone.
    """

    origin: str
    values: Mapping[str, Any]
    faults: tuple[FileFault, ...]
    reading: form.Reading


@dataclass(frozen=True)
class Plan:
    """The steps from what is stored to what the document says, by section."""

    scope: Scope
    steps: Mapping[str, Sequence[Step[Any]]]

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(step.change for steps in self.steps.values() for step in steps)


@dataclass(frozen=True)
class Outcome:
    """What a run changed, or would change (`dry_run`), and the secrets it made or was given."""

    workspace: str
    changed: tuple[Change, ...]
    secrets: tuple[NewSecret, ...]
    dry_run: bool

    def as_json(self) -> dict[str, Any]:
        """{"changed": [{"path", "change", "members"}], "secrets": {section: {name: secret}}}."""
        secrets: dict[str, dict[str, str]] = {}
        for secret in self.secrets:
            secrets.setdefault(secret.section, {})[secret.name] = secret.value
        return {"changed": [change.as_json() for change in self.changed], "secrets": secrets}

    def lines(self) -> list[str]:
        """The same for people: every change, and the secrets that were made, shown this once."""
        if not self.changed:
            return [f"{self.workspace}: nothing to change"]
        counts = Counter(change.verb for change in self.changed)
        said = ", ".join(f"{count} {verb}" for verb, count in counts.items())
        lines = [str(change) for change in self.changed]
        lines.append(f"{self.workspace}: {said}" + (" (dry run: nothing was stored)" if self.dry_run else ""))
        made = [secret for secret in self.secrets if secret.made]
        if made:
            lines.append("made now, and shown only this once:")
            lines += [f"  {secret.section}.{secret.name}: {secret.value}" for secret in made]
        return lines
