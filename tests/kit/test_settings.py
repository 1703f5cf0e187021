"""Settings, and the words they are read from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tellback import settings


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("15m", 900), ("4h", 14_400), ("2d", 172_800), (" 1h ", 3600)]
)
def test_reads_a_duration(text: str, seconds: int) -> None:
    assert settings.duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "count"),
    [("1048576", 1_048_576), ("2GiB", 2 * 1024**3), ("500MB", 500_000_000), ("1 kib", 1024)],
)
def test_reads_a_size(text: str, count: int) -> None:
    assert settings.size(text) == count


@pytest.mark.parametrize(
    ("text", "network"),
    [("10.1.2.3/8", "10.0.0.0/8"), ("192.0.2.7", "192.0.2.7/32"), ("FD00::/8", "fd00::/8")],
)
def test_spells_a_network_in_its_canonical_way(text: str, network: str) -> None:
    assert settings.cidr(text) == network


def test_reads_a_rate_and_off() -> None:
    assert settings.rate("600/1m") == settings.Rate(600, 60)
    assert settings.rate("off") is None


@pytest.mark.parametrize(
    ("parser", "text"),
    [
        (settings.duration, "30"),
        (settings.duration, "0s"),
        (settings.duration, "-1s"),
        (settings.duration, "999999999999d"),
        (settings.duration, "١s"),
        (settings.size, "2 apples"),
        (settings.size, ""),
        (settings.size, "0"),
        (settings.cidr, "10.0.0.0/33"),
        (settings.cidr, "example.org"),
        (settings.rate, "600"),
        (settings.rate, "0/1m"),
        (settings.rate, "600/0s"),
        (settings.rate, "many/1m"),
    ],
)
def test_refuses_a_bad_word_in_one_line_that_shows_a_good_one(
    parser: Callable[[str], Any], text: str
) -> None:
    with pytest.raises(ValueError, match="write it like") as caught:
        parser(text)
    assert "\n" not in str(caught.value)


def test_travels_to_a_worker_and_back() -> None:
    sent = settings.Settings(
        data=Path("/srv/tellback"),
        database_url="postgresql://hub:secret@db/hub",
        tls_cert=Path("/etc/tls/cert.pem"),
        trusted_proxies=("10.0.0.0/8", "fd00::/8"),
        credential_rate=None,
        address_rate=settings.Rate(10, 1),
    )
    assert settings.Settings.from_json(sent.to_json()) == sent


def test_does_not_show_the_database_password() -> None:
    shown = repr(settings.Settings(data=Path("/d"), database_url="postgresql://hub:hunter2@db/hub"))
    assert "hunter2" not in shown
