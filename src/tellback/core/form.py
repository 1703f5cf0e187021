"""Forms: what a configuration document may hold, declared once; reading by a form finds every fault at once.

A form reads nodes (`document`) into values and writes values back as plain JSON. A value that cannot be read
becomes a fault with its path and line, and is left out, so that the rest is still checked. Objects are built
into whatever `build` makes of their members; each is told `at`, its path, so that later checks that look
across the document can say where.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from tellback.core import errors
from tellback.core.document import Entries, Entry, FileFault, Items, Node, Scalar


class _Marker:
    def __init__(self, word: str) -> None:
        self._word = word

    def __repr__(self) -> str:
        return self._word


#: What reading gives for a value that has a fault; never inside a built object.
INVALID: Final[Any] = _Marker("INVALID")
#: The default of a member that, absent, stays as it is stored (secrets, names of known people).
KEPT: Final[Any] = _Marker("KEPT")
_REQUIRED: Final[Any] = _Marker("REQUIRED")


class SecretSource(Protocol):
    """Finds a secret that a document names instead of giving it (`kind` is env or file).

    Raises `ValueError` with a message fit for the user; None means: leave it unread.
    """

    def __call__(self, kind: str, name: str) -> str | None: ...


def no_named_secrets(kind: str, name: str) -> str | None:
    """For documents that come over the network: they may not make the hub read its own files."""
    raise ValueError("a secret is given here as text; {env} and {file} are for files applied on the hub")


@dataclass
class Reading:
    """One document being read: its faults so far, and the line of every path."""

    origin: str
    secret: SecretSource = no_named_secrets
    faults: list[FileFault] = field(default_factory=list)
    _lines: dict[str, int | None] = field(default_factory=dict)
    _left_out: dict[str, frozenset[str] | None] = field(default_factory=dict)

    def passed(self, path: str, line: int | None) -> None:
        self._lines[path] = line

    def fault(self, path: str, message: str, line: int | None = None) -> Any:
        """Note a fault at `path` and give `INVALID` back."""
        self.faults.append(FileFault(path, message, self.origin, line or self.line(path)))
        return INVALID

    def line(self, path: str) -> int | None:
        """The line of `path`, or of the nearest thing around it that stands in the file."""
        while path and self._lines.get(path) is None:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self._lines.get(path)

    def leave_out(self, path: str, names: Iterable[str | None]) -> None:
        """Note whom the list at `path` does not hold because of a fault; None stands for one without a name."""
        told = frozenset(names)
        self._left_out[path] = None if None in told else frozenset(name for name in told if name is not None)

    def left_out(self, path: str) -> frozenset[str] | None:
        """The names of the things in the list at `path` that have a fault and were not built.

        None where not all of their names can be read; only without one is a name missing there for sure.
        """
        return self._left_out.get(path, frozenset())

    def sound(self, path: str) -> bool:
        """Whether nothing at or below `path` has a fault."""
        inside = (f"{path}.", f"{path}[")
        return not any(fault.where == path or fault.where.startswith(inside) for fault in self.faults)

    def in_order(self) -> tuple[FileFault, ...]:
        return tuple(sorted(self.faults, key=lambda fault: (fault.line or 0, fault.where)))


class Form(Protocol):
    """What one value may be. `due` says it in words: "a whole number"."""

    @property
    def due(self) -> str: ...

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        """The value, or `INVALID` when it has a fault."""
        ...

    def write(self, value: Any) -> Any:
        """The value as plain JSON, such that reading it gives the value again."""
        ...


def mismatch(form: Form, node: Node, path: str, reading: Reading) -> Any:
    """The fault of a value of another shape than is due."""
    return reading.fault(path, f"{form.due} is due here, not {_shape(node)}", node.line)


def _shape(node: Node) -> str:
    match node:
        case Items():
            return "a list"
        case Entries():
            return "a mapping"
        case Scalar() if node.is_null:
            return "nothing"
        case _:
            return "a text" if node.quoted else f"{node.text[:40]!r}"


@dataclass(frozen=True)
class ListOf:
    """A list, of `least` to `most` items; a thing told apart by `key` may stand in it once.

    `key` names the member that identifies an item. Keys are compared without regard to case where `fold`.
    """

    item: Form
    key: str | None = None
    fold: bool = False
    least: int = 0
    most: int = 100_000

    @property
    def due(self) -> str:
        return "a list"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        if not isinstance(node, Items):
            reading.leave_out(path, [None])
            return mismatch(self, node, path, reading)
        if not self.least <= len(node.items) <= self.most:
            reading.leave_out(path, [None])
            bound = f"at least {self.least}" if len(node.items) < self.least else f"at most {self.most:,}"
            return reading.fault(path, f"{bound} are due here, not {len(node.items)}", node.line)
        values = []
        left_out: list[str | None] = []
        for index, item in enumerate(node.items):
            at = f"{path}[{index}]"
            reading.passed(at, item.line)
            value = self.item.read(item, at, reading)
            if value is INVALID:
                left_out.append(self._name(item))
            else:
                values.append((at, value))
        reading.leave_out(path, left_out)
        return tuple(self._once(values, reading))

    def _name(self, node: Node) -> str | None:
        """What an item is called that has a fault; None where that is what it has a fault in."""
        item = self.item.full if isinstance(self.item, Short) else self.item
        if self.key is None or not isinstance(item, Object):
            return None
        if isinstance(node, Entries):
            given = next((entry.value for entry in node.entries if entry.name == self.key), None)
        else:
            given = node
        if given is None or (isinstance(given, Scalar) and given.is_null):
            return None
        name = item.members[self.key].form.read(given, "", Reading(""))
        return None if name is INVALID else str(name)

    def _once(self, values: Iterable[tuple[str, Any]], reading: Reading) -> Iterable[Any]:
        if self.key is None:
            return [value for _, value in values]
        seen: dict[str, str] = {}
        for at, value in values:
            name = str(member_of(value, self.key))
            first = seen.setdefault(name.lower() if self.fold else name, at)
            if first != at:
                line = reading.line(first)
                where = f"line {line}" if line else first
                reading.fault(f"{at}.{self.key}", f"{name!r} is here twice; the first is at {where}")
        return [value for _, value in values]

    def write(self, value: Sequence[Any]) -> list[Any]:
        return [self.item.write(item) for item in value]


@dataclass(frozen=True)
class MapOf:
    """A mapping from free names to values of one form; read as pairs, in the file's order."""

    name: Form
    value: Form
    least: int = 0

    @property
    def due(self) -> str:
        return "a mapping"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        if not isinstance(node, Entries):
            return mismatch(self, node, path, reading)
        if len(node.entries) < self.least:
            return reading.fault(path, f"at least {self.least} are due here", node.line)
        _refuse_repeated(node, path, reading)
        pairs = []
        for entry in node.entries:
            at = f"{path}.{entry.name}"
            reading.passed(at, entry.line)
            name = self.name.read(Scalar(entry.name, True, entry.line), at, reading)
            value = self.value.read(entry.value, at, reading)
            if name is not INVALID and value is not INVALID:
                pairs.append((name, value))
        return tuple(pairs)

    def write(self, value: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
        return {str(self.name.write(name)): self.value.write(item) for name, item in value}


@dataclass(frozen=True)
class Member:
    """One member of an object. Without a default it is required.

    A default is not written, unless it is to be `told`: where the reference has it, people look for it.
    """

    form: Form
    default: Any = _REQUIRED
    told: bool = False

    @property
    def required(self) -> bool:
        return self.default is _REQUIRED

    def silent(self, value: Any) -> bool:
        """Whether `value` is not written."""
        if value is KEPT or value is None:
            return True
        return not (self.required or self.told) and value == self.default


def optional(form: Form, default: Any = None, *, told: bool = False) -> Member:
    """A member that may be absent; `default` is then its value."""
    return Member(form, default, told)


def _as_dict(at: str, **members: Any) -> dict[str, Any]:
    return members


@dataclass(frozen=True)
class Object:
    """A mapping of known members, built by `build(at=path, **members)`.

    `rules` look at one built object and give the faults of its members among each other, as pairs of
    member name ("" for the object) and message; those that only follow from another fault are dropped.
    """

    noun: str
    members: Mapping[str, Member]
    build: Callable[..., Any] = _as_dict
    rules: Callable[[Any], Iterable[tuple[str, str]]] | None = None

    @property
    def due(self) -> str:
        return f"a mapping ({self.noun})"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        if not isinstance(node, Entries):
            return mismatch(self, node, path, reading)
        _refuse_repeated(node, path, reading)
        given = {entry.name: entry for entry in node.entries}
        for entry in node.entries:
            if entry.name not in self.members:
                self._unknown(entry, path, reading)
        values = {
            name: self._member(name, member, given.get(name), node, path, reading)
            for name, member in self.members.items()
        }
        if INVALID in values.values():
            return INVALID
        built = self.build(at=path, **values)
        if self.rules is not None:
            problems = [(join(path, name), message) for name, message in self.rules(built)]
            for at, message in [one for one in problems if reading.sound(one[0])]:
                reading.fault(at, message)
        return built

    def _member(
        self, name: str, member: Member, entry: Entry | None, node: Entries, path: str, reading: Reading
    ) -> Any:
        at = join(path, name)
        if entry is None or (isinstance(entry.value, Scalar) and entry.value.is_null):
            if member.required:
                return reading.fault(at, "is required", entry.line if entry else node.line)
            return member.default
        reading.passed(at, entry.line)
        value = member.form.read(entry.value, at, reading)
        if value is INVALID and not member.required:
            return member.default  # the fault is noted; the rest of the object is still worth checking
        return value

    def _unknown(self, entry: Entry, path: str, reading: Reading) -> None:
        near = difflib.get_close_matches(entry.name, self.members, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]!r}?" if near else f"{self.noun} has {', '.join(self.members)}"
        reading.fault(join(path, entry.name), f"unknown member; {hint}", entry.line)

    def write(self, value: Any) -> dict[str, Any]:
        written = {}
        for name, member in self.members.items():
            given = member_of(value, name)
            if member.silent(given):
                continue
            plain = member.form.write(given)
            if plain is not None:  # a secret is never written
                written[name] = plain
        return written


@dataclass(frozen=True)
class Short:
    """An object that may be written as just one of its members: `Low` for `{label: Low}`."""

    full: Object
    member: str

    @property
    def due(self) -> str:
        return f"{self.full.members[self.member].form.due} or {self.full.due}"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        if isinstance(node, Entries):
            return self.full.read(node, path, reading)
        if not isinstance(node, Scalar):
            return mismatch(self, node, path, reading)
        alone = Entries((Entry(self.member, node, node.line),), node.line)
        if node.is_null:
            return mismatch(self, node, path, reading)
        return self.full.read(alone, path, reading)

    def write(self, value: Any) -> Any:
        written = self.full.write(value)
        return written[self.member] if set(written) == {self.member} else written


@dataclass(frozen=True)
class Either:
    """A value whose form depends on its shape: a scalar, a list or a mapping."""

    scalar: Form | None = None
    items: Form | None = None
    entries: Form | None = None

    @property
    def due(self) -> str:
        return " or ".join(form.due for form in (self.scalar, self.items, self.entries) if form)

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        match node:
            case Items():
                form = self.items
            case Entries():
                form = self.entries
            case _:
                form = self.scalar
        if form is None:
            return mismatch(self, node, path, reading)
        return form.read(node, path, reading)

    def write(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            form = self.entries
        elif isinstance(value, list | tuple):
            form = self.items
        else:
            form = self.scalar
        return form.write(value) if form else value


def join(path: str, name: str) -> str:
    """`name` below `path`."""
    return f"{path}.{name}" if path and name else path or name


def member_of(value: Any, name: str) -> Any:
    """The member `name` of a built object, be it a mapping or a dataclass."""
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name)


def _refuse_repeated(node: Entries, path: str, reading: Reading) -> None:
    for entry in node.repeated:
        reading.fault(join(path, entry.name), "is here twice", entry.line)


@dataclass(frozen=True)
class MemberChange:
    """One member's old and new value as plain JSON; both None where they are secret."""

    member: str
    old: Any
    new: Any
    secret: bool = False

    def __str__(self) -> str:
        return f"{self.member}: changed" if self.secret else f"{self.member}: {self.old!r} -> {self.new!r}"


def differences(form: Object, old: Any, new: Any, leaving: Iterable[str] = ()) -> tuple[MemberChange, ...]:
    """How `new` differs from `old`, both built by `form`; `KEPT` members never differ.

    `leaving` names members that the caller compares by itself (secrets, things with keys of their own).
    """
    changed = []
    for name, member in form.members.items():
        before, after = member_of(old, name), member_of(new, name)
        if name in leaving or after is KEPT or before == after:
            continue
        changed.append(MemberChange(name, _plain(member.form, before), _plain(member.form, after)))
    return tuple(changed)


def _plain(form: Form, value: Any) -> Any:
    return None if value is None or value is KEPT else form.write(value)


def location() -> Any:
    """The field that holds a built object's path: no part of what it is."""
    return dataclasses.field(default="", compare=False, repr=False)


def refuse(faults: Sequence[errors.Fault]) -> None:
    """Raise `errors.Invalid` when there are faults."""
    if faults:
        raise errors.Invalid(faults)
