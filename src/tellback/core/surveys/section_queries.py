"""SQL of provisioning surveys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tellback.storage.database import Reader, Row, Transaction


async def surveys(reader: Reader, workspace_id: int) -> Sequence[Row]:
    """Surveys with their current questions and what their tickets refer to, archived ones too, by id."""
    rows: Sequence[Row] = await reader.fetch(
        """
        select s.*, v.questions, p.key as project, t.key as feedback_type, c.email as default_submitter,
               s.archived_at is not null as archived
        from surveys s
        join survey_versions v
          on v.workspace_id = s.workspace_id and v.survey_id = s.id and v.version = s.version
        left join feedback_types t
          on t.workspace_id = s.workspace_id and t.id = (s.tickets ->> 'type_id')::bigint
        left join projects p on p.workspace_id = t.workspace_id and p.id = t.project_id
        left join contacts c
          on c.workspace_id = s.workspace_id and c.id = (s.tickets ->> 'default_submitter')::bigint
        where s.workspace_id = $1 order by s.id
        """,
        workspace_id,
    )
    return rows


async def token_holders(reader: Reader, tokens: Sequence[str]) -> dict[str, tuple[int, int, bool]]:
    """Whose these page tokens are in the whole hub: workspace id, survey id, whether it is archived."""
    rows = await reader.fetch(
        """
        select take_token, workspace_id, id, archived_at is not null as archived
        from surveys where take_token = any($1::text[])
        """,
        list(tokens),
    )
    return {row["take_token"]: (row["workspace_id"], row["id"], row["archived"]) for row in rows}


async def release_tokens(tx: Transaction, workspace_id: int, tokens: Sequence[str]) -> None:
    """Take these page tokens from their holders in the workspace, so that others can have them."""
    await tx.execute(
        """
        update surveys set take_token = 'released-' || gen_random_uuid()
        where workspace_id = $1 and take_token = any($2::text[])
        """,
        workspace_id, list(tokens),
    )  # fmt: skip


_COLUMNS = (
    "title", "description", "channels", "state", "version", "last_answer_id", "take_token", "embed_origins",
    "tickets",
)  # fmt: skip


async def put_survey(
    tx: Transaction, workspace_id: int, survey_id: int, known: bool, columns: dict[str, Any]
) -> None:
    """Make a survey, or store what a known one is now and bring it back."""
    values = [_json(columns[name]) if name == "tickets" else columns[name] for name in _COLUMNS]
    if known:
        changes = ", ".join(f"{name} = ${place}" for place, name in enumerate(_COLUMNS, 3))
        statement = f"update surveys set {changes}, archived_at = null where workspace_id = $1 and id = $2"
    else:
        places = ", ".join(f"${place}" for place in range(3, len(_COLUMNS) + 3))
        statement = f"insert into surveys (workspace_id, id, {', '.join(_COLUMNS)}) values ($1, $2, {places})"
    await tx.execute(statement, workspace_id, survey_id, *values)


async def put_version(
    tx: Transaction, workspace_id: int, survey_id: int, version: int, questions: Sequence[dict[str, Any]]
) -> None:
    """Store a version's questions. One that is there already is a draft's, which nobody has taken."""
    await tx.execute(
        """
        insert into survey_versions (workspace_id, survey_id, version, questions) values ($1, $2, $3, $4)
        on conflict (workspace_id, survey_id, version) do update set questions = excluded.questions
        """,
        workspace_id, survey_id, version, _json(questions),
    )  # fmt: skip


async def archive_surveys(tx: Transaction, workspace_id: int, ids: Sequence[int]) -> None:
    await tx.execute(
        "update surveys set archived_at = now() where workspace_id = $1 and id = any($2::bigint[])",
        workspace_id, list(ids),
    )  # fmt: skip


def _json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
