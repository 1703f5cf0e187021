"""People: contacts, and the participants of projects."""

from tellback.core.people import queries
from tellback.core.people.model import Participant
from tellback.core.people.rules import email_key

__all__ = ["Participant", "email_key", "queries"]
