"""SQL of what acts on events: rules and destinations as they are set up, and the record of runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from tellback.core.automation.model import Machinery, Rule, Run, StoredDestination, StoredRule
from tellback.core.deliveries.definitions import Subscription, Webhook
from tellback.storage.database import Reader, Transaction


async def version(reader: Reader) -> int:
    """Counts changes to any configuration."""
    found: int = await reader.fetchval("select version from configuration_version")
    return found


async def machinery(reader: Reader, workspace_id: int) -> Machinery:
    """Everything of a workspace that acts on events, rules in the order they were made."""
    workspace = await reader.fetchrow("select slug, name from workspaces where id = $1", workspace_id)
    rules = await reader.fetch(
        "select id, definition from rules where workspace_id = $1 and archived_at is null order by id",
        workspace_id,
    )  # fmt: skip
    destinations = await reader.fetch(
        """
        select id, kind, key, definition from destinations
        where workspace_id = $1 and archived_at is null order by id
        """,
        workspace_id,
    )
    types = await reader.fetch(
        """
        select lower(p.key) as project, p.name as project_name, lower(t.key) as type, t.name as type_name, t.statuses
        from feedback_types t join projects p on p.workspace_id = t.workspace_id and p.id = t.project_id
        where t.workspace_id = $1 and t.archived_at is null
        """,
        workspace_id,
    )
    stored = [_destination(row["id"], row["kind"], row["key"], row["definition"]) for row in destinations]
    entered = {
        (row["project"], row["type"], status["name"]): status["webhook"].lower()
        for row in types
        for status in msgspec.json.decode(row["statuses"])
        if status.get("webhook")
    }
    return Machinery(
        workspace_id,
        workspace["slug"],
        workspace["name"],
        tuple(StoredRule(row["id"], msgspec.json.decode(row["definition"], type=Rule)) for row in rules),
        {one.key.lower(): one for one in stored if one.kind == "webhook"},
        tuple(one for one in stored if one.kind == "subscription"),
        entered,
        {row["project"]: row["project_name"] for row in types},
        {(row["project"], row["type"]): row["type_name"] for row in types},
    )


def _destination(id: int, kind: str, key: str, definition: str) -> StoredDestination:
    if kind == "webhook":
        return StoredDestination(id, "webhook", key, msgspec.json.decode(definition, type=Webhook))
    return StoredDestination(id, "subscription", key, msgspec.json.decode(definition, type=Subscription))


async def clock(reader: Reader) -> datetime:
    """The transaction's time."""
    now: datetime = await reader.fetchval("select now()")
    return now


async def is_first(tx: Transaction, workspace_id: int, rule_id: int, subject: tuple[str, str]) -> bool:
    """Whether a rule has not run for a subject; from now on it has."""
    made = await tx.fetchval(
        """
        insert into rule_once (workspace_id, rule_id, subject_type, subject_id) values ($1, $2, $3, $4)
        on conflict do nothing returning true
        """,
        workspace_id, rule_id, *subject,
    )  # fmt: skip
    return made is True


async def record_runs(tx: Transaction, workspace_id: int, runs: Sequence[Run]) -> None:
    columns = [
        (
            one.rule_id,
            one.occasion.seq,
            one.occasion.subject_type,
            one.occasion.subject_id,
            one.outcome,
            one.detail,
        )
        for one in runs
    ]
    await tx.execute(
        """
        insert into rule_runs (workspace_id, rule_id, event_seq, subject_type, subject_id, outcome, detail)
        select $1, * from unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
        """,
        workspace_id, *([row[column] for row in columns] for column in range(6)),
    )  # fmt: skip


async def mark_forwarded(tx: Transaction, workspace_id: int, ticket_id: int) -> None:
    """An external destination was sent for the ticket, which reports show."""
    await tx.execute(
        """
        update tickets set forwarded = true, revision = revision + 1
        where workspace_id = $1 and id = $2 and not forwarded
        """,
        workspace_id, ticket_id,
    )  # fmt: skip


async def due_schedule(tx: Transaction) -> tuple[int, StoredRule, int | None, datetime] | None:
    """Lock a rule whose time has come: its workspace, itself, the ticket its round has come to, and the time."""
    row = await tx.fetchrow(
        """
        select workspace_id, id, definition, sweep_after, now() as now from rules
        where next_at <= now() and archived_at is null order by next_at limit 1 for update skip locked
        """
    )
    if row is None:
        return None
    rule = StoredRule(row["id"], msgspec.json.decode(row["definition"], type=Rule))
    return row["workspace_id"], rule, row["sweep_after"], row["now"]


async def go_on(tx: Transaction, workspace_id: int, rule_id: int, after: int) -> None:
    """A round of a schedule goes on above this ticket; other rules have their turn before."""
    await tx.execute(
        "update rules set sweep_after = $3, next_at = now() where workspace_id = $1 and id = $2",
        workspace_id, rule_id, after,
    )  # fmt: skip


async def round_done(tx: Transaction, workspace_id: int, rule_id: int, every_s: int) -> None:
    """A round of a schedule is over; the next one is due in `every_s` seconds."""
    await tx.execute(
        """
        update rules set sweep_after = null, next_at = now() + make_interval(secs => $3)
        where workspace_id = $1 and id = $2
        """,
        workspace_id, rule_id, float(every_s),
    )  # fmt: skip
