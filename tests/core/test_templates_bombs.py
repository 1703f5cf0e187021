"""Templates and paths that are made to take the machine down, in a process that would die of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

LIMIT_SECONDS = 0.1
LIMIT_BYTES = 32 * 1024 * 1024
SLACK = 5  # of processor time, for machines slower than any we know; the process dies at 60 s in any case


def grown(text: str, times: int, then: str) -> str:
    return f"{{% assign o = '{text}' %}}{{% for i in (1..{times}) %}}{{% assign o = o | append: o %}}{{% endfor %}}{then}"


TEMPLATES = {
    "nested loops": "{% for i in (1..5000) %}{% for j in (1..5000) %}{% endfor %}{% endfor %}",
    "nested loops that write": "{% for i in (1..5000) %}{% for j in (1..5000) %}x{% endfor %}{% endfor %}",
    "loops in a row": "{% for i in (1..5000) %}{% endfor %}" * 300,
    "a loop over filters": "{% for i in (1..5000) %}{{ ten | sort | reverse | join }}{% endfor %}",
    "a huge range": "{{ (1..100000000) | join }}",
    "a huge range to reverse": "{% for i in (1..9999999999) reversed %}{% endfor %}",
    "a huge range to skip": "{% for i in (1..99999999999) offset: 99999999998 %}{% endfor %}",
    "a range as far as a text says": "{% for i in (1..big_number) %}x{% endfor %}",
    "replace in a chain": "{{ 'aaaaaaaaaa' "
    + "".join(f"| replace: '{a}', '{b * 10}' " for a, b in zip("abcdefg", "bcdefgh", strict=True))
    + "}}",
    "replace of nothing": "{{ big | replace: '', big }}",
    "doubling": grown("x", 100, "{{ o }}"),
    "squaring": "{% assign a = 9999999999 %}{% for i in (1..200) %}{% assign a = a | times: a %}{% endfor %}{{ a }}",
    "a rounding to nowhere": "{{ 5 | round: -999999999 }}{{ 5 | round: 999999999 }}",
    "powers as text": "{{ '1e308' | times: '1e308' | ceil }}",
    "a list that doubles": "{% assign l = ten %}{% for i in (1..60) %}{% assign l = l | concat: l %}{% endfor %}{{ l }}",
    "a list of large texts": "{% assign l = '' | split: ',' %}{% for i in (1..900) %}"
    "{% assign m = big | split: '@@@' %}{% assign l = l | concat: m %}{% endfor %}{{ l }}",
    "every letter": "{{ big | split: '' | uniq }}",
    "unequal items": "{{ (1..5000) | uniq | size }}",
    "one capture after the other": "{% for i in (1..5000) %}{% capture x %}" + "y" * 50_000 + "{% endcapture %}"
    "{% endfor %}",
    "many names": "{% for i in (1..5000) %}{% assign x = big | append: i %}{% endfor %}",
    "a search in a loop": "{% for i in (1..5000) %}{% if big contains 'xy' %}{% endif %}{% endfor %}",
    "encoding in a loop": "{% for i in (1..5000) %}{{ wide | url_encode | size }}{% endfor %}",
    "brackets": grown("<", 17, "{{ o | append: '>' | strip_html | size }}"),
    "comments": grown("<!--", 15, "{{ o | append: '>' | strip_html | size }}"),
    "scripts": grown("<script>", 14, "{{ o | strip_html | size }}"),
    "entities": grown("&amp", 15, "{{ o | escape_once | size }}"),
    "spaces": grown(" ", 17, "{{ o | prepend: 'x' | append: 'x' | squish | size }}"),
    "returns": grown("\r", 17, "{{ o | newline_to_br | size }}"),
    "words": grown("a ", 16, "{{ o | truncatewords: 99999999 | size }}"),
    "a date as wide as it likes": "{{ '2026-01-01' | date: '%999999999d' }}",
    "a date of large numbers": "{{ '" + "9" * 60 + "' | date }}{{ big | date }}",
    "indents": "{{ ten | json: 999999999 }}",
    "output": "{% for i in (1..5000) %}" + "z" * 1_000 + "{% endfor %}",
    "openings": "{{" * 30_000,
    "openings of tags": "{% if " * 10_000,
    "an opening and spaces": "{{" + " " * 60_000,
    "spaces within": "{{ a" + " " * 60_000 + "b }}",
    "raw": "{% raw %}" * 7_000,
    "raw and its end": "{% raw %}" + "{% endra" * 7_000,
    "comments never closed": "{% comment %}" * 5_000,
    "values": "{{1}}" * 13_000,
    "as many values as may be": "{{a}}" * 2_400,
    "filters": "{{ a" + " | upcase" * 7_000 + " }}",
    "as many filters as may be": ("{{ a" + "|upcase" * 140 + " }}") * 12,
    "alternatives": ("{% if a" + " or b" * 190 + " %}x{% endif %}") * 12,
    "steps": ("{{ a" + ".b" * 500 + " }}") * 12,
    "brackets in brackets": ("{{ a" + "[a" * 490 + " }}") * 12,
    "parentheses": ("{{ " + "(" * 1_000 + " }}") * 12,
    "quotation marks": ("{{ " + "'" * 999 + " }}") * 12,
    "blocks in blocks": "{% if a %}" * 1_500,
    "cases": "{% case a %}" + "{% when 1, 2, 3, 4 %}x" * 600 + "{% endcase %}",
    "a cycle": "{% for i in (1..5000) %}{% cycle big, wide %}{% endfor %}",
    "the whole document": "{% for i in (1..5000) %}{{ all | json }}{% endfor %}",
    "the whole document as it is": "{% for i in (1..5000) %}{{ all }}{% endfor %}",
}  # fmt: skip

PATHS = {
    "steps down": "$" + "..*" * 12,
    "steps down to a name": "$..a..a..a..a..a..b",
    "filters in filters": "$..[?@..[?@..[?@..a]]]",
    "wildcards": "$.*.*.*.*.*.*.*",
    "alternatives": "$[" + ",".join(["*"] * 200) + "]",
    "alternatives again": "$[*,*,*,*][*,*,*,*][*,*,*,*][*,*,*,*][*,*,*,*]",
    "everything many times": "$..[*,*,*,*]..[*,*,*,*]",
    "an expression that backtracks": "$..[?match(@.text, '(a+)+b')]",
    "an expression that counts": "$..[?search(@.text, '(a{0,9999}){0,9999}b')]",
    "parentheses": "$[?" + "(" * 230 + "@.a" + ")" * 230 + "]",
    "brackets": "$" + "[0]" * 160,
    "far slices": "$..[-999999999:999999999:1]",
    "all comparisons": "$..[?@..text == $..text]",
    "counts": "$..[?count($..*) > count(@..*)]",
    "too long": "$" + ".a" * 100_000,
    "dots": "a." * 200,
}


def run(kind: str, bombs: dict[str, str], tmp_path: Path) -> dict[str, tuple[float, int]]:
    """Processor seconds and peak bytes of each, from a process that is killed at 60 s and 512 MB more."""
    file = tmp_path / "bombs.json"
    file.write_text(json.dumps(bombs))
    ended = subprocess.run(
        [sys.executable, "-m", "tests.support.bombs", kind, str(file)],
        capture_output=True, text=True, timeout=240, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    figures: dict[str, tuple[float, int]] = json.loads(ended.stdout)
    assert figures.keys() == bombs.keys()
    return figures


@pytest.mark.parametrize(("kind", "bombs"), [("templates", TEMPLATES), ("paths", PATHS)])
def test_ends_every_bomb_soon_and_in_little_memory(kind: str, bombs: dict[str, str], tmp_path: Path) -> None:
    figures = run(kind, bombs, tmp_path)
    assert {name: s for name, (s, _) in figures.items() if s > LIMIT_SECONDS * SLACK} == {}
    assert {name: peak for name, (_, peak) in figures.items() if peak > LIMIT_BYTES} == {}
