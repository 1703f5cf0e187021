"""`/hub/v1/tickets/{id}/actions`: doing things to a ticket."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request, Response, post

from tellback.core import errors, intake, tickets
from tellback.core.errors import Fault
from tellback.core.hub import Hub
from tellback.hub_api import documents, writes
from tellback.kit import answers
from tellback.kit.answers import Answer
from tellback.kit.call import Call
from tellback.kit.endpoint import Runner

#: What `do` may be. The members beside it are those of the action, under their names.
VERBS: Mapping[str, type[Any]] = {
    "set_status": tickets.SetStatus,
    "set_field": tickets.SetField,
    "assign": tickets.Assign,
    "add_tag": tickets.AddTag,
    "remove_tag": tickets.RemoveTag,
    "add_note": tickets.AddNote,
    "answer": tickets.Answer,
    "set_priority": tickets.SetPriority,
    "acquire": tickets.Acquire,
    "release": tickets.Release,
    "close": tickets.Close,
    "reopen": tickets.Reopen,
    "delete": tickets.Delete,
}
_NAMES = {str: "a string", bool: "true or false", str | None: "a string or null"}


def read(body: Mapping[str, Any]) -> tickets.Action:
    """The action that a body asks for. Raises `Invalid`, naming everything that is wrong with it."""
    if "do" not in body:
        raise errors.Invalid([Fault("do", f"The member 'do' is missing; it is one of {', '.join(VERBS)}.")])
    do = body["do"]
    verb = VERBS.get(do) if isinstance(do, str) else None
    if verb is None:
        raise errors.Invalid([Fault("do", f"There is no such action; 'do' is one of {', '.join(VERBS)}.")])
    types = typing.get_type_hints(verb)
    given = {name: value for name, value in body.items() if name != "do"}
    faults = [
        Fault(name, f"The action {do} needs the member '{name}'.")
        for name in _required(verb)
        if name not in given
    ]
    for name, value in given.items():
        if name not in types:
            faults.append(Fault(name[:100], f"The action {do} has no member '{name[:100]}'."))
        elif not _fits(value, types[name]):
            faults.append(Fault(name, f"The member '{name}' must be {_NAMES[types[name]]}."))
    if faults:
        raise errors.Invalid(faults)
    action: tickets.Action = verb(**given)
    return action


def _required(verb: type[Any]) -> list[str]:
    return [field.name for field in dataclasses.fields(verb) if field.default is dataclasses.MISSING]


def _fits(value: Any, type: Any) -> bool:
    try:
        msgspec.convert(value, type)
    except msgspec.ValidationError:
        return False
    return True


def _schema(do: str, verb: type[Any]) -> dict[str, Any]:
    properties = {name: msgspec.json.schema(type) for name, type in typing.get_type_hints(verb).items()}
    return {
        "type": "object",
        "title": do,
        "properties": {"do": {"const": do}, **properties},
        "required": ["do", *_required(verb)],
        "additionalProperties": False,
    }


@post(
    "/tickets/{ticket:str}/actions",
    summary="Do something to a ticket",
    status_code=200,
    operation_class=writes.describes({"oneOf": [_schema(do, verb) for do, verb in VERBS.items()]}),
)
async def act(request: Request[Any, Any, Any], hub: Hub, ticket: str) -> Response[documents.TicketDocument]:
    """By number or display id; gives the ticket as it is then. What is so already changes nothing, and is no fault.

    With an `Idempotency-Key` the same request may be sent again: it is done once and answered alike.
    """

    async def work(call: Call, runner: Runner) -> Answer:
        assert call.credential is not None
        workspace_id = call.credential.workspace.id
        by = tickets.By(call.credential.name, {"hop": call.hops} if call.hops else None)
        body = await call.json_object()
        async with hub.db.reading() as reader:
            found = await tickets.find(reader, workspace_id, ticket)
        if found is None:
            raise errors.NotFound("There is no such ticket.")
        call.notes.target = found.display_id
        order = tickets.Order(workspace_id, found.id, (read(body),), by)

        async def once(key: intake.Key | None) -> Answer:
            return await runner.store(call, tickets.ACT, order, _shown, key, status=200)

        return await runner.once(call, call.fingerprint, once)

    return await writes.answered(request, "hub_write", work)


def _shown(whole: tickets.Whole) -> Answer:
    return answers.of_json(200, documents.ticket(whole.ticket, whole.files, whole.timeline))
