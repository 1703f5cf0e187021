"""All that is held on a person, as the typed document that an export is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from tellback.core import erasure
from tellback.hub_api import deliveries_documents, documents, surveys_documents


class ExportedContact(surveys_documents.ContactDocument, kw_only=True):
    """`external` are captured values."""

    external: dict[str, dict[str, Any]]


class Participation(msgspec.Struct):
    """Under what name they may submit in a project."""

    project: str
    name: str
    archived: bool


class ExportedAnswer(msgspec.Struct):
    """What was answered to them, and what they chose on the page that asks how it was."""

    at: datetime
    actor: str
    subject: str
    body: str
    opinion: str | None


class ExportedTicket(documents.TicketDocument, kw_only=True):
    """A ticket with its timeline, and the answers to it. The bytes of its files are at /hub/v1/files/{id}."""

    answers: list[ExportedAnswer]


class ExportedResponse(surveys_documents.ResponseDocument, kw_only=True):
    external: dict[str, dict[str, Any]]


class ExportedSubject(msgspec.Struct):
    type: str
    id: str


class CapturedValue(msgspec.Struct, kw_only=True):
    """A value that an outside system answered (`delivery`) or sent (`listener`)."""

    subject: ExportedSubject
    group: str
    label: str
    value: Any
    listener: str | None
    delivery: int | None
    at: datetime


class RuleRun(msgspec.Struct, kw_only=True):
    rule: str
    subject: ExportedSubject
    at: datetime
    outcome: str
    detail: str | None


class ExportedChange(msgspec.Struct, kw_only=True):
    """A row of the change feed."""

    kind: str
    subject: ExportedSubject
    at: datetime
    actor: str
    data: dict[str, Any]


class ContactExport(msgspec.Struct, kw_only=True):
    """All that is held on a person; `intake` are the calls that told of them, `deliveries` those that went out."""

    contact: ExportedContact
    participations: list[Participation]
    tickets: list[ExportedTicket]
    responses: list[ExportedResponse]
    sessions: list[surveys_documents.SessionDocument]
    captured_values: list[CapturedValue]
    rule_runs: list[RuleRun]
    deliveries: list[deliveries_documents.DeliveryDocument]
    intake: list[documents.IntakeEntry]
    changes: list[ExportedChange]


def export(held: erasure.Held) -> ContactExport:
    contact = surveys_documents.contact(held.contact)
    return ContactExport(
        contact=ExportedContact(**_members(contact), external=held.contact_external),
        participations=msgspec.convert(list(held.participations), list[Participation], from_attributes=True),
        tickets=[_ticket(held, place) for place in range(len(held.tickets))],
        responses=[
            ExportedResponse(**_members(surveys_documents.response(one)), external=held.external[one.id])
            for one in held.responses
        ],
        sessions=[surveys_documents.session(one) for one in held.sessions],
        captured_values=[
            CapturedValue(
                subject=ExportedSubject(one.subject_type, one.subject_id), group=one.group, label=one.label,
                value=one.value, listener=one.listener, delivery=one.delivery_id, at=one.at,
            )
            for one in held.captured
        ],
        rule_runs=[
            RuleRun(
                rule=one.rule, subject=ExportedSubject(one.subject_type, one.subject_id), at=one.at,
                outcome=one.outcome, detail=one.detail,
            )
            for one in held.runs
        ],
        deliveries=[deliveries_documents.delivery(one) for one in held.deliveries],
        intake=[documents.intake_entry(one) for one in held.intake],
        changes=[
            ExportedChange(
                kind=one.kind, subject=ExportedSubject(one.subject_type, one.subject_id), at=one.at,
                actor=one.actor, data=one.data,
            )
            for one in held.changes
        ],
    )  # fmt: skip


def _ticket(held: erasure.Held, place: int) -> ExportedTicket:
    whole = held.tickets[place]
    shown = documents.ticket(whole.ticket, whole.files, whole.timeline)
    answers = [one for one in held.written if one.ticket_id == whole.ticket.id]
    return ExportedTicket(
        **_members(shown), answers=msgspec.convert(answers, list[ExportedAnswer], from_attributes=True)
    )


def _members(document: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(document, name) for name in document.__struct_fields__}
