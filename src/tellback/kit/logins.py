"""Logins by HTTP Basic (RFC 7617)."""

from __future__ import annotations

import base64
import binascii


def basic(header: str | None) -> tuple[str, str] | None:
    """User and password of an Authorization header; None where it is another scheme's, or no such pair."""
    scheme, _, text = (header or "").strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        pair = base64.b64decode(text.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    user, colon, password = pair.partition(":")
    return (user, password) if colon else None
