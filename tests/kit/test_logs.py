"""Logs: what a line looks like, and what never stands in one."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tellback import logs

SECRET = "s3cr3tCanary99"


@pytest.fixture(autouse=True)
def _quiet_again() -> Iterator[None]:
    handlers, level = logging.getLogger().handlers, logging.getLogger().level
    yield
    logging.getLogger().handlers, logging.getLogger().level = handlers, level
    logs.configure("error", terminal=False)


@pytest.mark.parametrize(
    "text",
    [
        f"GET /api/v1/x?a=1&apiKey={SECRET}&b=2",
        f"/api/v1/projects/apiKey={SECRET}",
        f"?APISECRET={SECRET}",
        f"sessionId={SECRET}; path=/",
        f"Authorization: Bearer {SECRET}",
        f"authorization: Basic {SECRET}",
        f"postgresql://hub:{SECRET}@db.example/hub",
        f'{{"password": "{SECRET}", "n": 1}}',
        f"access_token={SECRET}",
        f"bearer {SECRET}",
    ],
)
def test_masks_a_credential_in_a_text(text: str) -> None:
    masked = logs.mask_text(text)
    assert SECRET not in masked
    assert logs.MASK in masked


def test_leaves_harmless_text_alone() -> None:
    text = "GET /api/v1/x?title=Bearer+left&n=2 took 3 ms; the token was refused"
    assert logs.mask_text(text) == text


@pytest.mark.parametrize("start", ["", '"'])
def test_masks_a_text_made_to_be_slow_in_no_longer(start: str) -> None:
    text = start + "token" * 13_000
    begun = time.process_time()
    assert logs.mask_text(text) == text
    assert time.process_time() - begun < 1


def test_masks_by_name_at_any_depth() -> None:
    event = {"user": "ann", "request": {"headers": [{"X-ApiKey": SECRET}], "signature": SECRET}}
    assert SECRET not in str(logs.mask(event))
    assert logs.mask({"user": "ann"}) == {"user": "ann"}


def test_writes_one_json_object_a_line(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", terminal=False)
    log = logs.logger("tests")
    log.info("ticket_filed", ticket="BUG-0001", url=f"https://h/x?apiKey={SECRET}")
    log.debug("not_told")
    logging.getLogger("asyncpg").warning("password=%s", SECRET)
    try:
        raise RuntimeError(f"apisecret={SECRET}")
    except RuntimeError as error:
        log.error("broke", exc_info=error)
    lines = capfd.readouterr().err.splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["ticket_filed", "password=***", "broke"]
    assert json.loads(lines[0])["ticket"] == "BUG-0001"
    assert "RuntimeError" in json.loads(lines[2])["exception"]
    assert not any(SECRET in line for line in lines)


@pytest.mark.parametrize(
    "path",
    [f"/api/v1/projects/apiKey={SECRET}", f"/take/{SECRET}", f"/take/{SECRET}/embed.js", f"/hooks/{SECRET}"],
)
def test_tells_of_a_request_without_what_its_path_gives_away(
    capfd: pytest.CaptureFixture[str], path: str
) -> None:
    logs.configure("info", terminal=False)
    logs.access(
        surface="centercode",
        method="POST",
        path=path,
        status=201,
        seconds=0.0123,
        request_id="r-1",
        address="192.0.2.7",
    )
    line = capfd.readouterr().err
    assert SECRET not in line
    told = json.loads(line)
    assert (told["method"], told["status"], told["ms"], told["request_id"]) == ("POST", 201, 12.3, "r-1")


def test_survives_what_no_text_can_hold(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", terminal=False)
    logs.logger("tests").info("odd", value="\ud800")
    assert "odd" in capfd.readouterr().err


def test_is_readable_on_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", terminal=True)
    logs.logger("tests").info("ticket_filed", ticket="BUG-0001")
    assert "ticket_filed  ticket=BUG-0001" in capfd.readouterr().err


def test_does_not_import_rich() -> None:
    code = "import sys; from tellback import logs; print('rich' in sys.modules, 'structlog' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
