"""What the bench found, as text: a table for the terminal, and bench/results.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.processes import ROOT

_ADDRESS = re.compile(r"\b[a-z][a-z+.-]*://\S+")


@dataclass(frozen=True)
class Target:
    """One figure that has to be at least, or at most, something."""

    what: str
    value: float
    bound: float
    at_least: bool = True
    unit: str = ""

    @property
    def held(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def __str__(self) -> str:
        relation = ">=" if self.at_least else "<="
        found, bound = number(self.value), number(self.bound)
        if found == bound:  # rounding must not make a miss look like a hit
            found = f"{self.value:.4f}"
        said = f"{found}{self.unit} ({relation} {bound}{self.unit})"
        if self.held:
            return f"{said} held"
        return f"{said} missed by {abs(self.value - self.bound):.2g}{self.unit}"


@dataclass
class Section:
    """One part: rows of figures, the targets they answer to, remarks. `failed` says why there are none."""

    title: str
    columns: Sequence[str] = ()
    rows: list[Sequence[str]] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    failed: str = ""


def number(value: float) -> str:
    """As many digits as mean something: 0.83, 12.4, 8,260."""
    if value != value:
        return "none"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def counted(count: int, noun: str) -> str:
    """`1 client`, `64 clients`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def scrubbed(text: str) -> str:
    """On one line, without this machine's paths and without addresses: what is written may be committed."""
    text = _ADDRESS.sub("<address>", " ".join(text.split()).replace(str(ROOT), "."))
    return re.sub(r"(?<![\w.])/(?:[\w.+-]+/)+[\w.+-]*", "<path>", text)


def terminal(sections: Sequence[Section]) -> str:
    """The tables, aligned, and last of all every target."""
    return "\n".join([*(_text_section(section) for section in sections), _text_targets(sections)])


def _text_section(section: Section) -> str:
    lines = ["", section.title]
    if section.failed:
        lines.append(f"  FAILED: {scrubbed(section.failed)}")
    if section.rows:
        table = [section.columns, *section.rows]
        widths = [max(len(row[column]) for row in table) for column in range(len(section.columns))]
        for row in table:
            cells = [row[0].ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            lines.append("  " + "  ".join(cells))
    lines += [f"  {remark}" for remark in section.remarks]
    return "\n".join(lines)


def _text_targets(sections: Sequence[Section]) -> str:
    lines = ["", "targets"]
    for section in sections:
        lines += [f"  {target.what}: {target}" for target in section.targets]
        lines += [f"  {section.title}: FAILED"] if section.failed else []
    return "\n".join(lines)


def markdown(sections: Sequence[Section], facts: Sequence[tuple[str, str]]) -> str:
    """The whole of bench/results.md."""
    lines = [
        "# Benchmark results",
        "",
        "Written by `make bench`; what the parts are and how to read them: docs/benchmarks.md.",
        "Only figures of one run may be compared with each other.",
        "",
        *_markdown_table(("machine", ""), facts),
        "",
        "## Targets",
        "",
        *_markdown_table(("what", "found"), _verdicts(sections)),
    ]
    for section in sections:
        lines += ["", f"## {section.title}", ""]
        if section.failed:
            lines += [f"**Failed:** {scrubbed(section.failed)}", ""]
        if section.rows:
            lines += [*_markdown_table(section.columns, section.rows), ""]
        lines += [f"- {scrubbed(remark)}" for remark in section.remarks]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _verdicts(sections: Sequence[Section]) -> list[tuple[str, str]]:
    found = [(target.what, str(target)) for section in sections for target in section.targets]
    return found + [(section.title, "**failed**") for section in sections if section.failed]


def _markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    head = "|".join(["", *(f" {column} " for column in columns), ""])
    rule = "|".join(["", "---", *("--:" for _ in columns[1:]), ""]) if len(columns) > 2 else "|---|---|"
    body = ["|".join(["", *(f" {cell.replace('|', '/')} " for cell in row), ""]) for row in rows]
    return [head, rule, *body]
