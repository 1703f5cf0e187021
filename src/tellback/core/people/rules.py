"""Who is who. No I/O."""

from __future__ import annotations


def email_key(email: str) -> str:
    """What e-mail addresses are compared by: trimmed, lower-cased."""
    return email.strip().lower()
