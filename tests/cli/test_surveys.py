"""`tellback survey export`: the provisioning form and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support import command
from tests.support import postgres as databases

SURVEY = """
workspace: {slug: acme, name: Acme}
surveys:
  - id: 7
    title: Visit
    channels: [api, web]
    state: deployed
    take_token: visit-page
    questions:
      - title: Score
        text: How was it?
        type: choose_one
        metric: nps
        answers: [{id: 3, text: Great, value: "10"}, {id: 9, text: Awful, value: "0", goto: Why}]
      - {title: What, text: What was great?, type: enter_text, metric: feedback}
      - {title: Why, text: What was awful?, type: enter_text, metric: feedback}
"""


def test_takes_a_survey_from_one_hub_to_another(
    postgres: databases.Cluster, database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "hub.yaml"
    file.write_text(SURVEY)
    assert command.tellback("apply", file, "--database-url", database_url).code == 0
    exported = command.tellback("survey", "export", "7", "-w", "acme", "--database-url", database_url)
    assert exported.code == 0, exported.err
    other = databases.fresh_database(postgres)
    try:
        applied = command.tellback("apply", "-", "--database-url", other, given=exported.out)
        assert applied.code == 0, applied.err
        again = command.tellback("survey", "export", "7", "-w", "acme", "--database-url", other)
        assert again.out == exported.out
    finally:
        databases.drop(postgres, other)
    same = command.tellback("apply", "-", "--database-url", database_url, given=exported.out)
    assert (same.code, same.out) == (0, "acme: nothing to change\n")


def test_exports_as_json_too(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "hub.yaml"
    file.write_text(SURVEY)
    command.tellback("apply", file, "--database-url", database_url)
    done = command.tellback(
        "survey", "export", "7", "-w", "acme", "--database-url", database_url, "--output", "json"
    )
    assert done.json()["surveys"][0]["questions"][0]["answers"][1]["goto"] == "Why"


@pytest.mark.parametrize("survey", ["8", "99999999999999999999"])
def test_does_not_export_what_is_not_there(database_url: str, tmp_path: Path, survey: str) -> None:
    file = tmp_path / "hub.yaml"
    file.write_text(SURVEY)
    command.tellback("apply", file, "--database-url", database_url)
    done = command.tellback("survey", "export", survey, "-w", "acme", "--database-url", database_url)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"tellback: There is no survey {survey} in the workspace 'acme'.\n"
