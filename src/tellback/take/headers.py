"""What every page says to the browser beside its content. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from tellback.kit.answers import Header
from tellback.take.forms import COOKIE


def page(embed_origins: Sequence[str] = ()) -> tuple[Header, ...]:
    """Headers of a page that the `embed_origins` may frame; by default nobody.

    The referrer stays within the hub, for a page's address leads to the survey. Not `no-referrer`: with that,
    browsers hide the origin of our own forms, too (Fetch, "append a request Origin header").
    """
    frames = " ".join(embed_origins) or "'none'"
    policy = (
        f"default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {frames}"
    )
    headers = (
        (b"content-security-policy", policy.encode()),
        (b"referrer-policy", b"same-origin"),
        (b"cache-control", b"no-store"),
        (b"x-robots-tag", b"noindex"),
    )
    return headers if embed_origins else (*headers, (b"x-frame-options", b"DENY"))


def cookie(path: str, token: str, *, seconds: int, secure: bool, framed: bool) -> Header:
    """The cookie that brings a session back. In another site's frame it is kept apart for that site (CHIPS)."""
    parts = [f"{COOKIE}={token}", f"Path={path}", f"Max-Age={seconds}", "HttpOnly"]
    if framed and secure:
        parts += ["SameSite=None", "Secure", "Partitioned"]
    else:
        parts += ["SameSite=Lax", *(["Secure"] if secure else [])]
    return b"set-cookie", "; ".join(parts).encode()
