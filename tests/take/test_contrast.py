"""The colours of the page against WCAG 2.2, computed from the style sheet in both of its schemes."""

from __future__ import annotations

import re

import pytest

from tellback.take import pages

TEXT, PART = 4.5, 3.0  # success criteria 1.4.3 (AA) and 1.4.11
PAIRS = [
    ("ink", "surface", TEXT),
    ("ink", "page", TEXT),
    ("ink", "tint", TEXT),
    ("ink", "error-tint", TEXT),
    ("muted", "surface", TEXT),
    ("muted", "page", TEXT),
    ("accent", "surface", TEXT),
    ("accent-strong", "surface", TEXT),
    ("on-accent", "accent", TEXT),
    ("on-accent", "accent-strong", TEXT),
    ("error", "surface", TEXT),
    ("error", "error-tint", TEXT),
    ("control", "surface", PART),
    ("accent", "tint", PART),
    ("accent", "hairline", PART),
    ("focus", "surface", PART),
    ("focus", "page", PART),
]


def scheme(name: str) -> dict[str, tuple[float, ...]]:
    """The custom properties of a scheme as linear-light colours."""
    css = pages.style()[1].decode()
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    assert len(blocks) == 2
    properties = re.findall(r"--([a-z-]+): #([0-9a-f]{6});", blocks[name == "dark"])
    return {
        key: tuple(linear(int(value[at : at + 2], 16) / 255) for at in (0, 2, 4)) for key, value in properties
    }


def linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """WCAG 2.2, "contrast ratio"."""
    lights = sorted(0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_can_be_told_apart(name: str, front: str, back: str, least: float) -> None:
    colours = scheme(name)
    assert contrast(colours[front], colours[back]) >= least


def test_uses_no_colour_beside_the_scheme() -> None:
    css = pages.style()[1].decode()
    rest = re.sub(r":root \{.*?\}", "", css, flags=re.DOTALL)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgb|hsl", rest) == []
    used = set(re.findall(r"var\(--([a-z-]+)\)", rest))
    assert used == set(scheme("light")) == set(scheme("dark"))
    assert used <= {name for front, back, _ in PAIRS for name in (front, back)}
