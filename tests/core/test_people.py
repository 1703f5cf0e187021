"""Who is meant by an e-mail address and a phone number (contract: "Put a record")."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support import surveying
from tests.support.surveying import Desk

from tellback.core import people
from tellback.core.people import Given, Known
from tellback.core.people.rules import email_key, phone_key, valid_email, valid_phone

pytestmark = pytest.mark.anyio


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with surveying.desk(database_url) as open_desk:
        await open_desk.apply("workspace: {slug: demo}")
        yield open_desk


async def know(desk: Desk, *given: Given) -> list[Known]:
    return await desk.db.write(lambda tx: people.know_many(tx, desk.workspace_id, given))


async def meet(desk: Desk, email: str | None, phone: str | None = None, **details: Any) -> Known:
    [known] = await know(desk, Given(email, phone, details))
    return known


async def stored(desk: Desk, known: Known) -> dict[str, Any]:
    [row] = await desk.rows("select * from contacts where id = $1", known.contact_id)
    return row


async def test_knows_an_address_however_it_is_spelled(desk: Desk) -> None:
    first = await meet(desk, "Ann@Example.com", "+46 70-123")
    assert first.created
    for again in (
        await meet(desk, " ann@example.COM "),
        await meet(desk, None, "+46 (70) 123"),
        await meet(desk, "ANN@example.com", "+4670123"),
    ):
        assert again.contact_id == first.contact_id
        assert not again.created
        assert again.changed == ()
        assert again.note is None
    assert (await stored(desk, first))["email"] == "Ann@Example.com"


async def test_tells_a_number_with_a_plus_from_one_without(desk: Desk) -> None:
    assert (await meet(desk, None, "+4670123")).contact_id != (await meet(desk, None, "4670123")).contact_id


async def test_lets_the_address_win_where_address_and_phone_are_two_contacts(desk: Desk) -> None:
    ann, bo = await meet(desk, "ann@example.com"), await meet(desk, "bo@example.com", "555")
    both = await meet(desk, "ann@example.com", "555")
    assert both.contact_id == ann.contact_id
    assert both.note is not None
    assert f"contact {ann.contact_id}" in both.note
    assert f"contact {bo.contact_id}" in both.note
    assert (await stored(desk, bo))["phone"] == "555"
    assert (await stored(desk, ann))["phone"] is None


async def test_leaves_a_phone_with_its_holder_who_has_another_address(desk: Desk) -> None:
    bo = await meet(desk, "bo@example.com", "555")
    new = await meet(desk, "new@example.com", "555")
    assert new.created
    assert new.contact_id != bo.contact_id
    assert new.note is not None
    assert f"contact {bo.contact_id}" in new.note
    assert (await stored(desk, new))["phone"] is None


async def test_gives_an_address_to_the_holder_of_the_phone_who_has_none(desk: Desk) -> None:
    bo = await meet(desk, None, "555")
    same = await meet(desk, "bo@example.com", "555")
    assert same.contact_id == bo.contact_id
    assert same.changed == ("email",)
    assert (await meet(desk, "BO@example.com")).contact_id == bo.contact_id


async def test_gives_a_free_phone_to_the_holder_of_the_address(desk: Desk) -> None:
    ann = await meet(desk, "ann@example.com", "555")
    assert (await meet(desk, "ann@example.com", "777")).changed == ("phone",)
    assert (await meet(desk, None, "777")).contact_id == ann.contact_id
    assert (await meet(desk, None, "555")).created


async def test_changes_what_is_told_and_clears_what_is_told_to_be_empty(desk: Desk) -> None:
    await meet(desk, "ann@example.com", first_name="Ann", last_name="Tester")
    known = await meet(desk, "ann@example.com", first_name="Anna", last_name=None)
    assert known.changed == ("first_name", "last_name")
    row = await stored(desk, known)
    assert (row["first_name"], row["last_name"]) == ("Anna", None)


async def test_merges_segments(desk: Desk) -> None:
    await know(desk, Given("ann@example.com", None, segments={"region": "North", "tier": "gold"}))
    [known] = await know(desk, Given("ann@example.com", None, segments={"tier": None, "age": "30"}))
    assert known.segments == {"region": "North", "age": "30"}
    assert known.changed == ("segments.age", "segments.tier")


async def test_meets_one_person_several_times_in_one_batch(desk: Desk) -> None:
    known = await know(
        desk,
        Given("ann@example.com", None, {"first_name": "Ann"}),
        Given(None, "555"),
        Given("ANN@example.com", "777", {"last_name": "Tester"}),
        Given("bo@example.com", "555"),
    )
    assert [one.contact_id for one in known] == [known[0].contact_id, known[1].contact_id] * 2
    assert (await stored(desk, known[0]))["phone"] == "777"
    assert (await stored(desk, known[1]))["email"] == "bo@example.com"


async def test_makes_one_contact_of_an_address_and_a_phone_that_come_at_once(desk: Desk) -> None:
    """Each of the two may come first, and both may find nobody; there is never an error nor a third contact."""
    for n in range(15):
        email, phone = f"p{n}@example.com", f"900{n}"
        met = await asyncio.gather(
            *(meet(desk, *who) for who in ((email, phone), (email, None), (None, phone), (email, phone)))
        )
        assert len({one.contact_id for one in met}) <= 2
        assert await desk.value("select count(*) from contacts where email_key = $1", email) == 1
        assert await desk.value("select count(*) from contacts where phone_key = $1", phone) == 1


async def test_knows_an_account_by_its_name_however_it_is_spelled(desk: Desk) -> None:
    def accounts(*names: str) -> Any:
        return desk.db.write(lambda tx: people.know_accounts(tx, desk.workspace_id, names))

    first = await accounts(" ACME ", "Acme", "Straße AG")
    assert {key: account.created for key, account in first.items()} == {"acme": True, "strasse ag": True}
    again = await accounts("acme")
    assert again["acme"].id == first["acme"].id
    assert not again["acme"].created
    assert await desk.value("select name from accounts where id = $1", again["acme"].id) == "ACME"
    await desk.rows(
        "insert into account_names (workspace_id, name_key, account_id, name, alias) values ($1, 'a c', $2, 'A C', true)",
        desk.workspace_id, first["acme"].id,
    )  # fmt: skip
    assert (await accounts("A C"))["a c"].id == first["acme"].id


async def test_makes_one_account_of_many_at_once(desk: Desk) -> None:
    made = await asyncio.gather(
        *(desk.db.write(lambda tx: people.know_accounts(tx, desk.workspace_id, ["ACME"])) for _ in range(20))
    )
    assert len({one["acme"].id for one in made}) == 1
    assert sum(one["acme"].created for one in made) == 1


@pytest.mark.parametrize("text", ["a@b", "ann.o'neill+x@example.co.uk", "å@ö", "a" * 253 + "@b"])
def test_takes_an_address(text: str) -> None:
    assert valid_email(text)


@pytest.mark.parametrize("text", ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\n", "a" * 254 + "@b"])
def test_refuses_what_is_no_address(text: str) -> None:
    assert not valid_email(text)


@pytest.mark.parametrize("text", ["123", "+46 (0)70-123 45 67"])
def test_takes_a_phone_number(text: str) -> None:
    assert valid_phone(text)


@pytest.mark.parametrize("text", ["", "12", "call 123", "123\n", "١٢٣", "1 2"])
def test_refuses_what_is_no_phone_number(text: str) -> None:
    assert not valid_phone(text)


def test_compares_by_keys() -> None:
    assert email_key(" Ann@EXAMPLE.com ") == "ann@example.com"
    assert phone_key(" +46 (70) 12-3") == "+4670123"
