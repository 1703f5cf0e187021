"""`tellback import`."""

from __future__ import annotations

import asyncio
import csv
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.support import command
from tests.support import postgres as databases

CONFIGURATION = Path(__file__).with_name("import.yaml")
HEAD = "Company,Name,Email,Sent,Done,Score,Comment,Tier"
GOOD = "ACME,Ann,ann@example.com,2026-01-01,2026-01-02,9,Good,Gold"
KILLS = 20


@pytest.fixture
def imports_url(database_url: str) -> str:
    done = command.tellback("apply", CONFIGURATION, "--database-url", database_url)
    assert done.code == 0, done.err
    return database_url


def bring(url: str, file: Path, *options: str, configuration: str = "answers") -> command.Done:
    return command.tellback(
        "import", file, "--workspace", "demo", "--configuration", configuration, "--database-url", url,
        "--output", "json", *options,
    )  # fmt: skip


def counts(done: command.Done) -> tuple[int, ...]:
    """Rows, created, updated, unchanged, rejected; and that they add up."""
    report = done.json()
    names = ("rows", "created", "updated", "unchanged", "rejected")
    rows, *parts = (report[name] for name in names)
    assert rows == sum(parts)
    return (rows, *parts)


def query(url: str, text: str) -> list[tuple[Any, ...]]:
    async def run() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(text)]
        finally:
            await connection.close()

    return asyncio.run(run())


def test_counts_what_it_did(imports_url: str, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("Email,Name\na@example.com,Ann\nb@example.com,Bo\nA@example.com,Anna\nb@example.com,Bo\n")
    dry = bring(imports_url, file, "--dry-run", configuration="people")
    assert counts(dry) == (4, 2, 1, 1, 0)
    assert query(imports_url, "select * from contacts") == []
    done = bring(imports_url, file, configuration="people")
    assert (done.code, counts(done)) == (0, (4, 2, 1, 1, 0))
    assert query(imports_url, "select email, first_name from contacts order by id") == [
        ("a@example.com", "Anna"),
        ("b@example.com", "Bo"),
    ]
    kinds = query(
        imports_url, "select kind, count(*) from changes where subject_type = 'contact' group by kind"
    )
    assert kinds == [("contact.created", 2)]


def test_stores_no_file_twice_unless_told_to(imports_url: str, tmp_path: Path) -> None:
    file = tmp_path / "answers.csv"
    file.write_text(f"{HEAD}\n{GOOD}\n")
    first = bring(imports_url, file)
    again = bring(imports_url, file.rename(tmp_path / "renamed.csv"))
    assert (again.json()["run"], again.json()["repeated"]) == (first.json()["run"], True)
    assert counts(again) == counts(first) == (1, 1, 0, 0, 0)
    assert query(imports_url, "select count(*) from responses") == [(1,)]
    assert counts(bring(imports_url, tmp_path / "renamed.csv", "--again")) == (1, 1, 0, 0, 0)
    assert query(imports_url, "select count(*), min(channel) from responses") == [(2, "import")]


def test_hands_rejected_rows_back_with_the_reason(imports_url: str, tmp_path: Path) -> None:
    file = tmp_path / "answers.csv"
    bad = [
        "ACME,Bo,no address,2026-01-01,2026-01-02,11,=1+1,",
        "ACME,Bo,bo@example.com",
        f"{GOOD},surplus",
        GOOD.replace("Ann,", "Ann\x00,"),
        GOOD.replace("Good", "x" * 10_000_000),
    ]
    file.write_bytes(
        "\n".join([HEAD, GOOD, *bad, ""]).encode() + GOOD.replace("Good", "Sm\xf6rg").encode("latin-1")
        + f'\n{GOOD.replace("Good", chr(34) + "two" + chr(10) + "lines" + chr(34))}\n'.encode()
    )  # fmt: skip
    done = bring(imports_url, file)
    assert (done.code, counts(done)) == (3, (8, 2, 0, 0, 6))
    csv.field_size_limit(32 * 1024 * 1024)
    with Path(done.json()["rejected_file"]).open(newline="") as rejected:
        head, *rows = csv.reader(rejected)
    assert head == [*HEAD.split(","), "Rejected because"]
    reasons = [row[8] for row in rows]
    assert reasons[0] == (
        "line 3: The Email must be a valid email address. The Score must be between 0 and 10."
    )
    assert rows[0][6] == "'=1+1"
    assert reasons[1] == "line 4: The row has 3 cells, and the head 8."
    assert (reasons[2], rows[2][9]) == ("line 5: The row has 9 cells, and the head 8.", "surplus")
    assert reasons[3] == "line 6: The Name holds a character that cannot be stored."
    assert reasons[4] == "line 7: The Comment must not be greater than 65535 characters."
    assert reasons[5] == "line 8: The row is not UTF-8."
    assert query(imports_url, "select comment from responses order by id") == [("Good",), ("two\nlines",)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_reads_spreadsheets_files(imports_url: str, tmp_path: Path, delimiter: str) -> None:
    file = tmp_path / "excel.csv"
    text = "\r\n".join((HEAD, GOOD, "", GOOD)).replace(",", delimiter)
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert counts(bring(imports_url, file)) == (2, 2, 0, 0, 0)


def test_reads_lines_that_end_with_carriage_returns_alone(imports_url: str, tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_bytes("\r".join((HEAD, GOOD, GOOD.replace("9,Good", "99,Good"), GOOD)).encode())
    done = bring(imports_url, file)
    assert (done.code, counts(done)) == (3, (3, 2, 0, 0, 1))
    assert Path(done.json()["rejected_file"]).read_text().startswith(HEAD)


def test_adds_the_figures_up_and_keeps_notes(imports_url: str, tmp_path: Path) -> None:
    file = tmp_path / "numbers.csv"
    file.write_text(
        "Email,Phone\na@example.com,555\nb@example.com,777\na@example.com,777\nc@example.com,555\n"
    )
    done = bring(imports_url, file, configuration="numbers")
    assert counts(done) == (4, 3, 0, 1, 0)
    assert "2 rows have an e-mail and a phone of two contacts" in done.err
    assert [line for line, _ in query(imports_url, "select line, note from import_notes order by line")] == [
        4,
        5,
    ]
    file.write_text(f"{HEAD}\n{GOOD}\n")
    bring(imports_url, file)
    assert query(imports_url, "select responses, promoters from response_hours") == [(1, 1)]


@pytest.mark.parametrize(
    "head", ['"Name, then first name";Email', 'Email;"One, two, three"', '"Name,\nin full";Email']
)
def test_tells_what_separates_cells_by_what_stands_outside_quotes(
    imports_url: str, tmp_path: Path, head: str
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(f"{head}\na@example.com;a@example.com\n")
    assert counts(bring(imports_url, file, configuration="numbers")) == (1, 1, 0, 0, 0)


def test_reads_json_lines(imports_url: str, tmp_path: Path) -> None:
    file = tmp_path / "answers.ndjson"
    file.write_text(
        '{"Email": "a@example.com", "Sent": "2026-01-01", "Done": "2026-01-02", "Score": 7.0}\n\n[1]\n{"Email": {}}\n{\n'
    )
    done = bring(imports_url, file)
    assert (done.code, counts(done)) == (3, (4, 1, 0, 0, 3))


def test_goes_on_after_a_quote_that_never_closes(imports_url: str, tmp_path: Path) -> None:
    file = tmp_path / "answers.csv"
    file.write_text("\n".join([HEAD, GOOD, GOOD.replace("Good", '"open'), GOOD, GOOD]) + "\n")
    assert counts(bring(imports_url, file)) == (4, 3, 0, 0, 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n\n", "no headings"),
        (f"{HEAD}\n".encode().replace(b"Name", "Namn\xe9".encode("latin-1")), "not UTF-8"),
        (b"Email,Email\n", "twice"),
    ],
)
def test_refuses_a_file_without_a_readable_head(
    imports_url: str, tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "answers.csv"
    file.write_bytes(content)
    done = bring(imports_url, file)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_refuses_what_is_not_there(imports_url: str, tmp_path: Path) -> None:
    file = tmp_path / "answers.csv"
    assert bring(imports_url, file).code == 2
    file.write_text(f"{HEAD}\n")
    assert bring(imports_url, file, configuration="other").code == 2
    assert counts(bring(imports_url, file)) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize("target", ["answers.csv", "link.csv", "missing/rejected.csv", "."])
def test_stores_nothing_where_rejected_rows_cannot_go(imports_url: str, tmp_path: Path, target: str) -> None:
    file = tmp_path / "answers.csv"
    file.write_text(f"{HEAD}\n{GOOD}\n,,,,,,,\n")
    (tmp_path / "link.csv").symlink_to(file)
    content = file.read_bytes()
    done = bring(imports_url, file, "--rejected", str(tmp_path / target))
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert file.read_bytes() == content
    assert query(imports_url, "select * from responses") == []


@pytest.mark.parametrize("folder", [".", "/"])
def test_refuses_a_folder(imports_url: str, folder: str) -> None:
    done = bring(imports_url, Path(folder))
    assert (done.code, done.err) == (2, f"tellback: {folder}: Is a directory\n")


def test_rejects_an_alias_of_another(imports_url: str, tmp_path: Path) -> None:
    file = tmp_path / "companies.csv"
    file.write_text("Name,Alias\nACME,\nOther,acme\nACME,Acme Ltd\n")
    for options in (("--dry-run",), ()):
        done = bring(imports_url, file, *options, configuration="companies")
        assert (done.code, counts(done)) == (3, (3, 1, 1, 0, 1))


def test_neither_doubles_nor_loses_a_row_however_often_it_is_killed(
    postgres: databases.Cluster, imports_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "answers.csv"
    chance = random.Random(4)  # noqa: S311 - the same rows every time
    rows = [
        f"Company {chance.randrange(9)},Name {n},p{chance.randrange(200)}@example.com,2026-01-01,2026-01-02,"
        f"{chance.randrange(13)},Row {n},{chance.choice(['Gold', 'Tin', ''])}"
        for n in range(3000)
    ]
    file.write_text("\n".join([HEAD, *rows]) + "\n")
    clean = databases.fresh_database(postgres)
    command.tellback("apply", CONFIGURATION, "--database-url", clean)
    wanted = bring(clean, file)
    for _ in range(KILLS):
        killed_at_random(imports_url, file, chance)
    done = bring(imports_url, file)
    assert counts(done) == counts(wanted)
    for text in (
        "select comment, score, complete, segments from responses order by comment",
        "select email, first_name, segments from contacts order by email",
        "select kind, count(*) from changes where kind like '%.created' or kind = 'response.recorded'"
        " group by kind order by kind",
        "select line, reason from import_rejects order by line",
    ):
        assert query(imports_url, text) == query(clean, text)
    databases.drop(postgres, clean)


def killed_at_random(url: str, file: Path, chance: random.Random) -> None:
    words = ["--workspace", "demo", "--configuration", "answers", "--database-url", url]
    place = "select coalesce(sum(line), 0) from import_runs"
    before = query(url, place)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.importing", "50", str(file), *words],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    deadline = time.monotonic() + 30
    while query(url, place) == before and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(chance.random() * 0.05)
    process.kill()
    process.wait()
