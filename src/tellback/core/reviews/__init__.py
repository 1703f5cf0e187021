"""Reviews: ratings of public pages, what became of them, and who has been told."""

from tellback.core.reviews import queries, rules
from tellback.core.reviews.actions import CLEAR, RECEIVE, find_page
from tellback.core.reviews.model import (
    Delivered,
    Delivery,
    Filter,
    Page,
    Rating,
    Received,
    Seen,
    Verb,
)

__all__ = [
    "CLEAR",
    "RECEIVE",
    "Delivered",
    "Delivery",
    "Filter",
    "Page",
    "Rating",
    "Received",
    "Seen",
    "Verb",
    "find_page",
    "queries",
    "rules",
]
