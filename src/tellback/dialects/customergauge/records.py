"""One record a call: by `PUT /records` with a bearer token, or by an incoming webhook's own address."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from tellback.core import errors, imports, intake
from tellback.core.imports import Mapped, NewRecord
from tellback.dialects.customergauge import auth, wire
from tellback.dialects.customergauge.errors import BadLogin
from tellback.kit import forms, logins, strict_json
from tellback.kit.answers import Answer
from tellback.kit.call import Call
from tellback.kit.endpoint import Runner

JSON = "application/json"
#: Seed 003, "HTTP Status Code 200": an empty body, and so no content type.
EMPTY = Answer(200, b"", b"")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record came from, as the hub stores it; `place` says where in the call a heading stood."""

    channel: Literal["record", "incoming_webhook"]
    source_key: str
    actor: str
    place: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Records:
    """The handlers of `/records` and `/hooks/<token>`."""

    runner: Runner

    async def put(self, call: Call) -> Answer:
        """PUT: a record by the configuration it names (seed 003, "Request")."""
        if call.method != "PUT":
            with suppress(errors.Unauthenticated):
                await auth.bearer(call, self.runner.limits)
            call.require_method("PUT")
        known = await auth.bearer(call, self.runner.limits)
        sent, fingerprint = await _sent(call)
        call.notes.target = (sent.configuration or "")[:255] or None
        found = list(sent.faults)
        mapping = None
        if sent.configuration is not None:
            mapping = await _mapping(call, sent.configuration)
            if mapping is None:
                found.insert(0, errors.Fault("configuration", wire.NO_SUCH_CONFIGURATION))
        origin = Origin("record", sent.configuration or "", f"connected app {known.name}", wire.in_record)
        return await self._store(call, origin, mapping, sent.record, found, fingerprint)

    async def take(self, call: Call) -> Answer:
        """PUT or POST: a record at an incoming webhook's address, in a flat JSON object or in the query."""
        call.notes.endpoint = "/hooks/..."  # the address is a secret
        webhook = await imports.find_webhook(call.hub.db, call.hub.configuration, call.path_part("token"))
        if webhook is None:
            raise errors.NotFound("There is no such webhook.")
        known = call.credential = webhook.credential
        if not known.enabled:
            raise errors.NotFound("There is no such webhook.")
        call.notes.target = webhook.reference
        call.require_method("PUT", "POST")
        login = logins.basic(call.header(b"authorization"))
        if login is None or not imports.opens(webhook, *login):
            raise BadLogin("The user or the password is not the webhook's.")
        self.runner.limits.check_credential(f"{known.workspace.id}:{known.id}", loopback=call.peer.loopback)
        record = {**_asked(call), **await _flat(call)}
        mapping = await _mapping(call, webhook.reference)
        found = [] if mapping else [errors.Fault("configuration", wire.NO_SUCH_CONFIGURATION)]
        origin = Origin("incoming_webhook", known.name, f"incoming webhook {known.name}", str)
        return await self._store(call, origin, mapping, record, found, call.fingerprint)

    async def _store(
        self,
        call: Call,
        origin: Origin,
        mapping: Mapped | None,
        record: Mapping[str, Any] | None,
        found: Sequence[errors.Fault],
        fingerprint: Callable[[], bytes],
    ) -> Answer:
        """Everything that is wrong with a record as one `Invalid`, or the record stored."""

        async def store(key: intake.Key | None) -> Answer:
            faults = list(found)
            read = None
            if mapping is not None and record is not None:
                read = call.notes.mapped = imports.mapping.read(mapping, record)
                faults += _placed(origin, read.faults)
            if faults or mapping is None or read is None or read.record is None:
                raise errors.Invalid(faults)
            new = NewRecord(mapping, read.record, origin.channel, origin.source_key, origin.actor, call.hops)
            try:
                return await self.runner.store(call, imports.STORE, new, lambda _: EMPTY, key, 200)
            except errors.Invalid as refused:
                raise errors.Invalid(_placed(origin, refused.faults)) from None

        return await self.runner.once(call, fingerprint, store)


def _placed(origin: Origin, faults: Sequence[errors.Fault]) -> list[errors.Fault]:
    return [errors.Fault(origin.place(fault.where), fault.message) for fault in faults]


async def _mapping(call: Call, reference: str) -> Mapped | None:
    """The mapping of a reference, if it is active. An unstorable reference is nobody's."""
    assert call.credential is not None
    if "\x00" in reference:
        return None
    found = await imports.find(call.hub.db, call.hub.configuration, call.credential.workspace.id, reference)
    return found if found is not None and found.configuration.active else None


async def _sent(call: Call) -> tuple[wire.Sent, Callable[[], bytes]]:
    """What the body says, and how to tell it from another. Raises `Unsupported`, `TooLarge`, `Malformed`."""
    if call.media_type == forms.URLENCODED:
        return wire.of_form(forms.urlencoded(await call.read_body())), call.fingerprint
    if call.media_type == forms.MULTIPART:
        fields = forms.multipart_fields(await call.read_body(), call.header(b"content-type") or "")
        return wire.of_form(fields), lambda: forms.fingerprint(fields)
    return wire.of_json(await call.json_object()), call.fingerprint


def _asked(call: Call) -> dict[str, str]:
    """The query's parameters; of repeated names the last counts. Raises `Malformed` for what is no UTF-8."""
    try:
        return dict(forms.urlencoded(call.scope["query_string"]))
    except errors.Malformed:
        raise errors.Malformed("The query cannot be read as UTF-8.") from None


async def _flat(call: Call) -> dict[str, Any]:
    """The body's members; none at all is an empty one."""
    body = await call.read_body()
    if not body:
        return {}
    if call.media_type == forms.URLENCODED:
        return dict(forms.urlencoded(body))
    call.require_media_type(JSON)
    value = strict_json.loads(body)
    if not isinstance(value, dict):
        raise errors.Malformed("The body must be a JSON object.")
    return value
