"""Errand reports: where each member comes from, beyond what the seed's sample shows."""

from __future__ import annotations

import html
import json
from typing import Any

import httpx
import pytest
from tests.support.desk import AGENT, Desk

from tellback.core import changes, tickets
from tellback.core.tickets import ToOpen
from tellback.storage.database import Database, Transaction


def test_escapes_whatever_people_write(desk: Desk) -> None:
    wild = "<script>alert(\"x\")</script> & 'more'"
    errand = desk.file(wild, description=f"{wild}\nline two\r\nline three")
    data = desk.report(errand)["basic"]["data"]
    assert data["subject"] == wild
    assert data["iconicSubject"].startswith("<img ")
    assert data["iconicSubject"].endswith(f"/> {html.escape(wild)}")
    assert data["body"] == f"{html.escape(wild)}<br>\r\nline two<br>\r\nline three"
    desk.act(errand, tickets.SetStatus("<Fixed>"))
    status = desk.report(errand)["basic"]["data"]["status"]
    assert status.startswith("<img ")
    assert status.count("<") == status.count(">") == 1
    assert "Errand has been answered (&lt;Fixed&gt;)" in status


def test_shows_states_as_booleans(desk: Desk) -> None:
    errand = desk.file()

    def states() -> dict[str, Any]:
        basic = desk.report(errand)["basic"]
        return {"acquired": basic["acquired"]} | {
            name: basic["data"][name] for name in ("answered", "closed", "deleted", "hasAnswer")
        }

    fresh = {"acquired": False, "answered": False, "closed": False, "deleted": False, "hasAnswer": False}
    assert states() == fresh
    desk.act(errand, tickets.Acquire())
    assert states() == fresh | {"acquired": True}
    desk.act(errand, tickets.Answer("Re: test", "Done"))
    assert states() == fresh | {"acquired": True, "answered": True, "hasAnswer": True}
    desk.act(errand, tickets.Release(), tickets.Close())
    assert states() == fresh | {"answered": True, "closed": True, "hasAnswer": True}
    desk.act(errand, tickets.Reopen())
    assert states() == fresh | {"hasAnswer": True}
    desk.act(errand, tickets.Delete())
    assert states() == fresh | {"deleted": True, "hasAnswer": True}


def test_shows_the_satisfaction_page_and_what_was_said_there(desk: Desk) -> None:
    errand = desk.file()
    assert desk.report(errand)["basic"]["data"]["feedbackLink"] == ""
    desk.act(errand, tickets.Answer("Re: test", "Done"))
    report = desk.report(errand)
    [answer] = desk.sql("select * from answers where ticket_id = $1", errand)
    link = report["basic"]["data"]["feedbackLink"]
    assert link == f"{desk.hub.url}/take/{answer['page_token']}"
    assert "How did we do?" in desk.http.get(link).text
    assert report["basic"]["data"]["feedbackAnswer"] == ""
    assert report["extended"]["feedback"] == {
        "Answer": "",
        "QuestionHTML": "",
        "QuestionText": "",
        "value": 0,
    }
    desk.sql(
        "update answers set opinion_text = 'Good & quick', opinion_value = 1, opinion_at = now() where ticket_id = $1",
        errand,
    )
    report = desk.report(errand)
    assert report["basic"]["data"]["feedbackAnswer"] == "Good & quick"
    assert report["extended"]["feedback"] == {
        "Answer": "Good & quick",
        "QuestionHTML": "How did we do?",
        "QuestionText": "How did we do?",
        "value": 1,
    }


def test_shows_the_latest_answer(desk: Desk) -> None:
    errand = desk.file()
    desk.act(errand, tickets.Answer("First", "One"))
    desk.act(errand, tickets.Answer("Second", "Two"))
    extended = desk.report(errand)["extended"]
    assert (extended["answer_subject"], extended["answer_body"]) == ("Second", "Two")


def test_shows_tags_in_their_order_with_their_numbers(desk: Desk) -> None:
    errand = desk.file()
    desk.act(errand, tickets.AddTag("zeal"), tickets.AddTag("awe"))
    tags = desk.report(errand)["extended"]["errand_tags"]
    assert [tag["desc"] for tag in tags] == ["zeal", "awe"]
    other = desk.file()
    desk.act(other, tickets.AddTag("awe"))
    assert desk.report(other)["extended"]["errand_tags"] == tags[1:]


def test_shows_threads(desk: Desk) -> None:
    errand = desk.file()

    async def reply(tx: Transaction) -> int:
        workspace = await tx.fetchval("select id from workspaces where slug = 'demo'")
        opened = await tickets.open_ticket(
            tx, workspace, ToOpen("beta", "plain", "more", "of it", reply_to=errand), AGENT
        )
        await changes.record(tx, workspace, opened.news)
        return opened.id

    second = desk.store(reply)
    first, later = desk.report(errand)["basic"], desk.report(second)["basic"]
    assert (first["threadId"], first["groupWith"], first["hasChild"]) == (errand, second, True)
    assert (later["threadId"], later["groupWith"], later["hasChild"]) == (errand, errand, False)
    assert later["data"]["from"] == ""


def test_counts_attachments(desk: Desk) -> None:
    errand = desk.file()
    answer = desk.http.post(
        f"/api/v1/projects/beta/feedbackTypes/app/{errand}/fileElements/crashlog",
        params={"apiKey": "mob_6f1d0c8e5a7b4923"},
        files={"file": ("crash.log", b"boom", "text/plain")},
    )
    assert answer.status_code == 201, answer.text
    assert desk.report(errand)["basic"]["data"]["attachments"] == "1"


def test_promises_a_done_date_where_the_type_does(desk: Desk) -> None:
    errand = desk.file()
    desk.sql("update tickets set created_at = '2026-05-10 01:02:03+00' where id = $1", errand)
    data = desk.report(errand)["basic"]["data"]
    assert (data["date"], data["donedate"], data["answeredDate"]) == (
        "2026/05/10 09:02",
        "2026/05/12 09:02",
        "No Date",
    )


def test_tells_of_actions_in_the_second_in_which_they_were(desk: Desk) -> None:
    errand = desk.file()
    desk.sql("update timeline set at = '2026-05-10 01:02:59.999+00' where ticket_id = $1", errand)
    [action] = desk.report(errand)["actions"]
    assert action["timeStamp"] == 1778374979
    assert action["time"].startswith("2026-05-10 09:02:59 ")


def test_holds_the_sla_back_until_it_is_computed_for_the_latest_change(desk: Desk) -> None:
    errand = desk.file()
    sla = {"done_due": False, "expiry": 1, "handling_time": 7, "response_time": 9, "within_sla": True}
    assert desk.report(errand)["sla"] is None
    desk.sql(
        "update tickets set sla = $2::jsonb, sla_revision = revision where id = $1", errand, json.dumps(sla)
    )
    report = desk.report(errand)
    assert report["sla"] == report["extended"]["report"] == sla
    desk.act(errand, tickets.AddNote("Looked at it"))
    report = desk.report(errand)
    assert (report["sla"], report["extended"]["report"]) == (None, None)


def test_shows_what_the_upkeep_computes(desk: Desk) -> None:
    errand = desk.file()
    desk.act(errand, tickets.Acquire(), tickets.Answer("Re: test", "Done", close=True))
    desk.work(keep_promises)
    sla = desk.report(errand)["sla"]
    times = {sla.pop("handling_time"), sla.pop("response_time")}
    assert sla == {"done_due": False, "expiry": 0, "within_sla": True}
    assert all(type(seconds) is int and 0 <= seconds < 60 for seconds in times)
    late = desk.file()
    desk.sql("update tickets set created_at = created_at - interval '3 days' where id = $1", late)
    desk.report(late)
    desk.work(keep_promises)
    assert late in desk.dirty()  # it has expired, which shows
    assert desk.report(late)["sla"] == {
        "done_due": True,
        "expiry": 2,
        "handling_time": 0,
        "response_time": 0,
        "within_sla": False,
    }
    desk.work(keep_promises)
    assert late not in desk.dirty()


async def keep_promises(db: Database) -> None:
    while await tickets.promises.keep_up(db):
        pass


def test_knows_tickets_of_every_surface(desk: Desk) -> None:
    desk.sql(
        "insert into tickets (workspace_id, id, project_id, type_id, number, channel, status, status_kind)"
        " select workspace_id, 9000000, project_id, type_id, 9000000, 'page', 'New', 'open' from tickets limit 1"
    )
    data = desk.report(9000000)["basic"]["data"]
    assert (data["service"], data["serviceName"], data["to"], data["toAddresses"]) == (6, "Facebook", "", [])


@pytest.mark.parametrize(
    "id", ["0", "-1", "abc", "1.0", "01", "99999999", "9" * 19, "9" * 40, "%00", "%31%2F2"]
)
def test_has_no_errand_of_another_id(desk: Desk, id: str) -> None:
    desk.get(f"c3_errand_reports/{id}", 404)


def test_shows_an_errand_of_another_workspace_to_nobody(desk: Desk, anyone: httpx.Client) -> None:
    errand = desk.file()
    answer = anyone.get(f"/s/other/capi/json/c3_errand_reports/{errand}", headers=desk.headers("bi-other"))
    assert answer.status_code == 404


# Sparse fieldsets


@pytest.mark.parametrize(
    "name", ["fields[c3_errand_reports]", "fields%5Bc3_errand_reports%5D", "fields%5bc3_errand_reports]"]
)
def test_gives_the_fields_that_are_asked_for(desk: Desk, name: str) -> None:
    errand = desk.file()
    data = desk.get(f"c3_errand_reports/{errand}?{name}=sla,c3_id")["data"]
    assert data["attributes"] == {"sla": None, "c3_id": errand}


def test_gives_no_attributes_for_an_empty_list_of_fields(desk: Desk) -> None:
    errand = desk.file()
    data = desk.get(f"c3_errand_reports/{errand}?fields[c3_errand_reports]=")["data"]
    assert data == {"type": "c3_errand_reports", "id": str(errand)}
    data = desk.get("c3_dirty_errand_list?fields[c3_dirty_errand_list]=")["data"]
    assert data == {"type": "c3_dirty_errand_list", "id": "0"}


def test_takes_every_field_alone(desk: Desk) -> None:
    errand = desk.file()
    for name in ("actions", "basic", "c3_id", "changed", "extended", "sla"):
        attributes = desk.get(f"c3_errand_reports/{errand}?fields[c3_errand_reports]={name}")["data"][
            "attributes"
        ]
        assert list(attributes) == [name]


def test_ignores_fields_of_another_type(desk: Desk) -> None:
    errand = desk.file()
    data = desk.get(f"c3_errand_reports/{errand}?fields[people]=name")["data"]
    assert len(data["attributes"]) == 6


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("fields[c3_errand_reports]=slo", ["fields[c3_errand_reports]"]),
        ("fields[c3_errand_reports]=sla,,basic", ["fields[c3_errand_reports]"]),
        ("fields[c3_errand_reports]=x,sla,y", ["fields[c3_errand_reports]"] * 2),
        ("include=agent", ["include"]),
        ("sort=id", ["sort"]),
        ("page[number]=1", ["page[number]"]),
        ("filter%5Bid%5D=1", ["filter[id]"]),
        ("fields=sla", ["fields"]),
        ("fields[]=sla", ["fields[]"]),
        ("apiKey=x&sla", ["apiKey", "sla"]),
    ],
)
def test_refuses_parameters_it_cannot_process(desk: Desk, query: str, parameters: list[str]) -> None:
    errand = desk.file()
    said = desk.get(f"c3_errand_reports/{errand}?{query}", 400)
    assert [error["source"]["parameter"] for error in said["errors"]] == parameters
    assert {error["status"] for error in said["errors"]} == {"400"}
    assert desk.report(errand)["changed"] is True  # an error clears nothing
