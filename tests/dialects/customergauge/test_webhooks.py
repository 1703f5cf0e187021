"""`/hooks/<token>`: the incoming webhook."""

from __future__ import annotations

import uuid

import httpx
from tests.dialects.customergauge.test_records import assert_taken, faults, rows
from tests.support import hub as hubs

HOOK, LOGIN = "/hooks/0b8f1c7e9d", ("shop", "2f7a")


def test_takes_flat_json_and_the_query_and_prefers_the_body(
    anyone: httpx.Client, records_hub: hubs.Hub
) -> None:
    name = uuid.uuid4().hex
    body = {"Name": name, "Region": "North"}
    assert_taken(anyone.put(HOOK, json=body, params={"Region": "South", "Alias": f"{name}!"}, auth=LOGIN))
    [account] = rows(records_hub, "accounts", name=name)
    assert (account["segments"], account["aliases"]) == ({"region": "North"}, [f"{name}!"])
    assert_taken(anyone.post(HOOK, params={"Name": name, "Region": ""}, auth=LOGIN))
    assert rows(records_hub, "accounts", name=name)[0]["segments"] == {}


def test_refuses_a_query_that_is_no_utf_8(anyone: httpx.Client, records_hub: hubs.Hub) -> None:
    name = uuid.uuid4().hex
    answer = anyone.post(f"{HOOK}?Name={name}&Region=%E4", auth=LOGIN)
    assert (answer.status_code, answer.json()) == (400, {"message": "The query cannot be read as UTF-8."})
    assert rows(records_hub, "accounts", name=name) == []


def test_names_headings_as_they_are(anyone: httpx.Client) -> None:
    assert faults(anyone.post(HOOK, json={}, auth=LOGIN)) == {"Name": ["The Name field is required."]}


def test_wants_its_own_login(anyone: httpx.Client) -> None:
    for login in (None, ("shop", "wrong"), ("other", "2f7a")):
        answer = anyone.post(HOOK, json={"Name": "x"}, auth=login)
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthenticated."})
        assert answer.headers["www-authenticate"].startswith("Basic")


def test_is_not_found_when_unknown_or_deactivated(anyone: httpx.Client) -> None:
    for token in ("unknown", "1b8f1c7e9d"):
        answer = anyone.post(f"/hooks/{token}", json={"Name": "x"}, auth=LOGIN)
        assert (answer.status_code, list(answer.json())) == (404, ["message"])


def test_keeps_its_address_out_of_the_logs(anyone: httpx.Client, records_hub: hubs.Hub) -> None:
    anyone.post(HOOK, json={"Name": uuid.uuid4().hex}, auth=LOGIN)
    entry = rows(records_hub, "intake", limit="1")[0]
    assert (entry["endpoint"], entry["credential"]) == ("/hooks/...", "Old shop")
    assert "0b8f1c7e9d" not in records_hub.log.read_text()
