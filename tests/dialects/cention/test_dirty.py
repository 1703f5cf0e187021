"""The dirty list: what puts an errand on it, and what takes it off."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest
from tests.support import jsonapi
from tests.support.desk import C, Desk
from tests.support.processes import eventually

from tellback.core import tickets


def test_lists_an_errand_from_its_creation_until_its_report_is_read(desk: Desk) -> None:
    errand = desk.file()
    assert errand in desk.dirty()
    assert desk.report(errand)["changed"] is True
    assert errand not in desk.dirty()
    assert desk.report(errand)["changed"] is False


@pytest.mark.parametrize(
    "action",
    [
        tickets.AddNote("Looked"),
        tickets.Answer("Re", "Done"),
        tickets.AddTag("seen"),
        tickets.SetStatus("In progress"),
        tickets.SetField("steps", "Other steps"),
        tickets.SetPriority("high"),
        tickets.Assign("ada@demo.example"),
        tickets.Acquire(),
        tickets.Close(),
        tickets.Delete(),
    ],
    ids=lambda action: type(action).__name__,
)
def test_lists_it_again_after_every_change(desk: Desk, action: tickets.Action) -> None:
    errand = desk.file()
    desk.report(errand)
    desk.act(errand, action)
    assert errand in desk.dirty()
    assert desk.report(errand)["changed"] is True
    assert errand not in desk.dirty()


def test_clears_by_a_sparse_report_too(desk: Desk) -> None:
    errand = desk.file()
    desk.get(f"c3_errand_reports/{errand}?fields[c3_errand_reports]=")
    assert errand not in desk.dirty()


def test_does_not_clear_by_head_nor_by_an_error(desk: Desk) -> None:
    errand = desk.file()
    path = f"c3_errand_reports/{errand}"
    answer = desk.call("HEAD", path)
    assert int(answer.headers["content-length"]) > 0
    assert answer.content == b""
    desk.get(path, 406, headers={"Accept": "text/html"})
    desk.get(path, 400, params={"sort": "id"})
    assert errand in desk.dirty()


def test_has_one_flag_for_all_tokens(desk: Desk) -> None:
    errand = desk.file()
    other = desk.headers("both")
    assert desk.http.get(f"{C}/c3_errand_reports/{errand}", headers=other).status_code == 200
    assert errand not in desk.dirty()


def test_has_no_list_of_another_id(desk: Desk) -> None:
    for id in ("1", "00", "x"):
        desk.get(f"c3_dirty_errand_list/{id}", 404)


def test_marks_errands_dirty(desk: Desk) -> None:
    errands = [desk.file(), desk.file()]
    for errand in errands:
        desk.report(errand)
    desk.post([errands[1], errands[0], errands[1]])
    assert [errand for errand in desk.dirty() if errand in errands] == errands


def test_leaves_what_was_computed_valid_when_it_marks(desk: Desk) -> None:
    errand = desk.file()
    desk.sql(
        "update tickets set sla = '{\"expiry\": 0}', sla_revision = revision where id = $1 returning id",
        errand,
    )
    [before] = desk.sql("select changed_at, revision from tickets where id = $1", errand)
    desk.post([errand])
    assert desk.report(errand)["sla"] == {"expiry": 0}
    [after] = desk.sql("select changed_at, revision, reported from tickets where id = $1", errand)
    assert after["changed_at"] == before["changed_at"]
    feed = desk.http.get("/hub/v1/changes", params={"limit": 1000}, headers=desk.headers("reader"))
    if feed.status_code == 200:  # a mark is no change
        assert sum(one["subject"]["id"] == str(errand) for one in feed.json()["data"]) == 1


def test_does_not_make_valid_what_was_not_computed_yet(desk: Desk) -> None:
    errand = desk.file()
    desk.sql(
        "update tickets set sla = '{\"expiry\": 0}', sla_revision = revision where id = $1 returning id",
        errand,
    )
    desk.act(errand, tickets.AddNote("Looked"))
    desk.post([errand])
    assert desk.report(errand)["sla"] is None


def test_marks_nothing_when_one_errand_is_unknown(desk: Desk) -> None:
    errand = desk.file()
    desk.report(errand)
    for stranger in (99_999_999, 2**63 - 1, 2**63, 10**30):
        said = desk.post([errand, stranger, errand, stranger + 1], 422).json()
        assert [error["source"]["pointer"] for error in said["errors"]] == [
            "/data/attributes/errands/1",
            "/data/attributes/errands/3",
        ]
        assert errand not in desk.dirty()


def test_marks_no_errand_of_another_workspace(desk: Desk) -> None:
    errand = desk.file()
    answer = desk.http.post(
        "/s/other/capi/json/c3_dirty_errand_list",
        headers=desk.headers("bi-other") | {"Content-Type": jsonapi.MEDIA_TYPE},
        json={"data": {"type": "c3_dirty_errand_list", "attributes": {"errands": [errand]}}},
    )
    assert answer.status_code == 422
    jsonapi.check(answer)


def document(**members: Any) -> dict[str, Any]:
    return {"data": {"type": "c3_dirty_errand_list", "attributes": {"errands": [1]}} | members}


@pytest.mark.parametrize(
    ("sent", "status", "pointer"),
    [
        (document(type="c3_errand_reports"), 409, "/data/type"),
        (document(type=7), 409, "/data/type"),
        (document(id="7"), 403, "/data/id"),
        (document(id=0), 403, "/data/id"),
        (document(attributes={}), 422, "/data/attributes"),
        (document(attributes=None), 422, "/data/attributes"),
        (document(attributes={"errands": None}), 422, "/data/attributes/errands"),
        (document(attributes={"errands": []}), 422, "/data/attributes/errands"),
        (document(attributes={"errands": 1}), 422, "/data/attributes/errands"),
        (document(attributes={"errands": {"0": 1}}), 422, "/data/attributes/errands"),
        (document(attributes={"errands": [1, "1"]}), 422, "/data/attributes/errands/1"),
        (document(attributes={"errands": [0]}), 422, "/data/attributes/errands/0"),
        (document(attributes={"errands": [-1]}), 422, "/data/attributes/errands/0"),
        (document(attributes={"errands": [1.5]}), 422, "/data/attributes/errands/0"),
        (document(attributes={"errands": [True]}), 422, "/data/attributes/errands/0"),
        (document(attributes={"errands": [1] * 100_001}), 422, "/data/attributes/errands"),
        ({"data": {"type": "c3_dirty_errand_list"}}, 422, "/data"),
        ({"data": {"attributes": {"errands": [1]}}}, 422, "/data"),
        ({"data": []}, 422, "/data"),
        ({"data": None}, 422, "/data"),
        ({"meta": {}}, 422, ""),
    ],
)  # fmt: skip
def test_refuses_documents_that_are_none_of_its_own(desk: Desk, sent: Any, status: int, pointer: str) -> None:
    said = desk.post(None, status, document=sent).json()
    assert said["errors"][0]["source"] == {"pointer": pointer}


def test_ignores_members_that_the_format_may_bring_later(desk: Desk) -> None:
    errand = desk.file()
    sent = {
        "data": {
            "type": "c3_dirty_errand_list",
            "id": "0",
            "attributes": {"errands": [errand], "more": 1},
            "x": 2,
        }
    }
    desk.post(None, 201, document=sent | {"meta": {}, "y": 3})


def test_marks_a_hundred_thousand_at_once(desk: Desk) -> None:
    errand = desk.file()
    desk.report(errand)
    desk.post([errand] * 100_000)
    assert errand in desk.dirty()


def test_repeats_a_mark_under_its_key(desk: Desk) -> None:
    errand = desk.file()
    first = desk.post([errand], headers={"Idempotency-Key": f"mark-{errand}"})
    desk.report(errand)
    again = desk.post([errand], headers={"Idempotency-Key": f'"mark-{errand}"'})
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    assert (again.headers["location"], again.headers["vary"]) == (first.headers["location"], "Accept")
    assert errand not in desk.dirty()
    desk.post([errand, errand], 422, headers={"Idempotency-Key": f"mark-{errand}"})


def test_keeps_marks_and_refusals_in_the_intake_log(desk: Desk) -> None:
    errand = desk.file()
    desk.post([errand])
    desk.post([errand, 99_999_999], 422)
    desk.get("c3_errand_reports/99999999", 404)
    missing, refused, marked = desk.intake()[:3]
    assert (marked["status"], marked["method"], marked["credential"]) == (201, "POST", "bi")
    assert (refused["status"], refused["error"]) == (422, "There is no errand 99999999.")
    assert (missing["status"], missing["endpoint"]) == (404, f"{C}/c3_errand_reports/99999999")


def test_does_not_put_reports_that_were_read_in_the_intake_log(desk: Desk) -> None:
    errand = desk.file()
    desk.report(errand)
    assert all(line["endpoint"] != f"{C}/c3_errand_reports/{errand}" for line in desk.intake())


def test_shows_each_change_to_one_of_many_pollers_at_once(desk: Desk) -> None:
    """Reports read at the same time: whoever finds it changed, the last version is never left unseen."""
    errand = desk.file()
    seen: list[int] = []
    stop = threading.Event()

    def poll() -> None:
        with httpx.Client(base_url=desk.hub.url, headers=desk.headers(), trust_env=False) as http:
            while not stop.is_set():
                answer = http.get(f"{C}/c3_errand_reports/{errand}?fields[c3_errand_reports]=actions,changed")
                attributes = answer.json()["data"]["attributes"]
                if attributes["changed"]:
                    seen.append(len(attributes["actions"]))

    pollers = [threading.Thread(target=poll) for _ in range(4)]
    for poller in pollers:
        poller.start()
    for number in range(20):
        desk.act(errand, tickets.AddNote(f"Note {number}"))
    eventually(lambda: errand not in desk.dirty(), 10)
    stop.set()
    for poller in pollers:
        poller.join()
    assert max(seen) == 21
