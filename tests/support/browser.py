"""A real Chromium for the tests: the system's, driven over playwright, on loopback alone.

    python -m tests.support.browser

installs it where that can be done, or says in one line how.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

#: Another program than the one on the path.
VARIABLE = "TELLBACK_TEST_CHROMIUM"
MISSING = "needs Chromium: apt-get install chromium, or TELLBACK_TEST_CHROMIUM=/path/to/it"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
]


@functools.cache
def program() -> str | None:
    """Where the browser is, if there is one."""
    given = os.environ.get(VARIABLE)
    return given or next((found for name in _NAMES if (found := shutil.which(name))), None)


#: Marks tests that drive a browser: without one they are skipped, with the line that says how to get it.
needed = pytest.mark.skipif(program() is None, reason=MISSING)


@contextmanager
def started() -> Iterator[Browser]:
    """A running browser with a profile of its own; gone, with all its processes, at the end."""
    with sync_playwright() as playwright:
        options = [*_OPTIONS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        browser = playwright.chromium.launch(executable_path=program(), args=options)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def window(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page of a fresh profile. What the browser complains about fails the test."""
    with context(browser, **options) as fresh:
        yield fresh.new_page()


@contextmanager
def context(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    """A fresh profile, for pages that share cookies. Options are playwright's; `java_script_enabled` is one."""
    fresh = browser.new_context(**options)
    complaints: list[str] = []
    fresh.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    fresh.on("weberror", lambda error: complaints.append(str(error.error)))
    fresh.set_default_timeout(15_000)
    try:
        yield fresh
    finally:
        fresh.close()
    # Of a status that is meant to be an error the browser says so, too; that is no fault of the page.
    wrong = [one for one in complaints if "Failed to load resource" not in one]
    assert wrong == [], wrong


def main() -> None:
    """See the module. Never fails: without a browser its tests are skipped, and say why."""
    if program() is not None:
        return
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        sys.stderr.write(f"the browser's tests will be skipped: {MISSING}\n")
        return
    sys.stderr.write("installing chromium for the browser's tests ...\n")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        try:
            done = subprocess.run(
                [apt, "--quiet=2", *words], env=environment, capture_output=True, timeout=600, check=False
            )
            failed = done.returncode != 0
        except subprocess.TimeoutExpired:
            failed = True
        if failed:
            sys.stderr.write(f"that failed, so the browser's tests will be skipped: {MISSING}\n")
            return


if __name__ == "__main__":
    main()
