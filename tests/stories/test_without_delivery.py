"""`serve --no-delivery`: rules act and calls wait in their queues, until `tellback work` sends them."""

from __future__ import annotations

from pathlib import Path

from tests.support import automation
from tests.support import hub as hubs
from tests.support import postgres as databases


def test_acts_on_events_and_leaves_what_is_to_be_sent_to_others(
    postgres: databases.Cluster, tmp_path: Path
) -> None:
    with automation.running(postgres, tmp_path, "--no-delivery") as told:
        ticket = told.ticket("Waits", "High")
        automation.eventually(lambda: told.get(f"/tickets/{ticket}")["status"] == "In progress")
        assert told.of_ticket(ticket, "jira")["state"] == "waiting"
        assert told.receiver.calls == []
        with hubs.working(told.hub.place[1]):
            automation.eventually(lambda: told.of_ticket(ticket, "jira")["state"] == "delivered")
        assert [call.path for call in told.receiver.at("/issue")] == ["/issue"]
