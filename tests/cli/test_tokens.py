"""`tellback token`."""

from __future__ import annotations

import time
from collections.abc import Iterator

import jwt
import pytest
from tests.support import command


def _token(url: str, *arguments: str) -> command.Done:
    return command.tellback("token", *arguments, "--workspace", "demo", "--database-url", url)


def test_prints_the_token_and_nothing_else(workspace_url: str) -> None:
    made = _token(workspace_url, "create", "--key", "bi", "--claim", "hub_read", "--claim", "errand_data")
    assert (made.code, made.err) == (0, "")
    assert made.out.count("\n") == 1
    claims = jwt.decode(made.out.strip(), options={"verify_signature": False})
    assert (claims["sub"], claims["aud"], claims["claims"]) == ("bi", "demo", ["errand_data", "hub_read"])
    assert "exp" not in claims


@pytest.mark.parametrize(("given", "seconds"), [("90d", 90 * 86_400), ("1h", 3600)])
def test_lets_a_token_expire_after_a_while(workspace_url: str, given: str, seconds: int) -> None:
    made = _token(workspace_url, "create", "--key", "bi", "--claim", "hub_read", "--expires", given)
    claims = jwt.decode(made.out.strip(), options={"verify_signature": False})
    assert abs(claims["exp"] - time.time() - seconds) < 120


def test_lets_a_token_expire_at_the_end_of_a_day_of_its_workspace(workspace_url: str) -> None:
    _token(workspace_url, "create", "--key", "bi", "--claim", "hub_read", "--expires", "2027-12-31")
    listed = _token(workspace_url, "list", "--output", "json").json()
    assert {one["key"]: one["expires"] for one in listed}["bi"] == "2027-12-31T23:00:00Z"  # Europe/Stockholm


@pytest.mark.parametrize("given", ["soon", "9999999d", "99999999999d", "2027-13-01"])
def test_refuses_an_end_that_no_calendar_has(workspace_url: str, given: str) -> None:
    refused = _token(workspace_url, "create", "--key", "bi", "--claim", "hub_read", "--expires", given)
    assert (refused.code, refused.out) == (2, "")
    assert f"{given!r} is no time" in refused.err


def test_gives_key_and_token_as_json(workspace_url: str) -> None:
    made = _token(workspace_url, "create", "--key", "bi", "--claim", "hub_read", "--output", "json").json()
    assert set(made) == {"key", "token"}
    assert made["key"] == "bi"


@pytest.mark.parametrize(
    "given",
    [
        ["--claim", "hub_read", "errand_data"],
        ["--claim", "hub_read,errand_data"],
        ["--claim", "hub_read, errand_data"],
        ["--claim", "hub_read", "--claim", "errand_data"],
    ],
)
def test_takes_several_claims_however_they_are_written(workspace_url: str, given: list[str]) -> None:
    made = _token(workspace_url, "create", "--key", "bi", *given)
    claims = jwt.decode(made.out.strip(), options={"verify_signature": False})
    assert claims["claims"] == ["errand_data", "hub_read"]


@pytest.mark.parametrize(
    "given", [["--claim", ""], ["--claim", " , "], ["--claim", "hub_read", "everything"]]
)
def test_refuses_claims_that_say_nothing(workspace_url: str, given: list[str]) -> None:
    made = _token(workspace_url, "create", "--key", "bi", *given)
    assert (made.code, made.out) == (2, "")
    assert made.err.endswith("is none of errand_data, hub_read, hub_write.\n")


def test_refuses_a_claim_it_does_not_know(workspace_url: str) -> None:
    made = _token(workspace_url, "create", "--key", "bi", "--claim", "everything")
    assert (made.code, made.out) == (2, "")
    assert made.err == "tellback: claims: 'everything' is none of errand_data, hub_read, hub_write.\n"


def test_refuses_a_workspace_that_is_not_there(workspace_url: str) -> None:
    made = command.tellback(
        "token", "create", "-w", "x", "--key", "k", "--claim", "hub_read", "--database-url", workspace_url
    )
    assert (made.code, made.err) == (2, "tellback: There is no workspace 'x'.\n")


def test_lists_tokens_and_what_became_of_them(workspace_url: str) -> None:
    assert _token(workspace_url, "revoke", "--key", "reports").out == "reports: revoked\n"
    listed = _token(workspace_url, "list")
    assert listed.out.splitlines() == [
        "reader\thub_read\tnever\tactive",
        "reports\terrand_data\tnever\trevoked",
    ]


def test_refuses_to_revoke_a_token_that_is_not_there(workspace_url: str) -> None:
    revoked = _token(workspace_url, "revoke", "--key", "nobody")
    assert (revoked.code, revoked.err) == (2, "tellback: demo has no access token 'nobody' that works.\n")


def test_looks_for_tokens_only_where_there_is_a_hub(tmp_path: object) -> None:
    listed = command.tellback("token", "list", "-w", "demo", "--data", f"{tmp_path}/typo")
    assert listed.code == 2
    assert listed.err == f"tellback: there is no hub in {tmp_path}/typo; name its folder with --data.\n"


@pytest.fixture
def served(workspace_url: str, tmp_path: object) -> Iterator[str]:
    options = ["--data", f"{tmp_path}/data", "--database-url", workspace_url, "--port", "0"]
    with command.started("serve", *options) as running:
        yield running.address()
        assert running.end() == 0


@pytest.mark.alone
def test_makes_and_revokes_tokens_of_a_running_hub(workspace_url: str, served: str) -> None:
    made = _token(workspace_url, "create", "--key", "bi", "--claim", "hub_read")
    headers = {"Authorization": f"Bearer {made.out.strip()}"}

    def status() -> int:
        return command.ask(f"{served}/hub/v1/tickets", headers=headers)[0]

    assert status() == 200
    assert _token(workspace_url, "revoke", "--key", "bi").code == 0
    revoked = time.monotonic()
    while status() != 401:
        assert time.monotonic() - revoked < 2
        time.sleep(0.05)
