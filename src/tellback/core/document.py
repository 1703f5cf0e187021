"""A configuration file as nodes that know their line: YAML 1.2 as people write it, and JSON.

Nothing is guessed here. A scalar stays the text that stands in the file; what is due at its place decides
what it means (`form`), so `on:` is a name, `0123` a token and `Yes` an answer's text, where YAML 1.1 would
make them true, 83 and true.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from tellback.core import errors

LARGEST_BYTES = 16 * 1024 * 1024
MOST_NODES = 1_000_000  # after aliases are followed, so that they cannot multiply
DEEPEST = 64

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
# Strings are the only place where JSON has these, so an escape may stand for them.
_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_SURROGATE_PAIR = re.compile(
    r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
)


@dataclass(frozen=True)
class Scalar:
    """One value, as its text. `quoted` text is text wherever it stands."""

    text: str
    quoted: bool
    line: int | None

    @property
    def is_null(self) -> bool:
        return not self.quoted and self.text in _NULLS


@dataclass(frozen=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    line: int | None


@dataclass(frozen=True)
class Entry:
    """One member of a mapping."""

    name: str
    value: Node
    line: int | None


@dataclass(frozen=True)
class Entries:
    """A mapping, in the file's order; entries whose name came before are in `repeated` alone."""

    entries: tuple[Entry, ...]
    line: int | None
    repeated: tuple[Entry, ...] = ()


Node: TypeAlias = Scalar | Items | Entries


@dataclass(frozen=True)
class FileFault(errors.Fault):
    """A fault at a place in a file: `where` is the path (`projects[0].key`, "" for the file itself)."""

    origin: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.origin, self.line) if part)
        return ": ".join(part for part in (place, self.where, self.message) if part)


def read(text: str | bytes, origin: str) -> Node:
    """The document in `text`; `origin` names the file in faults.

    Raises `errors.Invalid` with one `FileFault`: not UTF-8, not YAML, more than one document, too large,
    too deep, aliases that multiply.
    """
    written = _decoded(text, origin)
    return _Builder(origin).build(_events(written, origin))


def of_value(value: object) -> Node:
    """The nodes of a parsed JSON value (no lines): what the API gives in place of a file."""
    if isinstance(value, Mapping):
        return Entries(tuple(Entry(str(name), of_value(item), None) for name, item in value.items()), None)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return Items(tuple(of_value(item) for item in value), None)
    if isinstance(value, str):
        return Scalar(value, True, None)
    return Scalar(json.dumps(value), False, None)


def _decoded(text: str | bytes, origin: str) -> str:
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(raw) > LARGEST_BYTES:
        raise _invalid(origin, None, f"the file is larger than {LARGEST_BYTES // 1024 // 1024} MiB")
    try:
        written = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _invalid(origin, line, "the file is not UTF-8") from None
    return _json_as_yaml(written.removeprefix("\ufeff"))


def _json_as_yaml(text: str) -> str:
    """JSON is YAML but for tabs between tokens, characters written as two escapes, and some unprintable ones."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    escaped = _NOT_IN_YAML.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text.replace("\t", " "))
    return _SURROGATE_PAIR.sub(_joined, escaped)


def _joined(pair: re.Match[str]) -> str:
    both = bytes.fromhex(pair[2] + pair[3]).decode("utf-16-be")
    return pair[1] + both


def _events(text: str, origin: str) -> Iterator[Any]:
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = "; ".join(part for part in (error.context, error.problem) if part)
        raise _invalid(origin, mark.line + 1 if mark else None, f"not YAML: {said}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _invalid(origin, line, "the file holds a character that YAML does not allow") from None


def _invalid(origin: str, line: int | None, message: str) -> errors.Invalid:
    return errors.Invalid([FileFault("", message, origin, line)])


@dataclass
class _Open:
    """A list or mapping whose end has not come yet."""

    line: int
    anchor: str | None
    names: bool  # a mapping
    nodes: list[Node] = field(default_factory=list)
    size: int = 1
    height: int = 1


@dataclass
class _Anchored:
    node: Node
    size: int
    height: int


class _Builder:
    """Events into nodes, without recursion, so that a hostile file meets a limit and not the stack."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._open: list[_Open] = []
        self._anchors: dict[str, _Anchored] = {}
        self._size = 0
        self._root: Node | None = None

    def build(self, events: Iterator[Any]) -> Node:
        for event in events:
            self._take(event)
        if self._root is None:
            raise _invalid(self._origin, None, "the file is empty")
        return self._root

    def _take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        match event:
            case yaml.DocumentStartEvent():
                if self._root is not None:
                    raise _invalid(self._origin, line, "one document a file, not several")
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._untagged(event, line)
                if len(self._open) >= DEEPEST:
                    raise _invalid(self._origin, line, f"nested deeper than {DEEPEST} levels")
                self._open.append(_Open(line, event.anchor, isinstance(event, yaml.MappingStartEvent)))
            case yaml.ScalarEvent():
                self._untagged(event, line)
                quoted = bool(event.style) or event.tag == "tag:yaml.org,2002:str"
                self._add(self._scalar(event.value, quoted, line), 1, 0, event.anchor)
            case yaml.AliasEvent(anchor=str(name)):
                anchored = self._anchors.get(name)
                if anchored is None:
                    raise _invalid(self._origin, line, f"no anchor {name!r} before this alias")
                self._add(anchored.node, anchored.size, anchored.height, None)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                done = self._open.pop()
                self._size -= done.size - 1  # counted again, as one, by whoever holds it
                node = self._entries(done) if done.names else Items(tuple(done.nodes), done.line)
                self._add(node, done.size, done.height, done.anchor)

    def _untagged(self, event: Any, line: int) -> None:
        if event.tag not in (None, "!", "tag:yaml.org,2002:str"):
            raise _invalid(self._origin, line, "tags (!…) have no meaning here")

    def _scalar(self, text: str, quoted: bool, line: int) -> Scalar:
        if any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in text):
            raise _invalid(self._origin, line, "a text holds U+0000 or half a character")
        return Scalar(text, quoted, line)

    def _add(self, node: Node, size: int, height: int, anchor: str | None) -> None:
        self._size += size
        if self._size > MOST_NODES:
            raise _invalid(self._origin, node.line, f"more than {MOST_NODES:,} values, aliases followed")
        if len(self._open) + height > DEEPEST:
            raise _invalid(self._origin, node.line, f"nested deeper than {DEEPEST} levels")
        if anchor is not None:
            self._anchors[anchor] = _Anchored(node, size, height)
        if not self._open:
            self._root = node
            return
        holder = self._open[-1]
        holder.nodes.append(node)
        holder.size += size
        holder.height = max(holder.height, height + 1)

    def _entries(self, done: _Open) -> Entries:
        """Names and values in turn; `<<` brings in the members of other mappings, as YAML 1.1 has it."""
        kept: dict[str, Entry] = {}
        repeated: list[Entry] = []
        merged: list[Entry] = []
        for name, value in zip(done.nodes[::2], done.nodes[1::2], strict=True):
            if not isinstance(name, Scalar) or name.is_null:
                raise _invalid(self._origin, name.line or done.line, "a member's name is a text")
            entry = Entry(name.text, value, name.line)
            if name.text == "<<" and not name.quoted:
                merged += self._merged(value, name.line)
            elif name.text in kept:
                repeated.append(entry)
            else:
                kept[name.text] = entry
        for entry in merged:
            kept.setdefault(entry.name, entry)
        return Entries(tuple(kept.values()), done.line, tuple(repeated))

    def _merged(self, value: Node, line: int | None) -> list[Entry]:
        sources = value.items if isinstance(value, Items) else (value,)
        entries: list[Entry] = []
        for source in sources:
            if not isinstance(source, Entries):
                raise _invalid(self._origin, line, "`<<` takes a mapping or a list of mappings")
            entries += source.entries
        return entries
