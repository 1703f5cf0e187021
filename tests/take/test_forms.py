"""What a browser sends, read without a server."""

from __future__ import annotations

import pytest

from tellback.take import forms

OWN = ("https://hub.example", "https://feedback.example:443")


@pytest.mark.parametrize(
    ("site", "origin", "elsewhere"),
    [
        (None, None, False),
        ("same-origin", None, False),
        ("none", None, False),
        ("same-origin", "https://other.example", False),  # behind a proxy that has a name of its own
        ("same-site", "https://hub.example", True),
        ("cross-site", "https://hub.example", True),
        (None, "https://hub.example", False),
        (None, "http://hub.example", False),  # a proxy may have ended TLS
        (None, "https://feedback.example", False),
        (None, "https://hub.example:8443", True),
        (None, "https://hub.example.evil", True),
        (None, "https://evil.example", True),
        (None, "null", True),
        (None, "https://[", True),
    ],
)
def test_tells_forms_of_other_sites(site: str | None, origin: str | None, elsewhere: bool) -> None:
    assert forms.from_elsewhere(site, origin, OWN) is elsewhere


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([], None),
        ([(b"cookie", b"other=1")], None),
        ([(b"cookie", b"other=1; session=eYzTVujxQ2pN")], "eYzTVujxQ2pN"),
        ([(b"cookie", b"other=1"), (b"cookie", b"session=eYzTVujxQ2pN;x")], "eYzTVujxQ2pN"),
        ([(b"cookie", b"session=; session=eYzTVujxQ2pN")], ""),
        ([(b"cookie", b"session=short")], ""),
        ([(b"cookie", b"session=" + b"x" * 65)], ""),
        ([(b"cookie", b"session=eYzTVujx\xff2pN")], ""),
    ],
)
def test_finds_the_session_in_the_cookies(headers: list[tuple[bytes, bytes]], found: str | None) -> None:
    assert forms.cookie(headers) == found


def test_takes_the_first_of_a_field_that_comes_twice() -> None:
    sent = forms.read(b"text=one&text=two&choice=7&choice=8")
    assert (sent.text, sent.choice) == ("one", 7)


def test_reads_line_breaks_as_they_were_typed() -> None:
    assert forms.read(b"text=a%0D%0Ab%0Dc%0Ad").text == "a\nb\rc\nd"
