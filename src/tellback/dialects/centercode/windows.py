"""Listeners, record lookups and data packages: the addresses of outside systems that write and read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tellback.core import errors, intake
from tellback.core.deliveries.model import Captured
from tellback.core.errors import Fault
from tellback.core.windows import actions as windows
from tellback.core.windows.fields import as_csv as csv_of
from tellback.core.windows.model import Heard, Kind, Listener, Table, Window
from tellback.dialects.centercode import auth, windows_wire
from tellback.kit import answers, strict_json
from tellback.kit.answers import Answer
from tellback.kit.call import Call
from tellback.kit.endpoint import Handler, Runner

CSV = b"text/csv; charset=utf-8"
LONGEST_COMMENT = 65_535
LONGEST_LABEL = 255
MOST_VALUES = 1_000
_PAGE = re.compile(r"0*[1-9][0-9]{0,17}", re.ASCII)
_SAID = {"macro": (202, "Accepted"), "comment": (201, "Created"), "data": (200, "OK")}


@dataclass(frozen=True, slots=True)
class Windows:
    """The handlers of `…Listeners`, `…RecordLookups` and `…DataPackages`, of one kind of object each."""

    runner: Runner
    packages: windows.Packages

    def listener(self, object: str) -> Handler:
        """POST: do what the listener is for (seed 001, "Web Methods": the method is fixed)."""

        async def hear(call: Call) -> Answer:
            window = await self._window(call, "listener", object)
            call.require_method("POST")
            subject_id, _ = await _record(call, window)
            listener = window.definition
            assert isinstance(listener, Listener)
            call.notes.created = ("contact" if object == "user" else "ticket", str(subject_id))
            heard = await _heard(call, window, listener, subject_id)
            status, word = _SAID[listener.kind]
            body = {"status": status, "description": word, "id": subject_id}
            said = answers.of_json(status, body)

            async def once(key: intake.Key | None) -> Answer:
                return await self.runner.store(call, windows.HEAR, heard, lambda _: said, key, status)

            return await self.runner.once(call, call.fingerprint, once)

        return hear

    def lookup(self, object: str) -> Handler:
        """GET: one record with the fields of the lookup."""

        async def read(call: Call) -> Answer:
            window = await self._window(call, "record_lookup", object)
            call.require_method("GET", "HEAD")
            as_csv = _wants_csv(call)
            _, document = await _record(call, window)
            return _shown(windows.one_row(window, document), as_csv=as_csv)

        return read

    def package(self, object: str) -> Handler:
        """GET: a page of records with the fields of the package."""

        async def read(call: Call) -> Answer:
            window = await self._window(call, "data_package", object)
            call.require_method("GET", "HEAD")
            as_csv, page = _wants_csv(call), _page(call)
            return _shown(await self.packages.page(window, page), as_csv=as_csv)

        return read

    async def _window(self, call: Call, kind: Kind, object: str) -> Window:
        """The window in the address. Raises as `auth.credential`, `NotFound`, and `Forbidden` for another key."""
        known = await auth.credential(call, self.runner.limits)
        key, project = call.path_part("window"), call.scope["path_params"].get("project")
        found = None
        if "\x00" not in key + (project or ""):
            hub = call.hub
            found = await windows.find(hub.db, hub.configuration, known.workspace.id, kind, key)
            if found is not None and found.definition.object == object:
                found = await windows.within(hub.db, hub.configuration, found, project)
            else:
                found = None
        if found is None:
            raise errors.NotFound("There is no such window.")
        call.notes.target = f"{kind} {found.key}"
        if found.credential_id != known.id:
            raise errors.Forbidden("The API key is not the one this address was set up with.")
        return found


async def _record(call: Call, window: Window) -> tuple[int, Mapping[str, Any]]:
    reference = call.path_part("record")
    found = None
    if "\x00" not in reference:
        async with call.hub.db.reading() as reader:
            found = await windows.record(reader, window, reference)
    if found is None:
        raise errors.NotFound("There is no such record.")
    return found


async def _heard(call: Call, window: Window, listener: Listener, subject_id: int) -> Heard:
    actor = f"listener {window.key}"
    if listener.kind == "comment":
        comment = _comment(await call.json_object())
        return Heard(window, subject_id, actor, _origin(call), comment=comment)
    if listener.kind == "data":
        captured = _captured(listener.group or "", await call.json_object())
        return Heard(window, subject_id, actor, _origin(call), captured=captured)
    body = await call.read_body()
    if body:  # what a macro does is in the configuration; what comes with the call must only be sound
        call.require_media_type("application/json")
        strict_json.loads(body)
    return Heard(window, subject_id, actor, _origin(call))


def _origin(call: Call) -> Mapping[str, Any]:
    return {"hop": call.hops} if call.hops else {}


def _comment(body: Mapping[str, Any]) -> str:
    comment = body.get("comment")
    if not isinstance(comment, str) or not comment.strip():
        raise errors.Invalid([Fault("comment", "The comment is required, as a text.")])
    if len(comment) > LONGEST_COMMENT:
        raise errors.Invalid(
            [Fault("comment", f"The comment may have {LONGEST_COMMENT:,} characters at most.")]
        )
    return comment


def _captured(group: str, body: Mapping[str, Any]) -> tuple[Captured, ...]:
    """A flat object's members as captured values: truths, whole numbers and texts; times are texts, too."""
    faults = [fault for label, value in body.items() if (fault := _value_fault(label, value))]
    if not body or len(body) > MOST_VALUES:
        faults = [Fault("", f"A JSON object with 1 to {MOST_VALUES:,} members is due.")]
    if faults:
        raise errors.Invalid(faults)
    return tuple(
        Captured(group, label, str(value) if isinstance(value, float) else value)
        for label, value in body.items()
    )


def _value_fault(label: str, value: Any) -> Fault | None:
    if not 1 <= len(label) <= LONGEST_LABEL:
        return Fault(label[:100], f"A label has 1 to {LONGEST_LABEL} characters.")
    if value is None or isinstance(value, dict | list):
        return Fault(label, f"The value of {label} must be a text, a number, true or false.")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return Fault(label, f"The value of {label} is too large.")
    if isinstance(value, str) and len(value) > LONGEST_COMMENT:
        return Fault(label, f"The value of {label} may have {LONGEST_COMMENT:,} characters at most.")
    return None


def _wants_csv(call: Call) -> bool:
    wanted = call.query_value("format")
    if wanted not in (None, "json", "csv"):
        raise errors.Malformed("The format must be json or csv.")
    return wanted == "csv"


def _page(call: Call) -> int:
    text = call.query_value("page")
    if text is not None and not _PAGE.fullmatch(text):
        raise errors.Malformed("The page must be a whole number from 1 on.")
    return 1 if text is None else int(text)


def _shown(table: Table, *, as_csv: bool) -> Answer:
    if as_csv:
        return Answer(200, csv_of(table).encode(), CSV)
    return answers.of_json(200, windows_wire.table(table))
