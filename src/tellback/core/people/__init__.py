"""People: contacts, the accounts they belong to, and the participants of projects."""

from tellback.core.people import queries, rules
from tellback.core.people.actions import (
    Acquaintance,
    know_accounts,
    know_many,
    known,
    known_account,
    learn_accounts,
    look_up,
    news_of,
)
from tellback.core.people.model import (
    AccountRecord,
    ContactRecord,
    Given,
    GivenAccount,
    Known,
    KnownAccount,
    Participant,
)
from tellback.core.people.rules import Draft, Met, MetAccount, account_key, email_key

__all__ = [
    "AccountRecord",
    "Acquaintance",
    "ContactRecord",
    "Draft",
    "Given",
    "GivenAccount",
    "Known",
    "KnownAccount",
    "Met",
    "MetAccount",
    "Participant",
    "account_key",
    "email_key",
    "know_accounts",
    "know_many",
    "known",
    "known_account",
    "learn_accounts",
    "look_up",
    "news_of",
    "queries",
    "rules",
]
