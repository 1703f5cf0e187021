"""Seed 004's documents, rebuilt: same names, same nesting, same JSON types. Values and times are our own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.desk import Desk

from tellback.core import tickets

ACTION = {
    "id": 83,
    "note": "…",
    "origin": "…",
    "time": "2015-07-16 20:50:17 +0800 MYT",
    "timeStamp": 1437051017,
}
SLA = {"done_due": False, "expiry": 0, "handling_time": 0, "response_time": 0, "within_sla": False}
REPORT = {
    "data": {
        "type": "c3_errand_reports",
        "id": "33",
        "attributes": {
            "actions": [ACTION, ACTION, ACTION],
            "basic": {
                "acquired": False,
                "data": {
                    "id": 33, "displayId": "33", "status": "<img …>", "service": 1, "serviceName": "Email",
                    "organisationId": 3, "organisationName": "…", "area": 1, "areaName": "…", "priority": "",
                    "agentId": 2, "agent": "…", "from": "… (…)", "fromAddress": "…", "fromName": "…", "to": "…",
                    "toAddresses": ["…"], "copy": "", "copyAddresses": None, "subject": "test",
                    "iconicSubject": "<img …> test", "body": "…", "date": "2015/07/16 20:47",
                    "answeredDate": "2015/07/17 17:08", "donedate": "No Date", "attachments": "0", "closed": True,
                    "deleted": False, "answered": True, "wasForwardedToExternal": False,
                    "wasClonedAndForwardedExternal": False, "feedbackAnswer": "", "feedbackLink": "",
                    "fbPms": False, "fbLikes": "", "fbAction": "", "sendPm": False, "hasAnswer": False,
                    "answerDeleted": False, "retweet": False, "twitterPm": False, "secureUserId": "",
                },
                "groupWith": 0,
                "hasChild": False,
                "id": 33,
                "style": {},
                "threadId": 32,
            },
            "c3_id": 33,
            "changed": True,
            "extended": {
                "answer_body": "test body",
                "answer_subject": "test",
                "errand_tags": [{"desc": "Test High Tag", "id": 32}],
                "feedback": {"Answer": "", "QuestionHTML": "", "QuestionText": "", "value": 0},
            },
            "sla": SLA,
        },
    }
}  # fmt: skip
RATING = {
    "data": {
        "type": "c3_facebook_ratings",
        "id": "3",
        "attributes": {
            "c3_id": 3,
            "data": {
                "isChanged": False, "message": "…", "rating": 5, "ratingId": 3, "reviewerId": 2117249628,
                "reviewerName": "…", "timestampCreated": 1489569020,
            },
        },
    }
}  # fmt: skip


def differences(printed: Any, ours: Any, at: str = "") -> Iterator[str]:
    """Where two documents differ in a name, in nesting, or in a JSON type. Of lists every item is compared."""
    if type(printed) is not type(ours):
        yield f"{at} is {ours!r}, not {printed!r}"
    elif isinstance(printed, dict):
        yield from (f"{at}/{name} is missing" for name in printed.keys() - ours.keys())
        yield from (f"{at}/{name} is new" for name in ours.keys() - printed.keys())
        for name in printed.keys() & ours.keys():
            yield from differences(printed[name], ours[name], f"{at}/{name}")
    elif isinstance(printed, list):
        if len(printed) != len(ours):
            yield f"{at} has {len(ours)} items, not {len(printed)}"
        for number, pair in enumerate(zip(printed, ours, strict=False)):
            yield from differences(*pair, f"{at}/{number}")


@pytest.fixture
def errand(desk: Desk) -> int:
    """Opened, tagged, given to an agent, answered and closed, its SLA computed; of a type that asks nothing after."""
    errand = desk.file("test", "plain", description="test222")
    desk.act(errand, tickets.Assign("ada@demo.example"), tickets.AddTag("Test High Tag"))
    desk.act(errand, tickets.Answer("test", "test body", close=True))
    desk.sql(
        "update tickets set sla = jsonb_build_object('done_due', false, 'expiry', 0, 'handling_time', 0,"
        " 'response_time', 0, 'within_sla', true), sla_revision = revision where id = $1",
        errand,
    )
    return errand


def test_gives_the_report_member_for_member(desk: Desk, errand: int) -> None:
    ours = desk.get(f"c3_errand_reports/{errand}")
    assert ours.pop("jsonapi") == {"version": "1.1"}
    attributes = ours["data"]["attributes"]
    # The seed's table has it, its sample has not; our timeline has a line more for the arrival.
    assert attributes["extended"].pop("report") == attributes["sla"]
    assert " was created by " in attributes["actions"][0]["note"]
    attributes["actions"] = attributes["actions"][:3]
    assert list(differences(REPORT, ours)) == []


def test_writes_the_actions_as_the_seed_does(desk: Desk, errand: int) -> None:
    actions = desk.report(errand)["actions"]
    assert [one["id"] for one in actions] == sorted(one["id"] for one in actions)
    for one in actions:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0800 \S+", one["time"])
        assert one["note"].endswith(f" at {one['time']}.")
    assert actions[-1]["origin"] == "agent System Administrator"
    [stored] = desk.sql(
        "select floor(extract(epoch from max(at)))::bigint as at from timeline where ticket_id = $1", errand
    )
    assert actions[-1]["timeStamp"] == stored["at"]


def test_fills_the_report_with_what_the_ticket_has(desk: Desk, errand: int) -> None:
    basic = desk.report(errand)["basic"]
    data = basic["data"]
    assert (basic["id"], basic["threadId"], basic["groupWith"], basic["hasChild"]) == (
        errand,
        errand,
        0,
        False,
    )
    assert (data["service"], data["serviceName"]) == (3, "External source")
    assert (data["organisationName"], data["areaName"]) == ("Demo & Sons", "test-services-area")
    assert (data["agent"], data["agentId"] > 0) == ("System Administrator", True)
    assert data["from"] == "Leader, Ĉĉĥ (test.account@demo.example)"
    assert (data["fromName"], data["fromAddress"]) == ("Leader, Ĉĉĥ", "test.account@demo.example")
    assert (data["to"], data["toAddresses"]) == ("beta/plain", ["beta/plain"])
    assert (data["subject"], data["body"], data["attachments"]) == ("test", "test222", "0")
    assert (data["closed"], data["answered"], data["hasAnswer"], data["deleted"]) == (True, True, True, False)
    for name in ("date", "answeredDate"):
        assert re.fullmatch(r"\d{4}/\d\d/\d\d \d\d:\d\d", data[name])
    assert data["donedate"] == "No Date"


def test_gives_the_dirty_list_as_printed(desk: Desk) -> None:
    errand = desk.file()
    for path in ("c3_dirty_errand_list", "c3_dirty_errand_list/0"):
        ours = desk.get(path)
        assert ours.keys() == {"jsonapi", "data"}
        assert {**ours["data"], "attributes": None} == {
            "type": "c3_dirty_errand_list",
            "id": "0",
            "attributes": None,
        }
        assert list(ours["data"]["attributes"]) == ["errands"]
        errands = ours["data"]["attributes"]["errands"]
        assert errand in errands
        assert errands == sorted(errands)
    answer = desk.post([errand])
    assert answer.json() == {
        "jsonapi": {"version": "1.1"},
        "data": {"type": "c3_dirty_errand_list", "id": "0"},
    }
    assert answer.headers["location"] == "/s/demo/capi/json/c3_dirty_errand_list/0"


def test_gives_ratings_as_printed(desk: Desk) -> None:
    desk.rate(
        "add",
        330_001,
        1489569020,
        rating=5,
        review_text="Hi",
        reviewer_id=2117249628,
        reviewer_name="Jessica",
    )
    listed = desk.get("c3_dirty_facebook_ratings")
    assert listed["data"]
    assert all(list(one) == ["type", "id"] for one in listed["data"])
    assert {one["type"] for one in listed["data"]} == {"c3_dirty_facebook_ratings"}
    id = listed["data"][-1]["id"]
    ours = desk.get(f"c3_facebook_ratings/{id}")
    del ours["jsonapi"]
    assert list(differences(RATING, ours)) == []
    assert ours["data"]["attributes"]["data"] == {
        "isChanged": True, "message": "Hi", "rating": 5, "ratingId": int(id), "reviewerId": 2117249628,
        "reviewerName": "Jessica", "timestampCreated": 1489569020,
    }  # fmt: skip


def test_finds_every_difference_between_two_documents() -> None:
    assert list(differences({"a": [1]}, {"a": [1]})) == []
    others: list[Any] = [
        {},
        {"a": 1},
        {"a": [1.0]},
        {"a": [True]},
        {"a": [None]},
        {"a": []},
        {"a": [1], "b": 1},
    ]
    for other in others:
        assert list(differences({"a": [1]}, other)) != [], other
