"""The forms of single values: texts, numbers, choices, durations, moments, networks, secrets and such."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from tellback.core.document import Entries, Items, Node, Scalar
from tellback.core.form import INVALID, KEPT, Reading, SecretSource, mismatch

SECRET_FILE_BYTES = 64 * 1024
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)\Z")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")
_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_DURATION = re.compile(r"([1-9][0-9]{0,8}|0)([smhd])\Z")
_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\Z")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_KEY = re.compile(r"\w[\w.\-]*\Z")


def _scalar(node: Node) -> Scalar | None:
    return node if isinstance(node, Scalar) and not node.is_null else None


@dataclass(frozen=True)
class Text:
    """A text of `least` to `most` characters, as it stands in the file, quoted or not.

    One line without space around it, unless it is `free`: then it is kept to the letter.
    `shape` is a pattern the whole text must match, and `words` says that pattern in words.
    """

    words: str = "a text"
    least: int = 1
    most: int = 255
    free: bool = False
    shape: re.Pattern[str] | None = None

    @property
    def due(self) -> str:
        return self.words

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        scalar = _scalar(node)
        if scalar is None:
            return mismatch(self, node, path, reading)
        fault = self._fault(scalar.text)
        return reading.fault(path, fault, node.line) if fault else scalar.text

    def _fault(self, text: str) -> str | None:
        if len(text) > self.most:
            return f"{len(text):,} characters; at most {self.most:,} are allowed"
        if len(text) < self.least:
            return "must not be empty" if self.least == 1 else f"at least {self.least} characters are due"
        if not self.free and (_CONTROLS.search(text) or text != text.strip()):
            return "one line is due, without space around it"
        if self.shape is not None and not self.shape.match(text):
            return f"{self.words} is due here, not {text[:40]!r}"
        return None

    def write(self, value: str) -> str:
        return value


def key(most: int = 100) -> Text:
    """A key that stands in addresses: letters, digits, `_`, `.`, `-`, the first a letter or digit."""
    return Text("a key (letters, digits, _ . -)", most=most, shape=_KEY)


@dataclass(frozen=True)
class Email:
    """An e-mail address: one @, no spaces, at most 254 characters (RFC 5321, 4.5.3.1)."""

    due: str = "an e-mail address"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        scalar = _scalar(node)
        if scalar is None:
            return mismatch(self, node, path, reading)
        text = scalar.text.strip()
        if not _EMAIL.match(text) or len(text) > 254 or _CONTROLS.search(text):
            return reading.fault(path, f"{text[:60]!r} is not an e-mail address", node.line)
        return text

    def write(self, value: str) -> str:
        return value


@dataclass(frozen=True)
class Whole:
    """A whole number from `least` to `most`."""

    least: int
    most: int

    @property
    def due(self) -> str:
        return f"a whole number from {self.least:,} to {self.most:,}"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        scalar = _scalar(node)
        if scalar is None or scalar.quoted or len(scalar.text) > 20 or not _WHOLE.match(scalar.text):
            return mismatch(self, node, path, reading)
        number = int(scalar.text)
        if not self.least <= number <= self.most:
            return mismatch(self, node, path, reading)
        return number

    def write(self, value: int) -> int:
        return value


@dataclass(frozen=True)
class Number:
    """A number, whole or not, of at most 15 digits' worth."""

    due: str = "a number"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        scalar = _scalar(node)
        if scalar is None or scalar.quoted or len(scalar.text) > 30 or not _NUMBER.match(scalar.text):
            return mismatch(self, node, path, reading)
        if _WHOLE.match(scalar.text) and len(scalar.text) <= 16:
            return int(scalar.text)
        number = float(scalar.text)
        return number if abs(number) < 1e15 else mismatch(self, node, path, reading)

    def write(self, value: float) -> float:
        return value


@dataclass(frozen=True)
class Truth:
    """true or false; yes, no, on and off are read too, as YAML's first edition had it."""

    due: str = "true or false"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        scalar = _scalar(node)
        if scalar is None or scalar.quoted or scalar.text.lower() not in _TRUTHS:
            return mismatch(self, node, path, reading)
        return _TRUTHS[scalar.text.lower()]

    def write(self, value: bool) -> bool:
        return value


@dataclass(frozen=True)
class Choice:
    """One of some words."""

    words: tuple[str, ...]

    @property
    def due(self) -> str:
        return f"one of {', '.join(self.words)}"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        scalar = _scalar(node)
        if scalar is None:
            return mismatch(self, node, path, reading)
        if scalar.text not in self.words:
            return reading.fault(path, f"{self.due} is due here, not {scalar.text[:40]!r}", node.line)
        return scalar.text

    def write(self, value: str) -> str:
        return value


@dataclass(frozen=True)
class Duration:
    """`30s`, `15m`, `4h` or `2d`, from 1 s to 10 years; read as seconds."""

    due: str = "a duration (30s, 15m, 4h, 2d)"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        scalar = _scalar(node)
        parts = _DURATION.match(scalar.text) if scalar else None
        if parts is None:
            return mismatch(self, node, path, reading)
        seconds = int(parts[1]) * _UNITS[parts[2]]
        if not 1 <= seconds <= 3_660 * 86_400:
            return reading.fault(path, "a duration from 1s to 3660d is due here", node.line)
        return seconds

    def write(self, value: int) -> str:
        unit = next(unit for unit, seconds in _UNITS.items() if value % seconds == 0)
        return f"{value // _UNITS[unit]}{unit}"


@dataclass(frozen=True)
class Moment:
    """A day (`2027-12-31`, read as `date`: its end counts) or a time with its offset (read in UTC)."""

    due: str = "a day (2027-12-31) or a time with offset (2027-12-31T18:00:00+01:00)"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        scalar = _scalar(node)
        if scalar is None:
            return mismatch(self, node, path, reading)
        try:
            if re.match(r"\d{4}-\d{2}-\d{2}\Z", scalar.text):
                value = date.fromisoformat(scalar.text)
                return value if value.year < 9999 else mismatch(self, node, path, reading)
            moment = datetime.fromisoformat(scalar.text)
            if moment.tzinfo is None:
                return mismatch(self, node, path, reading)
            return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            return reading.fault(path, f"{self.due} is due here, not {scalar.text[:40]!r}", node.line)

    def write(self, value: date | datetime) -> str:
        return value.isoformat()


def end_of_day(day: date, zone: str) -> datetime:
    """The moment at which `day` is over in `zone`, in UTC."""
    following = datetime.combine(day + timedelta(days=1), time(), tzinfo=zoneinfo.ZoneInfo(zone))
    return following.astimezone(UTC)


@dataclass(frozen=True)
class Zone:
    """A time zone by its name in the IANA database."""

    due: str = "a time zone such as Europe/Stockholm"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        scalar = _scalar(node)
        if scalar is None:
            return mismatch(self, node, path, reading)
        if scalar.text not in zoneinfo.available_timezones():
            return reading.fault(path, f"no time zone is called {scalar.text[:60]!r}", node.line)
        return scalar.text

    def write(self, value: str) -> str:
        return value


@dataclass(frozen=True)
class Network:
    """An IP network or a single address; read as the network, `127.0.0.0/8`."""

    due: str = "a network (10.0.0.0/8) or an IP address"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        scalar = _scalar(node)
        if scalar is None:
            return mismatch(self, node, path, reading)
        try:
            return str(ipaddress.ip_network(scalar.text))
        except ValueError:
            pass
        try:
            meant = ipaddress.ip_network(scalar.text, strict=False)
        except ValueError:
            return reading.fault(path, f"{self.due} is due here, not {scalar.text[:60]!r}", node.line)
        return reading.fault(path, f"{scalar.text!r} is inside a network; write {meant}", node.line)

    def write(self, value: str) -> str:
        return value


@dataclass(frozen=True)
class Given:
    """A secret as given. It never shows in a representation."""

    text: str

    @property
    def digest(self) -> bytes:
        """What is stored of it: SHA-256."""
        return hashlib.sha256(self.text.encode()).digest()

    def __repr__(self) -> str:
        return "Given(…)"


@dataclass(frozen=True)
class Secret:
    """A secret: as text, `{env: NAME}` or `{file: PATH}`. `free` ones may hold spaces (passwords).

    Faults never repeat it. Unread ones (see `SecretSource`) are `KEPT`.
    """

    least: int = 1
    most: int = 255
    free: bool = False
    due: str = "a secret (text, {env: NAME} or {file: PATH})"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        if isinstance(node, Items) or (isinstance(node, Scalar) and node.is_null):
            return mismatch(self, node, path, reading)
        text = node.text if isinstance(node, Scalar) else self._named(node, path, reading)
        if text is INVALID or text is KEPT:
            return text
        if not self.least <= len(text) <= self.most:
            return reading.fault(path, f"{self.least} to {self.most} characters are due here", node.line)
        if not self.free and not all("!" <= sign <= "~" for sign in text):
            return reading.fault(path, "only visible ASCII without spaces may stand here", node.line)
        return Given(text)

    def _named(self, node: Entries, path: str, reading: Reading) -> Any:
        entry = node.entries[0] if len(node.entries) == 1 and not node.repeated else None
        named = _scalar(entry.value) if entry else None
        if entry is None or named is None or entry.name not in ("env", "file"):
            return reading.fault(path, f"{self.due} is due here", node.line)
        try:
            found = reading.secret(entry.name, named.text)
        except ValueError as error:
            return reading.fault(path, str(error), node.line)
        return KEPT if found is None else found

    def write(self, value: Any) -> None:
        return None


def secrets_of(environment: Callable[[str], str | None], folder: Path) -> SecretSource:
    """Secrets from `environment` and from files; a relative path counts from `folder`, the document's own."""

    def find(kind: str, name: str) -> str | None:
        if kind == "env":
            found = environment(name)
            if not found:
                raise ValueError(f"the environment variable {name} is not set")
            return found
        try:
            with (folder / name).open("rb") as file:
                raw = file.read(SECRET_FILE_BYTES + 1)
            if len(raw) > SECRET_FILE_BYTES:
                raise ValueError(f"the file {name} is too large for a secret")
            return raw.decode().rstrip("\r\n")
        except OSError as error:
            raise ValueError(f"the file {name} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ValueError(f"the file {name} is not UTF-8") from None

    return find


def leave_unread(kind: str, name: str) -> str | None:
    """For checking a document away from the machine that holds its secrets."""
    return None


@dataclass(frozen=True)
class Json:
    """Any JSON value; plain scalars are read as YAML 1.2's core schema has them."""

    due: str = "a JSON value"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        match node:
            case Items():
                return [self.read(item, path, reading) for item in node.items]
            case Entries():
                return {entry.name: self.read(entry.value, path, reading) for entry in node.entries}
            case _ if node.is_null:
                return None
            case _ if not node.quoted and node.text in ("true", "false"):
                return node.text == "true"
            case _ if not node.quoted and _NUMBER.match(node.text) and len(node.text) <= 30:
                return json.loads(node.text)
            case _:
                return node.text

    def write(self, value: Any) -> Any:
        return value
