"""Signatures of Standard Webhooks 1.0.0 (symmetric, `v1`)."""

from __future__ import annotations

import base64
import binascii
import functools
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"


def headers(message_id: str, timestamp: int, body: bytes, secrets: Sequence[str]) -> list[tuple[str, str]]:
    """The three headers of a call; one signature for each secret, spaces between. None without a secret.

    `timestamp` is the attempt's, in seconds since 1970: receivers refuse old ones (section "Webhook timestamp").
    """
    if not secrets:
        return []
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    signatures = " ".join(f"v1,{_signature(key_of(secret), signed)}" for secret in secrets)
    return [
        ("webhook-id", message_id),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", signatures),
    ]


@functools.lru_cache(1024)
def key_of(secret: str) -> bytes:
    """A secret's bytes: base64 after `whsec_`; what is no base64 stands for its own bytes."""
    text = secret.removeprefix(PREFIX)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode()


def _signature(key: bytes, signed: bytes) -> str:
    mac = _keyed(key).copy()
    mac.update(signed)
    return base64.b64encode(mac.digest()).decode()


@functools.lru_cache(1024)
def _keyed(key: bytes) -> hmac.HMAC:
    """To be copied: most calls of a moment are signed with the same few keys."""
    return hmac.new(key, digestmod="sha256")
