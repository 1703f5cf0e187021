"""`POST /meta/<page>`: what of a delivery is stored, and what is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.dialects.meta.conftest import PAGE_ID, Platform, delivered, signature

CORPUS = Path(__file__).parents[4] / "shared" / "corpora" / "meta-ratings"
PAYLOADS = Path(__file__).with_name("payloads")
JSON = {"Content-Type": "application/json"}


def said(rating: dict[str, Any] | None) -> tuple[Any, ...]:
    assert rating is not None
    return (rating["rating"], rating["message"], rating["removed"])


def test_stores_a_rating_as_it_was_sent(platform: Platform) -> None:
    value = json.loads((PAYLOADS / "rating-add.json").read_text())
    value["entry"][0]["changes"][0]["value"]["open_graph_story_id"] = platform.story
    answer = platform.send(value)
    assert (answer.status_code, answer.text) == (200, "EVENT_RECEIVED")
    rating = platform.rating()
    assert rating is not None
    assert rating.pop("id") > 0
    assert rating.pop("changed_at") > "2026"
    assert rating == {
        "page": "main",
        "story_id": str(platform.story),
        "rating": 4,
        "recommendation": "POSITIVE",
        "message": "Snabb leverans \U0001f44d",
        "reviewer": {"id": "705955836155788", "name": "Tova Tester"},
        "created_at": "2024-03-09T16:00:00Z",
        "removed": False,
    }


@pytest.mark.parametrize(
    ("word", "rating"), [("POSITIVE", 5), ("negative", 1), ("Neutral", 3), ("NEGATIVE", 1)]
)
def test_counts_a_recommendation_where_there_is_no_rating(platform: Platform, word: str, rating: int) -> None:
    platform.told("add", 100, recommendation_type=word)
    found = platform.rating()
    assert found is not None
    assert (found["rating"], found["recommendation"]) == (rating, word.upper())


def test_takes_a_story_id_as_number_and_as_text_for_one(platform: Platform) -> None:
    platform.told("add", 100)
    platform.told("edit", 200, open_graph_story_id=str(platform.story), review_text="again", rating=1)
    assert said(platform.rating()) == (1, "again", False)


def test_drops_what_is_older_than_the_newest(platform: Platform) -> None:
    platform.told("edit", 300, rating=2, review_text="newest")
    platform.told("edit", 200, rating=5, review_text="older")
    platform.told("add", 100, rating=4, review_text="oldest")
    assert said(platform.rating()) == (2, "newest", False)


def test_goes_by_the_created_time_and_not_by_the_entrys(platform: Platform) -> None:
    platform.told("add", 900, rating=4, created_time=500)
    platform.told("edit", 600, rating=2)
    assert said(platform.rating()) == (2, None, False)


def test_keeps_nothing_of_a_person_whose_rating_was_removed(platform: Platform) -> None:
    platform.told("add", 100, review_text="mine", reviewer_id=1, reviewer_name="Tova")
    platform.told("remove", 200, reviewer_id=1)
    rating = platform.rating()
    assert said(rating) == (None, None, True)
    assert rating is not None
    assert rating["reviewer"] is None
    assert platform.story not in [row["story_id"] for row in platform.rows("ratings", removed="false")]


def test_removes_what_never_came_and_does_not_let_it_come_late(platform: Platform) -> None:
    platform.told("remove", 200)
    platform.told("add", 100)
    platform.told("add", 200)  # not newer either
    assert said(platform.rating()) == (None, None, True)
    platform.told("add", 201, rating=3)
    assert said(platform.rating()) == (3, None, False)


def test_tells_the_feed_of_each_once(platform: Platform) -> None:
    platform.told("add", 100, rating=5)
    platform.told("add", 100, rating=5)
    platform.told("edit", 150, rating=5)  # says nothing new
    platform.told("edit", 200, rating=2)
    platform.told("remove", 300)
    platform.told("edit", 250, rating=1)
    rating = platform.rating()
    assert rating is not None
    feed = [row for row in changes(platform) if row["subject"] == {"type": "rating", "id": str(rating["id"])}]
    assert [row["kind"] for row in feed] == ["rating.received", "rating.changed", "rating.removed"]
    assert feed[1]["data"] == {"page": "main", "story_id": str(platform.story), "rating": 2}
    assert {row["actor"] for row in feed} == {"page main"}


def changes(platform: Platform) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        answer = platform.http.get(
            "/hub/v1/changes", params={"limit": "1000", **after}, headers=platform.hub.reader()
        ).json()
        found += answer["data"]
        if not answer["data"]:
            return found
        after = {"after": answer["next"]}


def test_makes_a_ticket_of_a_low_rating_once(platform: Platform) -> None:
    platform.told("add", 100, page="low", rating=3)
    assert tickets(platform) == []
    platform.told("edit", 200, page="low", rating=2, review_text="Too loud.\nAnd hot.", reviewer_name="Tova")
    platform.told("edit", 300, page="low", rating=1, review_text="Still loud.")
    [ticket] = tickets(platform)
    assert (ticket["subject"], ticket["body"]) == ("2 of 5: Too loud. And hot.", "Too loud.\nAnd hot.")
    assert (ticket["source"], ticket["status"], ticket["values"]["title"]) == (
        {"channel": "page", "key": "low"}, "New", ticket["subject"],
    )  # fmt: skip


def tickets(platform: Platform) -> list[dict[str, Any]]:
    """The tickets of this story: the hub holds those of other tests, too."""
    rating = platform.rating("low")
    assert rating is not None
    made = [
        row["subject"]["id"]
        for row in changes(platform)
        if row["kind"] == "ticket.created" and row["actor"] == "page low"
    ]
    return [row for row in platform.rows("tickets") if str(row["id"]) in made]


def test_takes_every_change_of_a_batch(platform: Platform) -> None:
    stories = [platform.story * 10 + n for n in range(20)]
    batch = delivered(*({"item": "rating", "verb": "add", "open_graph_story_id": story, "rating": 1 + n % 5}
                        for n, story in enumerate(stories)))  # fmt: skip
    batch["entry"] += delivered(
        {"item": "rating", "verb": "edit", "open_graph_story_id": stories[0], "rating": 5},
        {"item": "rating", "verb": "edit", "open_graph_story_id": stories[0], "rating": 4},
        {"item": "rating", "verb": "remove", "open_graph_story_id": stories[1]},
        at=1_600_000_000,
    )["entry"]
    for _ in range(2):
        assert platform.send(batch).status_code == 200
    found = {row["story_id"]: row for row in platform.rows("ratings", page="main")}
    ours = [found[str(story)] for story in stories]
    assert [row["rating"] for row in ours] == [4, None, *(1 + n % 5 for n in range(2, 20))]
    assert [row["removed"] for row in ours] == [False, True, *[False] * 18]


@pytest.mark.parametrize(
    ("value", "noted"),
    [
        ({"item": "comment", "verb": "add", "open_graph_story_id": 1}, "item comment"),
        ({"item": "rating", "verb": "hide", "open_graph_story_id": 1, "rating": 5}, "verb hide"),
        ({"item": "rating", "verb": "add", "rating": 5}, "no open_graph_story_id"),
        ({"item": "rating", "verb": "add", "open_graph_story_id": 1, "rating": 6}, "rating 6"),
        ({"item": "rating", "verb": "add", "open_graph_story_id": 1, "rating": 1.5}, "rating float"),
        ({"item": "rating", "verb": "add", "open_graph_story_id": 1}, "rating NoneType"),
        ({"item": "rating", "verb": "add", "open_graph_story_id": [1], "rating": 1}, "no open_graph_story_id"),
        ({"item": "rating", "verb": "add", "open_graph_story_id": 10**400, "rating": 1}, "no open_graph_story_id"),
    ],
)  # fmt: skip
def test_notes_what_it_passes_over_and_takes_the_rest(
    platform: Platform, value: dict[str, Any], noted: str
) -> None:
    good = {"item": "rating", "verb": "add", "open_graph_story_id": platform.story, "rating": 5}
    assert platform.send(delivered(value, good)).status_code == 200
    assert said(platform.rating()) == (5, None, False)
    [entry] = platform.rows("intake", limit="1")
    assert entry["hint"] == f"Not stored: entry[0].changes[0]: {noted}."


@pytest.mark.parametrize(
    "change",
    [
        {"object": "instagram"},
        {"entry": []},
        {"entry": [{"id": "999", "time": 1, "changes": [{"field": "ratings", "value": {}}]}]},
        {
            "entry": [
                {"id": PAGE_ID, "time": 1, "changes": [{"field": "feed", "value": {"item": "rating"}}, 7]}
            ]
        },
        {"entry": [7, {"id": PAGE_ID}]},
    ],
)
def test_answers_200_to_what_it_does_not_store(platform: Platform, change: dict[str, Any]) -> None:
    before = len(platform.rows("ratings"))
    assert platform.send(delivered() | change).status_code == 200
    assert len(platform.rows("ratings")) == before


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"entry": 1}', b'{"entry": [NaN]}', b"\xff", b'{"a": "\\u0000"}']
)
def test_refuses_bad_json_under_a_good_signature(platform: Platform, body: bytes) -> None:
    answer = platform.send(body)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


BAD_SIGNATURES = [
    {},
    {"X-Hub-Signature-256": ""},
    {"X-Hub-Signature-256": "sha256="},
    {"X-Hub-Signature-256": "sha256=" + "0" * 64},
    {"X-Hub-Signature-256": "sha256=\xe9"},
]


@pytest.mark.parametrize("headers", BAD_SIGNATURES)
def test_stores_nothing_under_a_bad_signature(platform: Platform, headers: dict[str, str]) -> None:
    value = {"item": "rating", "verb": "add", "open_graph_story_id": platform.story, "rating": 5}
    body = json.dumps(delivered(value)).encode()
    sent = [(name.encode(), text.encode("latin-1")) for name, text in (JSON | headers).items()]
    answer = platform.http.post("/meta/main", content=body, headers=sent)
    assert (answer.status_code, list(answer.json())) == (401, ["error"])
    assert platform.rating() is None
    [entry] = platform.rows("intake", limit="1")
    assert (entry["status"], entry["target"], entry["body"]) == (401, "main", None)


def test_refuses_another_secrets_and_another_bodys_signature(platform: Platform) -> None:
    body = json.dumps(delivered()).encode()
    for given in (
        signature(body, "other"),
        signature(body + b" "),
        signature(body).replace("sha256", "sha1"),
    ):
        answer = platform.http.post("/meta/main", content=body, headers=JSON | {"X-Hub-Signature-256": given})
        assert answer.status_code == 401, given
    assert signature(body)[7:] not in platform.hub.log.read_text()


def test_refuses_a_signed_body_of_another_type(platform: Platform) -> None:
    body = json.dumps(delivered()).encode()
    headers = {"X-Hub-Signature-256": signature(body), "Content-Type": "text/plain"}
    assert platform.http.post("/meta/main", content=body, headers=headers).status_code == 415


def test_takes_a_signed_body_that_names_no_type(platform: Platform) -> None:
    value = {"item": "rating", "verb": "add", "open_graph_story_id": platform.story, "rating": 4}
    body = json.dumps(delivered(value)).encode()
    answer = platform.http.post("/meta/main", content=body, headers={"X-Hub-Signature-256": signature(body)})
    assert answer.status_code == 200, answer.text
    assert said(platform.rating())[0] == 4


def test_refuses_a_body_over_the_limit(platform: Platform) -> None:
    answer = platform.send(b'{"entry": []}' + b" " * 2**20)
    assert (answer.status_code, list(answer.json())) == (413, ["error"])


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of deliveries is not beside the checkout")
@pytest.mark.parametrize("way", ["in order", "out of order", "doubled", "batched"])
def test_takes_the_corpus(platform: Platform, way: str) -> None:
    names = ["rating-add-31", "rating-edit-25", "rating-remove-25", "comment-add-25", "reaction-add"]
    text = [(CORPUS / f"{name}.json").read_text() for name in names]
    payloads = [json.loads(one.replace("904801129604590,", f"{platform.story},")) for one in text]
    if way == "out of order":
        payloads.reverse()
    if way == "doubled":
        payloads = [one for payload in payloads for one in (payload, payload)]
    if way == "batched":
        payloads = [payloads[0] | {"entry": [entry for payload in payloads for entry in payload["entry"]]}]
    for payload in payloads:
        assert platform.send(payload).status_code == 200
    # The add says that it was made in 2018, after the edit and the removal of 2015 and 2016.
    rating = platform.rating()
    assert said(rating) == (3, "Ja ziemlich coole Sache", False)
    assert rating is not None
    assert rating["created_at"] == "2018-09-19T15:05:12Z"


def test_lists_ratings_by_pages_of_a_cursor(platform: Platform, meta_http: httpx.Client) -> None:
    stories = [platform.story * 100 + n for n in range(5)]
    platform.send(
        delivered(
            *({"item": "rating", "verb": "add", "open_graph_story_id": s, "rating": 5} for s in stories)
        )
    )
    query, seen = {"limit": "2", "page": "main"}, []
    while True:
        answer = meta_http.get("/hub/v1/ratings", params=query, headers=platform.hub.reader()).json()
        seen += [row["story_id"] for row in answer["data"]]
        if answer["next"] is None:
            break
        query["after"] = answer["next"]
    assert [story for story in seen if story in map(str, stories)] == [str(story) for story in stories]
    assert len(seen) == len(set(seen))
