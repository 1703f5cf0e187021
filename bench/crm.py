"""What a CRM pushes: records of the survey responses it knows, the same in every run."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

REFERENCE = "bench-responses"
HEADINGS = (
    *("Account Name", "First Name", "Last Name", "Email", "Sent Date", "Survey Completed Date"),
    *("NPS Score", "Comment", "Touchpoint", "Region", "Reference"),
)
#: A contact answers ten times, an account has fifty contacts.
RESPONSES_A_CONTACT, CONTACTS_AN_ACCOUNT = 10, 50

_FIRST = datetime(2023, 1, 1, 8)  # noqa: DTZ001 - as it stands in the file: workspace time
_DAYS = 1_000
_TOUCHPOINTS = ("Onboarding", "Support", "Renewal", "Delivery")
_REGIONS = ("North", "South", "East", "West")
_COMMENTS = (
    "",
    "Quick answer, thank you.",
    "The export stops at ten thousand rows, and support had no date for us when it will be mended.",
    'She said "we will call you back", and they did.',
)


def rows(count: int) -> Iterator[tuple[str, ...]]:
    """So many responses in the order of time, under `HEADINGS`."""
    chosen = random.Random(4)  # noqa: S311 - the same rows in every run
    contacts = max(1, count // RESPONSES_A_CONTACT)
    for number in range(count):
        contact = chosen.randrange(contacts)
        account = contact // CONTACTS_AN_ACCOUNT
        sent = _FIRST + timedelta(days=_DAYS * number / count)
        completed = sent + timedelta(minutes=chosen.randrange(10, 4_000))
        yield (
            f"Customer {account:05}",
            f"First{contact % 997}",
            f"Last{contact % 9973}",
            f"person{contact}@customer{account}.example",
            sent.isoformat(" ", "seconds"),
            completed.isoformat(" ", "seconds"),
            str(chosen.choice((10, 10, 9, 9, 8, 7, 6, 3, 0))),
            chosen.choice(_COMMENTS),
            chosen.choice(_TOUCHPOINTS),
            _REGIONS[account % len(_REGIONS)],
            f"R-{number:08}",
        )


def write(path: Path, count: int) -> None:
    """The same as a CSV file with a header row."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        writer.writerows(rows(count))
