"""Everything `serve` and `work` need to know, as one frozen value, and the parsers its words are read by.

The parsers take what a person typed and raise `ValueError` with one line that says what would be right.
"""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from pathlib import Path
from typing import Any

import msgspec

MEBIBYTE = 1024 * 1024
DAY_S = 86_400

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Rate(msgspec.Struct, frozen=True):
    """At most `limit` requests in any `window` seconds."""

    limit: int
    window: int

    def __str__(self) -> str:
        return f"{self.limit}/{self.window}s"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How one hub runs. Durations are seconds, sizes bytes, networks CIDRs in their canonical spelling.

    `files` is a directory or an `s3://bucket/prefix`; empty means `files` inside `data`. A rate that is
    None is off.
    """

    data: Path
    database_url: str | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    no_delivery: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
    allow_destinations: tuple[str, ...] = ()
    retry_schedule: tuple[int, ...] = (0, 5, 300, 1800, 7200, 18_000, 36_000, 36_000)
    public_url: str | None = None
    files: str = ""
    max_file_size: int = 2048 * MEBIBYTE
    session_idle: int = 30 * DAY_S
    allow_http_pages: bool = False
    dev: bool = False
    credential_rate: Rate | None = Rate(6000, 60)
    address_rate: Rate | None = Rate(6000, 60)
    limit_loopback: bool = False
    intake_retention_days: int = 30
    log_level: str = "info"

    def __repr__(self) -> str:
        # The database's address may hold a password, and a repr finds its way into logs.
        return f"Settings(data={str(self.data)!r}, host={self.host!r}, port={self.port})"

    def to_json(self) -> str:
        return msgspec.json.encode(self, enc_hook=str).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Settings:
        return msgspec.json.decode(text, type=cls, dec_hook=_decoded)


def _decoded(kind: type, value: Any) -> Any:
    return kind(value)


def default_data() -> Path:
    """The user's data folder for tellback on this system (XDG Base Directory on Linux)."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "tellback"
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "tellback"


_DURATION_UNITS = {"s": 1, "m": 60, "h": 3600, "d": DAY_S}
_SIZE_UNITS = {"": 1, "b": 1} | {
    unit: base**power
    for power, letter in enumerate("kmgt", start=1)
    for unit, base in ((f"{letter}b", 1000), (f"{letter}ib", 1024))
}
# Nothing here needs more, and everything that counts seconds or bytes can hold it.
_LARGEST = 1 << 53


def duration(text: str) -> int:
    """`30s`, `15m`, `4h` or `2d` in seconds."""
    match = re.fullmatch(r"([0-9]{1,12})([smhd])", text.strip())
    seconds = int(match[1]) * _DURATION_UNITS[match[2]] if match else 0
    if not 0 < seconds < _LARGEST:
        raise ValueError(f"{text!r} is not a duration; write it like 30s, 15m, 4h or 2d")
    return seconds


def schedule(text: str) -> tuple[int, ...]:
    """`0s,5s,5m`: the seconds before each attempt at a delivery, the first one's included."""
    waits = [re.fullmatch(r"([0-9]{1,9})([smhd])", word.strip()) for word in text.split(",")]
    if not 1 <= len(waits) <= 100 or None in waits:
        raise ValueError(f"{text!r} is not a schedule; write it like 0s,5s,5m,30m,2h")
    return tuple(int(wait[1]) * _DURATION_UNITS[wait[2]] for wait in waits if wait)


def size(text: str) -> int:
    """`2GiB`, `500MB`, `1048576` in bytes (kB is 1000, KiB is 1024)."""
    match = re.fullmatch(r"([0-9]{1,15})\s*([A-Za-z]*)", text.strip())
    count = int(match[1]) * _SIZE_UNITS.get(match[2].lower(), 0) if match else 0
    if not 0 < count < _LARGEST:
        raise ValueError(f"{text!r} is not a size; write it like 2GiB, 500MB or 1048576")
    return count


def cidr(text: str) -> str:
    """A network in its canonical spelling; a single address is a network of one."""
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        raise ValueError(
            f"{text!r} is not a network; write it like 10.0.0.0/8, 192.0.2.7 or fd00::/8"
        ) from None


def networks(cidrs: tuple[str, ...]) -> tuple[Network, ...]:
    """The networks that CIDRs (as `cidr` gives them) name."""
    return tuple(ipaddress.ip_network(entry) for entry in cidrs)


def rate(text: str) -> Rate | None:
    """`600/1m`: at most 600 requests a minute; `off` is None."""
    if text.strip().lower() == "off":
        return None
    count, slash, window = text.strip().partition("/")
    if not slash or re.fullmatch(r"[0-9]{1,9}", count) is None or int(count) == 0:
        raise ValueError(f"{text!r} is not a rate; write it like 600/1m, or off")
    try:
        return Rate(int(count), duration(window))
    except ValueError:
        raise ValueError(f"{text!r} is not a rate; write it like 600/1m, or off") from None
