"""What a browser sends: the form of a step, the cookie, and where the request came from. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from tellback.core import errors
from tellback.core.surveys import Given, Reply

COOKIE = "session"
#: A field that people cannot see. It is named like one that programs like to fill.
TRAP = "website"
FIELDS = ("session_id", "version", "question", "step", "text", "choice", "go", TRAP)

_TOKEN = re.compile(r"[A-Za-z0-9]{12,64}")
_NUMBER = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class Sent:
    """A step's form. `question` is a place in the version, `step` the session's when the page was made.

    None stands for a field that did not come or holds nothing of its kind. `again` asks for a new session,
    `go` for a look at a question without answering.
    """

    token: str | None
    version: int | None
    question: int | None
    step: int | None
    text: str | None
    choice: int | None
    go: int | None
    again: bool
    trapped: bool

    @property
    def reply(self) -> Reply:
        return Reply(self.text, self.choice)

    def repeats(self, given: Given) -> bool:
        """Whether this says what was said before."""
        return self.choice == given.answer if given.answer is not None else self.text == given.text


def read(body: bytes) -> Sent:
    """A form (application/x-www-form-urlencoded). Raises `Malformed`.

    Browsers send line breaks of a text as CR LF (HTML, "constructing the entry list"); they are stored as LF.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=50
        )
    except ValueError:
        raise errors.Malformed("The form cannot be read.") from None
    first = dict(reversed([(name, value) for name, value in pairs if name in FIELDS]))
    if any("\x00" in value for value in first.values()):
        raise errors.Malformed("The form holds a character that cannot be stored.")
    text = first.get("text")
    return Sent(
        token=token(first.get("session_id")),
        version=_number(first.get("version")),
        question=_number(first.get("question")),
        step=_number(first.get("step")),
        text=None if text is None else text.replace("\r\n", "\n"),
        choice=_number(first.get("choice")),
        go=_number(first.get("go")),
        again=first.get("go") == "again",
        trapped=bool(first.get(TRAP)),
    )


def token(text: str | None) -> str | None:
    """A session's token if it can be one."""
    return text if text is not None and _TOKEN.fullmatch(text) else None


def place(text: str | None) -> int | None:
    """The place of the question that an address names; there the first is 1."""
    number = _number(text)
    return number - 1 if number else None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and _NUMBER.fullmatch(text) else None


def cookie(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The session's cookie as it came (RFC 6265, section 5.4); "" is one that is no token."""
    for name, value in headers:
        if name != b"cookie":
            continue
        for pair in value.decode("latin-1").split(";"):
            key, _, content = pair.strip().partition("=")
            if key == COOKIE:
                return token(content) or ""
    return None


def from_elsewhere(site: str | None, origin: str | None, own: Iterable[str]) -> bool:
    """Whether a form was sent by another site's page.

    `site` is Sec-Fetch-Site, which browsers send to safe origins alone; `origin` is Origin; `own` are the
    addresses that the page is known under. Neither header: no browser, so nobody to be misled.
    """
    if site is not None:
        return site not in ("same-origin", "none")
    if origin is None:
        return False
    return _host(origin) not in {_host(address) for address in own}


def _host(address: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return "", None
    return parts.hostname or "", None if port in (80, 443) else port
