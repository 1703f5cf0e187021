"""What came in: the intake log, and the answers kept for requests that may come again."""

from tellback.core.intake import queries, rules
from tellback.core.intake.actions import RECORD, Effect, Intake, Submission, intake
from tellback.core.intake.following import PAGE, Follower
from tellback.core.intake.model import TAKEN, Claim, Entry, KeptAnswer, Key, NewEntry, Unmatched
from tellback.core.intake.queries import newest

__all__ = [
    "PAGE",
    "RECORD",
    "TAKEN",
    "Claim",
    "Effect",
    "Entry",
    "Follower",
    "Intake",
    "KeptAnswer",
    "Key",
    "NewEntry",
    "Submission",
    "Unmatched",
    "intake",
    "newest",
    "queries",
    "rules",
]
