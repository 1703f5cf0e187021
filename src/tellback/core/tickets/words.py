"""Full text in no language in particular: which words a text holds, and what a search asks for. No I/O.

PostgreSQL keeps and finds the words; it is not asked to take texts apart. Its parser follows the database's
locale, keeps an address or a path in one piece, and finds no words where scripts write none apart. So words are
made here, alike for texts and for questions: without case and accents, letters and digits alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from tellback.core import errors

LONGEST_QUESTION = 1000
#: What a ticket says beyond these is not found. A tsvector holds less than 1 MiB and 16,383 places.
MOST_CHARACTERS = 150_000
MOST_WORDS = 16_000
#: Of a tsvector's text: a sign can become several where it is taken apart.
_MOST_BYTES = 1_000_000
#: A longer word is known by its beginning.
LONGEST_WORD = 100

_ACCENTS = re.compile("[\u0300-\u036f]+")
# Scripts without spaces: every character is a word. Scripts that write vowels as marks: those belong to words.
_ALONE = "\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_MARKS = "\u0591-\u05c7\u064b-\u065f\u0900-\u0eff\u1000-\u109f\u1780-\u17d3"
_WORD = re.compile(f"[{_ALONE}]|(?:[^\\W_{_ALONE}]|[{_MARKS}])+")
# Most texts are ASCII, where looking up each character is several times as quick as looking for words.
_ASCII = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}
_TERM = re.compile(r'(-?)(?:"([^"]*)"?|([^\s"]+))')


def words(text: str) -> list[str]:
    """The words of a text, in order."""
    if text.isascii():
        found = text.translate(_ASCII).split()
        if len(text) <= LONGEST_WORD:
            return found
    else:
        folded = unicodedata.normalize("NFKD", text.casefold()).casefold()
        found = _WORD.findall(_ACCENTS.sub("", folded))
    return [word[:LONGEST_WORD] for word in found]


def document(workspace_id: int, texts: Iterable[str]) -> str:
    """What PostgreSQL is to keep of a ticket, as a tsvector's text. No phrase goes across two texts."""
    kept = [_home(workspace_id)]
    place, left = 1, MOST_CHARACTERS
    for text in texts:
        found = words(text[:left])[: MOST_WORDS - place + 1]
        kept += [f"'{word}':{at}" for at, word in enumerate(found, place)]
        place += len(found) + 1
        left -= len(text)
        if left <= 0 or place > MOST_WORDS:
            break
    whole = " ".join(kept)
    if len(whole) * 4 > _MOST_BYTES and len(in_bytes := whole.encode()) > _MOST_BYTES:
        return in_bytes[:_MOST_BYTES].rpartition(b" ")[0].decode()
    return whole


def question(workspace_id: int, text: str) -> str:
    """What `text` asks for, as a tsquery's text.

    All words must be there, in any order; `"in this order"` in quotes; `this OR that`; `-not this`; `begin*`.
    Raises `Malformed` for a text that is too long, or names no word that is to be there.
    """
    if len(text) > LONGEST_QUESTION:
        raise errors.Malformed(f"q has more than {LONGEST_QUESTION} characters.")
    choices: list[list[str]] = [[]]
    wanted = [False]
    for minus, quoted, bare in _TERM.findall(text):
        if not minus and bare.casefold() == "or":
            choices.append([])
            wanted.append(False)
            continue
        phrase = _phrase(words(quoted or bare), bare.endswith("*"))
        if phrase:
            choices[-1].append(f"!{phrase}" if minus else phrase)
            wanted[-1] = wanted[-1] or not minus
    if not all(there for there, choice in zip(wanted, choices, strict=True) if choice) or not any(wanted):
        raise errors.Malformed("q names no word to look for.")
    asked = " | ".join("(" + " & ".join(choice) + ")" for choice in choices if choice)
    return f"{_home(workspace_id)} & ({asked})"


def _phrase(these: list[str], beginning: bool) -> str | None:
    """Words one after the other; the last one, if wanted, as a beginning."""
    if not these:
        return None
    return "(" + " <-> ".join(f"'{word}'" for word in these) + (":*)" if beginning else ")")


def _home(workspace_id: int) -> str:
    """A mark that no text can hold."""
    return f"'@{workspace_id}'"
