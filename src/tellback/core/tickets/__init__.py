"""Tickets: feedback with a status, a timeline and files."""

from tellback.core.tickets import queries, reports
from tellback.core.tickets.actions import ATTACH, FILE, find
from tellback.core.tickets.model import (
    Filed,
    Filter,
    NewAttachment,
    NewTicket,
    Submitter,
    Ticket,
    TimelineItem,
)

__all__ = [
    "ATTACH",
    "FILE",
    "Filed",
    "Filter",
    "NewAttachment",
    "NewTicket",
    "Submitter",
    "Ticket",
    "TimelineItem",
    "find",
    "queries",
    "reports",
]
