"""Cleaning a sender's file name."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tellback.core import files

# Random text rarely holds the characters that matter.
TROUBLE = st.sampled_from(
    ["..", "CON", "nul", ".txt", *"/\\.: \t\n\x00\x7f\x85", *"\u202e\u2066\u2028\ufeff\u0301\ud800é📈"]
)
NAMES = st.one_of(st.text(), st.lists(st.one_of(TROUBLE, st.text(max_size=3)), max_size=150).map("".join))


@given(NAMES)
def test_makes_any_name_harmless(raw: str) -> None:
    name = files.clean_name(raw)
    assert 0 < len(name.encode()) <= 255
    assert not set(name) & set("/\\")
    assert not [c for c in name if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    assert not [
        c
        for c in name
        if unicodedata.bidirectional(c) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    ]
    assert name[0] not in ". "
    assert name.split(".")[0].strip().lower() not in ("con", "prn", "aux", "nul", "com1", "lpt9")


@given(NAMES)
def test_changes_nothing_the_second_time(raw: str) -> None:
    once = files.clean_name(raw)
    assert files.clean_name(once) == once


@given(st.text(alphabet="abcxyz0189éßж漢 _-+()", min_size=1, max_size=30).map(str.strip).filter(bool))
def test_leaves_an_ordinary_name_alone(name: str) -> None:
    assert files.clean_name(f"{name}.log") == unicodedata.normalize("NFC", f"{name}.log")


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("crash.log", "crash.log"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\Users\\ann\\a.txt", "a.txt"),
        ("/etc/a/", "a"),
        ("..", "file"),
        ("", "file"),
        (" . ", "file"),
        (".bashrc", "bashrc"),
        ("a\r\nSet-Cookie: x", "aSet-Cookie: x"),
        ("nul\x00l", "null"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("CON", "_CON"),
        ("com1.tar.gz", "_com1.tar.gz"),
        ("nul .txt", "_nul .txt"),
        ("console.txt", "console.txt"),
        ("e\u0301.txt", "é.txt"),
        ("x" * 300, "x" * 255),
        ("x" * 300 + ".tar.gz", "x" * 252 + ".gz"),
        ("é" * 200 + ".log", "é" * 125 + ".log"),
        ("x." + "y" * 300, ("x." + "y" * 300)[:255]),
        ("x" * 250 + " " * 9 + ".log", "x" * 250 + ".log"),
    ],
)
def test_cleans(raw: str, name: str) -> None:
    assert files.clean_name(raw) == name
