"""JSON:API documents of this vendor: rendered from the core's types, and the one that is posted, read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tellback.core import errors
from tellback.core.reviews import Rating
from tellback.core.tickets.report_model import Action, Reply, Report
from tellback.core.workspaces import Workspace
from tellback.dialects.cention import snippets
from tellback.dialects.cention.errors import VERSION, ClientId, WrongType

REPORTS, DIRTY = "c3_errand_reports", "c3_dirty_errand_list"
RATINGS, DIRTY_RATINGS = "c3_facebook_ratings", "c3_dirty_facebook_ratings"
#: There is one dirty list, and this is its id.
THE_LIST = "0"
MOST_MARKED = 100_000

REPORT_ATTRIBUTES = ("actions", "basic", "c3_id", "changed", "extended", "sla")
RATING_ATTRIBUTES = ("c3_id", "data")
DIRTY_ATTRIBUTES = ("errands",)

NO_DATE = "No Date"
_EXTERNAL_SOURCE = (3, "External source")
#: Channels as this vendor's services.
_SERVICES = {
    "email": (1, "Email"),
    "form": (2, "Form"),
    "external_source": _EXTERNAL_SOURCE,
    "survey": (4, "Survey"),
    "import": (5, "Import"),
    "page": (6, "Facebook"),
}


def document(type: str, id: str, attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    """A document with one resource object; without attributes it has no such member."""
    return {"jsonapi": VERSION, "data": _resource(type, id, attributes)}


def _resource(type: str, id: str, attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    data: dict[str, Any] = {"type": type, "id": id}
    return data | {"attributes": attributes} if attributes else data


def listed(ids: str, wanted: Collection[str]) -> dict[str, Any]:
    """The dirty list, of ids as a JSON list."""
    return document(DIRTY, THE_LIST, {"errands": msgspec.Raw(ids.encode())} if "errands" in wanted else None)


def dirty_ratings(ids: Collection[int]) -> dict[str, Any]:
    """Bare resource objects, one a rating."""
    return {"jsonapi": VERSION, "data": [_resource(DIRTY_RATINGS, str(id), None) for id in ids]}


def rating(found: Rating, wanted: Collection[str]) -> dict[str, Any]:
    """A rating (seed 004, "Facebook Rating")."""
    attributes: dict[str, Any] = {}
    if "c3_id" in wanted:
        attributes["c3_id"] = found.id
    if "data" in wanted:
        attributes["data"] = {
            "isChanged": found.revision > found.reported,
            "message": found.message or "",
            "rating": found.rating or 0,
            "ratingId": found.id,
            "reviewerId": _number(found.reviewer_id),
            "reviewerName": found.reviewer_name or "",
            "timestampCreated": int(found.created_at.timestamp()),
        }
    return document(RATINGS, str(found.id), attributes)


def _number(text: str | None) -> int | str:
    """The platform's id as a number, as the seed has it; one that is none stays a text."""
    if not text:
        return 0
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text


def report(found: Report, workspace: Workspace, base_url: str, wanted: Collection[str]) -> dict[str, Any]:
    """A report (seed 004, "Errand Reports"), of the attributes that are wanted; `base_url` leads to the pages."""
    zone = ZoneInfo(workspace.timezone)
    made: dict[str, Callable[[], Any]] = {
        "actions": lambda: [_action(one, zone) for one in found.actions],
        "basic": lambda: _basic(found, workspace, zone, base_url),
        "c3_id": lambda: found.id,
        "changed": lambda: found.dirty,
        "extended": lambda: _extended(found),
        "sla": lambda: found.sla,
    }
    attributes = {name: make() for name, make in made.items() if name in wanted}
    return document(REPORTS, str(found.id), attributes)


def _action(one: Action, zone: ZoneInfo) -> dict[str, Any]:
    time = f"{datetime.fromtimestamp(one.at, zone):%Y-%m-%d %H:%M:%S %z %Z}"
    return {
        "id": one.id,
        "note": f"{one.note} at {time}.",
        "origin": one.actor,
        "time": time,
        "timeStamp": one.at,
    }


def _basic(found: Report, workspace: Workspace, zone: ZoneInfo, base_url: str) -> dict[str, Any]:
    return {
        "acquired": found.acquired,
        "data": {
            **_where(found, workspace),
            **_who(found),
            **_what(found),
            "date": _date(found.created_at, zone),
            "answeredDate": _date(found.answered_at, zone),
            "donedate": _date(found.promised_at, zone),
            "attachments": str(found.files),
            **_how(found, base_url),
        },
        "groupWith": found.other_of_thread or 0,
        "hasChild": found.replied_to,
        "id": found.id,
        "style": {},
        "threadId": found.thread_id,
    }


def _where(found: Report, workspace: Workspace) -> dict[str, Any]:
    service, service_name = _service(found)
    return {
        "id": found.id,
        "displayId": found.display_id,
        "status": snippets.status(_state(found), found.status),
        "service": service,
        "serviceName": service_name,
        "organisationId": workspace.id,
        "organisationName": workspace.name,
        "area": found.project_id,
        "areaName": found.project_name,
        "priority": found.priority or "",
        "agentId": found.assignee_id or 0,
        "agent": found.assignee_name or "",
    }


def _who(found: Report) -> dict[str, Any]:
    """`to` is the address here that it was sent to; nothing else is known to have got a copy."""
    address, name = found.submitter_email or "", found.submitter_name or ""
    to = f"{found.project}/{found.source}" if found.source else ""
    return {
        "from": f"{name} ({address})" if name and address else name or address,
        "fromAddress": address,
        "fromName": name,
        "to": to,
        "toAddresses": [to] if to else [],
        "copy": "",
        "copyAddresses": None,
    }


def _what(found: Report) -> dict[str, Any]:
    return {
        "subject": found.subject,
        "iconicSubject": snippets.subject(*_service(found), found.subject),
        "body": _html(found.body),
    }


def _how(found: Report, base_url: str) -> dict[str, Any]:
    """States as booleans, and members of services that this hub has not."""
    reply = found.reply
    return {
        "closed": found.closed,
        "deleted": found.deleted,
        "answered": found.answered,
        "wasForwardedToExternal": found.forwarded,
        "wasClonedAndForwardedExternal": False,
        "feedbackAnswer": (reply and reply.opinion) or "",
        "feedbackLink": f"{base_url}/take/{reply.page_token}" if reply and reply.page_token else "",
        "fbPms": False,
        "fbLikes": "",
        "fbAction": "",
        "sendPm": False,
        "hasAnswer": reply is not None,
        "answerDeleted": found.reply_withdrawn,
        "retweet": False,
        "twitterPm": False,
        "secureUserId": "",
    }


def _extended(found: Report) -> dict[str, Any]:
    return {
        "answer_body": found.reply.body if found.reply else "",
        "answer_subject": found.reply.subject if found.reply else "",
        "errand_tags": [{"desc": name, "id": id} for id, name in found.tags],
        "feedback": _feedback(found.reply),
        "report": found.sla,
    }


def _feedback(reply: Reply | None) -> dict[str, Any]:
    """What was said on the satisfaction page; empty until something was."""
    if reply is None or reply.opinion is None:
        return {"Answer": "", "QuestionHTML": "", "QuestionText": "", "value": 0}
    value = reply.opinion_value or 0
    return {
        "Answer": reply.opinion,
        "QuestionHTML": _html(reply.question or ""),
        "QuestionText": reply.question or "",
        "value": int(value) if float(value).is_integer() else value,
    }


def _service(found: Report) -> tuple[int, str]:
    return _SERVICES.get(found.channel, _EXTERNAL_SOURCE)


def _state(found: Report) -> str:
    if found.deleted:
        return "deleted"
    if found.closed:
        return "closed"
    if found.answered:
        return "answered"
    return "acquired" if found.acquired else "open"


def _html(text: str) -> str:
    """Plain text as HTML, its line breaks kept."""
    return escape(text).replace("\r\n", "\n").replace("\n", "<br>\r\n")


def _date(moment: datetime | None, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y/%m/%d %H:%M}" if moment else NO_DATE


def marked(body: Any) -> list[int]:
    """The errands of a posted dirty list (seed 004, "Dirty Errand List"). Unknown members are ignored.

    Raises `Invalid` (its faults at JSON pointers to what is there), `WrongType`, `ClientId`.
    """
    if not isinstance(body, dict):
        raise errors.Malformed("The body must be a JSON:API document, which is an object.")
    data = _member(body, "data", "", "an object")
    if "type" not in data:
        raise _fault("/data", "The resource object has no type.")
    if data["type"] != DIRTY:
        raise WrongType(f"The type must be {DIRTY}.")
    if data.get("id", THE_LIST) != THE_LIST:
        raise ClientId(f"There is one list, and its id is {THE_LIST!r}.")
    attributes = _member(data, "attributes", "/data", "an object")
    if "errands" not in attributes:
        raise _fault("/data/attributes", "The attribute errands is missing.")
    at, errands = "/data/attributes/errands", attributes["errands"]
    if not isinstance(errands, list) or not errands:
        raise _fault(at, "The attribute errands must be a list of ids, one or more.")
    if len(errands) > MOST_MARKED:
        raise _fault(at, f"The list has {len(errands)} ids; {MOST_MARKED} are allowed.")
    wrong = [place for place, one in enumerate(errands) if not _positive(one)]
    if wrong:
        said = "An id is a whole number above 0."
        raise errors.Invalid([errors.Fault(f"{at}/{place}", said) for place in wrong])
    return errands


def unknown(places: Collection[int], errands: list[int]) -> errors.Invalid:
    """Errands of a posted list that are not there."""
    return errors.Invalid(
        [
            errors.Fault(f"/data/attributes/errands/{place}", f"There is no errand {errands[place]}.")
            for place in places
        ]
    )


def _member(holder: dict[str, Any], name: str, at: str, due: str) -> dict[str, Any]:
    if name not in holder:
        raise _fault(at, f"The member {name} is missing.")
    if not isinstance(holder[name], dict):
        raise _fault(f"{at}/{name}", f"The member {name} must be {due}.")
    found: dict[str, Any] = holder[name]
    return found


def _fault(pointer: str, message: str) -> errors.Invalid:
    return errors.Invalid([errors.Fault(pointer, message)])


def _positive(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
