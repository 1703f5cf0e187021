"""What a sender's file name may be."""

from __future__ import annotations

import re
import unicodedata

#: UTF-8 bytes, the limit of common file systems.
LONGEST_NAME = 255
#: An extension longer than this is no extension; UTF-8 bytes with the dot.
LONGEST_EXTENSION = 32

_NAMELESS = "file"
# Marks that reorder the text around them, so that "gpj.exe" can look like "exe.jpg" (Unicode TR 36).
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Control characters, lone surrogates, line and paragraph separators.
_DROPPED = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Windows opens a device for these, whatever their extension.
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(\..*)?", re.IGNORECASE | re.DOTALL)


def clean_name(raw: str) -> str:
    """The sender's file name without what could do harm where it is shown or saved.

    No folders, no control or bidi characters, no dot or space at either end, no name of a Windows device, at
    most 255 bytes of UTF-8 with the extension kept. "file" when nothing is left. Cleaning twice is the same.
    """
    shown = "".join(c for c in raw if c not in _BIDI and unicodedata.category(c) not in _DROPPED)
    last = shown.replace("\\", "/").rstrip("/").rpartition("/")[2]
    name = _stripped(unicodedata.normalize("NFC", last))
    if _DEVICE.fullmatch(name):
        name = f"_{name}"
    return _shortened(name) or _NAMELESS


def _stripped(name: str) -> str:
    start, end = 0, len(name)
    while start < end and _is_blank(name[start]):
        start += 1
    while end > start and _is_blank(name[end - 1]):
        end -= 1
    return name[start:end]


def _is_blank(character: str) -> bool:
    return character == "." or character.isspace()


def _shortened(name: str) -> str:
    if len(name.encode()) <= LONGEST_NAME:
        return name
    stem, dot, extension = name.rpartition(".")
    kept = dot + extension
    if not stem or len(kept.encode()) > LONGEST_EXTENSION:
        stem, kept = name, ""
    room = LONGEST_NAME - len(kept.encode())
    short = stem.encode()[:room].decode(errors="ignore")
    return _stripped(short) + kept
