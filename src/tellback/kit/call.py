"""One request to a surface, from its arrival to its line in the intake log.

A surface's handler is a coroutine that takes a `Call` and gives an `Answer`. What it learns on its way
(credential, target, parameters that did not fit) it notes on the call, so that a refusal at any point can be
logged with everything known by then.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qsl

from tellback import logs
from tellback.core import errors, intake, workspaces
from tellback.core.hub import Hub
from tellback.kit import strict_json
from tellback.kit.front import Peer, peer_of

JSON_LIMIT = 1024 * 1024
#: A webhook may call a hub whose rule calls a hub, and so on, this often.
MOST_HOPS = 5
_HOP_DIGITS = 9


@dataclass(slots=True)
class Notes:
    """What the intake log will say beside the plain facts."""

    target: str | None = None
    endpoint: str | None = None  # what is shown for a path that holds a secret
    mapped: Any = None  # anything with unmapped, missing, unmatched and submitter_decision
    hint: str | None = None
    contents: str | None = None  # what is shown for a body that is not kept
    created: tuple[str, str] | None = None


@dataclass(slots=True)
class Call:
    """A request in hand."""

    hub: Hub
    surface: str
    scope: dict[str, Any]
    receive: Any
    credential: workspaces.Credential | None = None
    #: The workspace that the address itself names: whose log a refusal is in while no credential is known.
    addressed: workspaces.Workspace | None = None
    notes: Notes = field(default_factory=Notes)
    body: bytes = b""
    _query: list[tuple[str, str]] | None = None

    @property
    def workspace(self) -> workspaces.Workspace | None:
        """Whose intake log this call belongs to; None while nothing says."""
        return self.credential.workspace if self.credential else self.addressed

    @property
    def peer(self) -> Peer:
        return peer_of(self.scope)

    @property
    def method(self) -> str:
        return cast(str, self.scope["method"])

    @property
    def path(self) -> str:
        """The decoded path, without a key that a client put into it (seed 000 prints one with no `?`)."""
        path: str = self.scope["path"]
        at = path.rfind("apiKey=")
        return path if at < 0 else path[:at]

    @property
    def base_url(self) -> str:
        """Where the hub is reached from outside, without a slash at the end."""
        return self.hub.settings.public_url or f"{self.peer.scheme}://{self.peer.host}"

    def path_part(self, name: str) -> str:
        """A part of the path that the route names."""
        return cast(str, self.scope["path_params"][name])

    def header(self, name: bytes) -> str | None:
        """The first header of that (lower-case) name."""
        for header, value in self.scope["headers"]:
            if header == name:
                return cast(bytes, value).decode("latin-1")
        return None

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query's pairs in order, percent-decoded."""
        if self._query is None:
            raw = self.scope["query_string"].decode("latin-1")
            self._query = parse_qsl(raw, keep_blank_values=True, errors="replace")
        return self._query

    def query_value(self, name: str) -> str | None:
        """The first value of a query parameter."""
        return next((value for key, value in self.query if key == name), None)

    @property
    def hops(self) -> int:
        """How many calls from hub to hub led here (`Tellback-Hop`); 0 of anybody else's, and where it is no number."""
        text = (self.header(b"tellback-hop") or "").strip()
        if not (text.isascii() and text.isdecimal()):
            return 0
        digits = text.lstrip("0")
        return int(digits or "0") if len(digits) <= _HOP_DIGITS else 10**_HOP_DIGITS

    def refuse_circles(self) -> None:
        """Raises `LoopDetected` for a call that came through too many hubs."""
        if self.hops > MOST_HOPS:
            raise errors.LoopDetected(self.hops)

    @property
    def announced_length(self) -> int | None:
        """The body's length in bytes as announced; the front has checked that it is a number."""
        announced = self.header(b"content-length")
        return None if announced is None else int(announced)

    @property
    def media_type(self) -> str:
        """The body's, in lower case and without parameters; empty where none was given."""
        return (self.header(b"content-type") or "").partition(";")[0].strip().lower()

    def require_method(self, *allow: str) -> None:
        if self.method not in allow:
            raise errors.MethodNotAllowed(allow)

    def require_media_type(self, media_type: str) -> None:
        """Refuse a body of another type; parameters such as a charset are allowed."""
        given = self.media_type
        if given != media_type:
            raise errors.Unsupported(
                f"The content type must be {media_type}"
                + (f", not {given[:100]}." if given else "; none was given.")
            )

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives."""
        more = True
        while more:
            message = await self.receive()
            more = message.get("more_body", False)
            chunk = message.get("body", b"")
            if chunk:
                yield chunk

    async def read_body(self, limit: int = JSON_LIMIT) -> bytes:
        """The whole body. Raises `TooLarge` past `limit` bytes, announced or arrived."""
        too_large = errors.TooLarge(f"The body is larger than {limit} bytes.")
        if (self.announced_length or 0) > limit:
            raise too_large
        message = await self.receive()
        body: bytes = message.get("body", b"")
        if not message.get("more_body", False) and len(body) <= limit:  # nearly every body comes in one piece
            self.body = body
            return body
        pieces = bytearray(body)
        if message.get("more_body", False):
            async for chunk in self.chunks():
                pieces += chunk
                if len(pieces) > limit:
                    break
        if len(pieces) > limit:
            raise too_large
        self.body = bytes(pieces)
        return self.body

    async def json_object(self, *, optional: bool = False) -> dict[str, Any]:
        """The body as a JSON object; an `optional` one may be left out. Raises `Unsupported`, `TooLarge`, `Malformed`."""
        if optional and not await self.read_body():  # and so nothing says what kind it is of
            return {}
        self.require_media_type("application/json")
        value = strict_json.loads(self.body or await self.read_body())
        if not isinstance(value, dict):
            raise errors.Malformed("The body must be a JSON object.")
        return value

    def fingerprint(self) -> bytes:
        """What tells this body from another one under the same idempotency key."""
        return hashlib.sha256(self.body).digest()

    def entry(self, status: int, error: errors.HubError | None = None) -> intake.NewEntry:
        """This call as the intake log shows it. The workspace must be known."""
        assert self.workspace is not None
        mapped = self.notes.mapped
        return intake.NewEntry(
            workspace_id=self.workspace.id,
            request_id=self.peer.request_id,
            surface=self.surface,
            method=self.method,
            endpoint=self.notes.endpoint or logs.mask_path(self.path),
            credential=self.credential.name if self.credential else None,
            target=self.notes.target,
            status=status,
            error=_in_words(error),
            hint=self.notes.hint or intake.rules.hint(status),
            unmapped=mapped.unmapped if mapped else (),
            missing=mapped.missing if mapped else (),
            unmatched=mapped.unmatched if mapped else (),
            submitter=mapped.submitter_decision if mapped else None,
            created_type=self.notes.created[0] if self.notes.created else None,
            created_id=self.notes.created[1] if self.notes.created else None,
            body=intake.rules.loggable_body(self.body) if self.body else self.notes.contents,
        )


def _in_words(error: errors.HubError | None) -> str | None:
    if isinstance(error, errors.Invalid):
        return " ".join(_shown(error.faults))
    return error.message if error else None


def _shown(faults: Sequence[errors.Fault]) -> list[str]:
    shown = [fault.message for fault in faults[:20]]
    return shown if len(faults) <= 20 else [*shown, f"And {len(faults) - 20} more."]
