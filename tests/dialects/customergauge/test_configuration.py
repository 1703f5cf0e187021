"""The dialect's sections of the configuration, as a running hub acts on them."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest
from tests.dialects.customergauge.test_token import GOOD, TOKEN
from tests.support import hub as hubs

APP = "workspace: {{slug: demo, name: Demo Ltd, timezone: Europe/Stockholm}}\nconnected_apps: [{{name: Brief, client_id: brief, client_secret: 9c6a180b36896a0c, enabled: {enabled}}}]\n"  # noqa: E501
WITHIN_S = 2.0


@pytest.mark.alone
def test_ends_a_disabled_apps_tokens_within_two_seconds(
    anyone: httpx.Client, records_hub: hubs.Hub, tmp_path: Path
) -> None:
    file = tmp_path / "app.yaml"
    file.write_text(APP.format(enabled="true"))
    records_hub.apply(file)
    form = GOOD | {"client_id": "brief", "client_secret": "9c6a180b36896a0c"}
    token = anyone.post(TOKEN, data=form).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert anyone.put("/records", json={}, headers=headers).status_code == 422
    file.write_text(APP.format(enabled="false"))
    records_hub.apply(file)
    disabled = time.monotonic()
    while anyone.put("/records", json={}, headers=headers).status_code != 401:
        assert time.monotonic() - disabled < WITHIN_S
        time.sleep(0.05)
    assert anyone.post(TOKEN, data=form).status_code == 401


def test_shows_the_file_back_so_that_applying_it_changes_nothing(
    records_hub: hubs.Hub, tmp_path: Path
) -> None:
    file = tmp_path / "shown.yaml"
    file.write_text(hubs.tellback("config", "show", "--workspace", "demo", *records_hub.place))
    assert "53505294-0b20-2509-b15d-c8e377701d66" in file.read_text()
    assert "nothing to change" in hubs.tellback("apply", str(file), *records_hub.place)


def test_says_at_once_what_a_mapping_can_never_satisfy(records_hub: hubs.Hub, tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        "workspace: {slug: demo, name: Demo Ltd}\n"
        "import_configurations:\n"
        "  - {reference: a, object: survey_record, fields: {Email: contact.email, Mail: contact.email}}\n"
        "  - {reference: b, object: account, fields: {Name: account.name, Email: contact.email, X: contact.nmae}}\n"
        "incoming_webhooks:\n"
        "  - {name: New, username: u, configuration: nowhere}\n"
    )
    with pytest.raises(AssertionError) as refused:
        hubs.tellback("apply", str(file), *records_hub.place)
    said = str(refused.value)
    for due in (
        "import_configurations[0].fields.Mail: 'contact.email' is mapped already, from 'Email'",
        "import_configurations[0].fields: 'response.sent_at' must be mapped for object survey_record",
        "import_configurations[1].fields.Email: 'contact.email' is no property of a record of object account",
        "import_configurations[1].fields.X: there is no property 'contact.nmae'",
    ):
        assert due in said
