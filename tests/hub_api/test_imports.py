"""`/hub/v1/imports`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from tests.support import command
from tests.support import hub as hubs
from tests.support import postgres as databases

HUB = """
workspace: {slug: demo, name: Demo}
access_tokens: [{key: reader, claims: [hub_read]}, {key: bi, claims: [errand_data]}]
import_configurations:
  - {reference: people, object: contact, fields: {Email: contact.email, Phone: contact.phone}}
"""
ROWS = "Email,Phone\na@example.com,555\nb@example.com,777\na@example.com,777\nc@example.com,555\nnobody,\n"


@pytest.fixture(scope="module")
def imported(
    postgres: databases.Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[httpx.Client, dict[str, str], int]]:
    """A hub into which a file was imported: a client, the tokens, the run's id."""
    folder, url = tmp_path_factory.mktemp("imports"), databases.fresh_database(postgres)
    (folder / "hub.yaml").write_text(HUB)
    (folder / "people.csv").write_text(ROWS)
    with hubs.running(folder / "log", "--database-url", url) as hub:
        applied = command.tellback(
            "apply", folder / "hub.yaml", "--database-url", url, "--output", "json"
        ).json()
        done = command.tellback(
            "import", folder / "people.csv", "--workspace", "demo", "--configuration", "people",
            "--database-url", url, "--output", "json",
        )  # fmt: skip
        with hub.client() as client:
            yield client, applied["secrets"]["access_tokens"], done.json()["run"]
    databases.drop(postgres, url)


def get(
    imported: tuple[httpx.Client, dict[str, str], int], path: str, reader: str = "reader", **query: str
) -> httpx.Response:
    client, tokens, _ = imported
    headers = {"Authorization": f"Bearer {tokens[reader]}"}
    return client.get(f"/hub/v1/imports{path}", headers=headers, params=query)


def test_shows_a_run_with_its_counts(imported: tuple[httpx.Client, dict[str, str], int]) -> None:
    [run] = get(imported, "").json()["data"]
    assert run["id"] == imported[2]
    counts = {name: run[name] for name in ("rows", "created", "updated", "unchanged", "rejected")}
    assert counts == {"rows": 5, "created": 3, "updated": 0, "unchanged": 1, "rejected": 1}
    assert run["done"] == run["size"] == len(ROWS)
    assert run["finished_at"] is not None


def test_names_the_rows_that_left_an_identity_open(
    imported: tuple[httpx.Client, dict[str, str], int],
) -> None:
    first = get(imported, f"/{imported[2]}/notes", limit="1").json()
    [note] = first["data"]
    assert note["line"] == 4
    assert re.fullmatch(
        r"The e-mail is contact \d+'s, who is meant; the phone stays with contact \d+\.", note["note"]
    )
    rest = get(imported, f"/{imported[2]}/notes", after=first["next"]).json()
    assert [one["line"] for one in rest["data"]] == [5]
    assert rest["next"] is None


@pytest.mark.parametrize("run", ["0", "999999", "x", "9" * 30])
def test_knows_no_run_that_is_not_there(imported: tuple[httpx.Client, dict[str, str], int], run: str) -> None:
    assert get(imported, f"/{run}/notes").status_code == 404


def test_refuses_a_token_without_the_claim(imported: tuple[httpx.Client, dict[str, str], int]) -> None:
    assert get(imported, f"/{imported[2]}/notes", reader="bi").status_code == 403
