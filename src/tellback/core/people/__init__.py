"""People: contacts, the accounts they belong to, and the participants of projects."""

from tellback.core.people import queries, rules
from tellback.core.people.actions import know_accounts, know_many, learn_accounts, news_of
from tellback.core.people.model import (
    AccountRecord,
    ContactRecord,
    Given,
    GivenAccount,
    Known,
    KnownAccount,
    Participant,
)
from tellback.core.people.rules import account_key, email_key

__all__ = [
    "AccountRecord",
    "ContactRecord",
    "Given",
    "GivenAccount",
    "Known",
    "KnownAccount",
    "Participant",
    "account_key",
    "email_key",
    "know_accounts",
    "know_many",
    "learn_accounts",
    "news_of",
    "queries",
    "rules",
]
