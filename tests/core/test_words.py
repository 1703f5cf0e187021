"""Words of texts and of questions (docs/decisions/0023)."""

from __future__ import annotations

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import postgres as databases

from tellback.core import errors
from tellback.core.tickets import words

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The app CRASHES, often!", ["the", "app", "crashes", "often"]),
        ("ann@example.com /var/log/app.log", ["ann", "example", "com", "var", "log", "app", "log"]),
        ("Crème brûlée, Ångström, İstanbul, straße", ["creme", "brulee", "angstrom", "istanbul", "strasse"]),
        ("snake_case kebab-case 3.14", ["snake", "case", "kebab", "case", "3", "14"]),
        ("東京タワー", ["東", "京", "タ", "ワ", "ー"]),
        ("ПРИВЕТ мир", ["привет", "мир"]),
        ("🎉 “quoted” — it’s", ["quoted", "it", "s"]),
        ("", []),
    ],
)
def test_finds_the_words_of_a_text(text: str, found: list[str]) -> None:
    assert words.words(text) == found


SAID = ["BUG-0042", "Crème brûlée is burnt", "Printing fails on the ground floor", "東京タワー"]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("creme", True),
        ("BURNT crème", True),
        ("bug-0042", True),
        ("0042", True),
        ("burnt pudding", False),
        ("pudding OR burnt", True),
        ("pudding or soup", False),
        ('"creme brulee"', True),
        ('"brulee creme"', False),
        ('"burnt printing"', False),  # two texts
        ('"is burnt', True),
        ("burnt -printing", False),
        ("burnt -pudding", True),
        ('burnt -"ground floor"', False),
        ('burnt -"floor ground"', True),
        ("print*", True),
        ("print", False),
        ("ground-flo*", True),
        ("京タ", True),
        ("タ京", False),
        ("pudding OR soup OR floor", True),
        ("creme OR", True),
    ],
)
async def test_matches_as_asked(postgres: databases.Cluster, question: str, found: bool) -> None:
    assert await matches(postgres, SAID, question) is found


@pytest.mark.parametrize(
    "question", ["", " ", "-", '""', '"', "🎉", "-burnt", "burnt OR -soup", "x" * 1001, "OR", "*"]
)
def test_refuses_what_asks_for_no_word(question: str) -> None:
    with pytest.raises(errors.Malformed):
        words.question(1, question)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
async def test_asks_for_nothing_that_is_no_question(postgres: databases.Cluster, text: str) -> None:
    try:
        words.question(1, text)
    except errors.Malformed:
        return
    assert await matches(postgres, ["nothing of it"], text) in (True, False)


@given(st.lists(st.text(max_size=200), max_size=5))
async def test_finds_a_text_by_each_of_its_words(postgres: databases.Cluster, said: list[str]) -> None:
    document = words.document(1, said)
    for word in {word for text in said for word in words.words(text)}:
        assert await ask(postgres, document, words.question(1, f'"{word}"'))


async def test_keeps_workspaces_apart(postgres: databases.Cluster) -> None:
    document = words.document(1, ["@2 burnt"])
    assert not await ask(postgres, document, words.question(2, "burnt"))


async def test_keeps_a_text_of_any_length(postgres: databases.Cluster) -> None:
    """A tsvector holds less than a MiB: many words, long ones, and the widest characters."""
    for text in (
        "\U00020000a " * 400_000,
        "x" * 2_000_000,
        " ".join(map(str, range(200_000))),
        "a b " * 500_000,
        "\N{ARABIC LIGATURE ALLAH ISOLATED FORM}" * 150_000,  # four letters each
        " ".join(f"{n:x}" + "\N{ARABIC LIGATURE ALLAH ISOLATED FORM}" * 24 for n in range(6_000)),
        "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 100,  # eighteen
    ):
        document = words.document(1, ["first", text])
        assert await ask(postgres, document, words.question(1, "first"))


async def matches(postgres: databases.Cluster, said: list[str], question: str) -> bool:
    return await ask(postgres, words.document(1, said), words.question(1, question))


async def ask(postgres: databases.Cluster, document: str, question: str) -> bool:
    connection = await asyncpg.connect(postgres.url)
    try:
        found: bool = await connection.fetchval(
            "select $1::text::tsvector @@ $2::text::tsquery", document, question
        )
    finally:
        await connection.close()
    return found
