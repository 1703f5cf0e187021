"""The lexer of templates: tags and the text around them, in one pass over the source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from liquid import exceptions, token

_SOURCE: Final = 65_535
_MARKUP: Final = 12 * 1024
_EXPRESSION: Final = 1_024


def tokens(source: str) -> Iterator[token.Token]:
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
