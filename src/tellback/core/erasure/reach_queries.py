"""SQL of what is a person's: their contact, sessions, responses and tickets, locked where they are to be erased.

Locks are taken in the order in which a session's completion takes them: sessions, contact, responses; then
tickets, destinations, deliveries, and the workspace's counter as everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from tellback.core.erasure import rules
from tellback.core.erasure.model import Answered, Filed, Person, Sitting
from tellback.core.people import email_key
from tellback.core.projects import display_id
from tellback.core.text_queries import SCAN_S, holds, lowered
from tellback.storage.database import Reader, Row, Transaction


async def person(reader: Reader, workspace_id: int, contact_id: int) -> Person | None:
    """The contact with every name it has, those as a participant included."""
    row = await reader.fetchrow(
        """
        select c.email, c.phone, c.name, c.first_name, c.last_name,
               array(select p.name from participants p
                     where p.workspace_id = c.workspace_id and p.contact_id = c.id) as called
        from contacts c where c.workspace_id = $1 and c.id = $2
        """,
        workspace_id, contact_id,
    )  # fmt: skip
    if row is None:
        return None
    names = [row["name"], row["first_name"], row["last_name"], *row["called"]]
    return Person(
        contact_id, row["email"], row["phone"], tuple(dict.fromkeys(name for name in names if name))
    )


async def lock_person(tx: Transaction, workspace_id: int, contact_id: int) -> bool:
    """Hold the contact, so that nobody is taken for it any more; whether it is there."""
    held = await tx.fetchval(
        "select id from contacts where workspace_id = $1 and id = $2 for update", workspace_id, contact_id
    )
    return held is not None


async def was_erased(reader: Reader, workspace_id: int, contact_id: int) -> bool:
    """Whether the feed tells that this contact was erased."""
    found: bool = await reader.fetchval(
        """
        select exists (select from changes where workspace_id = $1 and kind = 'contact.erased'
                       and subject_type = 'contact' and subject_id = $2)
        """,
        workspace_id, str(contact_id), timeout=SCAN_S,
    )  # fmt: skip
    return found


async def relied_on(reader: Reader, workspace_id: int, contact_id: int) -> list[str]:
    """What of the configuration needs the contact as its default submitter, in words."""
    rows = await reader.fetch(
        """
        select 'external source ' || key as what from external_sources
        where workspace_id = $1 and default_submitter = $2 and archived_at is null
        union all
        select 'survey ' || id from surveys
        where workspace_id = $1 and (tickets ->> 'default_submitter')::bigint = $2 and archived_at is null
        order by what
        """,
        workspace_id, contact_id,
    )  # fmt: skip
    return [row["what"] for row in rows]


async def sittings(reader: Reader, workspace_id: int, person: Person, *, lock: bool = False) -> list[Sitting]:
    """The sessions that became the person's responses, and those in which they presented themself."""
    numbers = await reader.fetch(
        """
        select session_number as number, null::text as respondent from responses
        where workspace_id = $1 and contact_id = $2 and session_number is not null
        union all
        select number, respondent::text from sessions
        where workspace_id = $1 and respondent is not null and (
          lower(btrim(respondent ->> 'email')) = $3
          or regexp_replace(respondent ->> 'phone', '[^0-9]', '', 'g') = regexp_replace($4, '[^0-9]', '', 'g'))
        """,
        workspace_id, person.id, email_key(person.email) if person.email else None, person.phone,
        timeout=SCAN_S,
    )  # fmt: skip
    wanted = [
        row["number"]
        for row in numbers
        if row["respondent"] is None or rules.is_theirs(msgspec.json.decode(row["respondent"]), person)
    ]
    rows = await reader.fetch(
        f"""
        select number, token, survey_id, answers, metadata, respondent, started_at, active_at
        from sessions where workspace_id = $1 and number = any($2::bigint[]) order by number
        {"for update" if lock else ""}
        """,
        workspace_id, sorted(set(wanted)),
    )  # fmt: skip
    return [_sitting(row) for row in rows]


def _sitting(row: Row) -> Sitting:
    answers = msgspec.json.decode(row["answers"])
    times = [datetime.fromisoformat(one["at"]) for one in answers if one.get("at")]
    return Sitting(
        row["number"], row["token"], row["survey_id"], answers, msgspec.json.decode(row["metadata"]),
        msgspec.json.decode(row["respondent"]) if row["respondent"] else None, row["started_at"],
        row["active_at"], (row["started_at"], *times),
    )  # fmt: skip


async def answered(
    reader: Reader, workspace_id: int, contact_id: int, sessions: Sequence[int], *, lock: bool = False
) -> list[Answered]:
    """The person's responses, and those of these sessions."""
    rows = await reader.fetch(
        f"""
        select id, erased_at is not null as erased, drivers, segments, metadata, external, comment,
               follow_up_details, reference
        from responses
        where workspace_id = $1 and (contact_id = $2 or session_number = any($3::bigint[])) order by id
        {"for update" if lock else ""}
        """,
        workspace_id, contact_id, list(sessions), timeout=SCAN_S,
    )  # fmt: skip
    return [_answered(row) for row in rows]


def _answered(row: Row) -> Answered:
    told = [msgspec.json.decode(row[name]) for name in ("drivers", "metadata", "external")]
    texts = [row["comment"], row["follow_up_details"], row["reference"]]
    return Answered(
        row["id"], row["erased"], told[0], msgspec.json.decode(row["segments"]),
        (*filter(None, texts), *rules.leaves(told)),
    )  # fmt: skip


_FILED = """
select t.id, t.number, t.type_id, t.subject, t.body, t."values", t.external, ft.prefix, ft.digits, ft.elements
from tickets t join feedback_types ft on ft.workspace_id = t.workspace_id and ft.id = t.type_id
"""
_SAID = """t.subject || E'\\n' || coalesce(t.body, '') || E'\\n' || t."values"::text"""


async def filed(reader: Reader, workspace_id: int, person: Person, *, lock: bool = False) -> list[Filed]:
    """Tickets that the person submitted, in whoever's name, and those that reply to them.

    Not those of others who were not known, and in whose place the person stands as default submitter.
    """
    email = email_key(person.email) if person.email else None
    rows = await reader.fetch(
        f"""
        with theirs as (
          select id from tickets
          where workspace_id = $1 and case
            when submitter_given is null then submitter_id = $2 else lower(btrim(submitter_given)) = $3 end
        )
        {_FILED}
        where t.workspace_id = $1
          and (t.id in (select id from theirs) or t.thread_id in (select id from theirs))
        order by t.id
        {"for update of t" if lock else ""}
        """,
        workspace_id, person.id, email, timeout=SCAN_S,
    )  # fmt: skip
    return [_ticket(row) for row in rows]


async def quoting(
    reader: Reader,
    workspace_id: int,
    subjects: Sequence[tuple[str, str]],
    identities: Sequence[str],
    needles: Sequence[str],
    *,
    lock: bool = False,
) -> list[Filed]:
    """Tickets of nobody, as rules open them, that tell of the person.

    By their address or number; and by any needle, where the same transaction acted on something of theirs: others
    may have written the same words.
    """
    rows = await reader.fetch(
        f"""
        with moments as (
          select at from rule_runs
          where workspace_id = $1 and (subject_type, subject_id) in (select * from unnest($2::text[], $3::text[]))
          union all
          select at from intake
          where workspace_id = $1 and (created_type, created_id) in (select * from unnest($2::text[], $3::text[]))
        )
        {_FILED} {lowered(_SAID)}
        where t.workspace_id = $1 and t.submitter_id is null and t.channel = 'rule'
          and ({holds("$4")} or (t.created_at in (select at from moments) and {holds("$5")}))
        order by t.id {"for update of t" if lock else ""}
        """,
        workspace_id, [type for type, _ in subjects], [id for _, id in subjects], list(identities), list(needles),
        timeout=SCAN_S,
    )  # fmt: skip
    return [_ticket(row) for row in rows]


def _ticket(row: Row) -> Filed:
    values: dict[str, Any] = msgspec.json.decode(row["values"])
    kinds = {one["key"]: one["type"] for one in msgspec.json.decode(row["elements"])}
    texts = [
        text for key, value in values.items() if kinds.get(key) == "text" for text in rules.leaves(value)
    ]
    return Filed(
        row["id"], display_id(row["prefix"], row["digits"], row["number"]), row["type_id"], values, kinds,
        (*filter(None, (row["subject"], row["body"])), *texts, *rules.leaves(msgspec.json.decode(row["external"]))),
    )  # fmt: skip


async def wait_for_imports(tx: Transaction, workspace_id: int) -> None:
    """Wait until no chunk of an import is being stored: one that was begun earlier may know the person still."""
    await tx.execute(
        "select from import_runs where workspace_id = $1 and finished_at is null for share",
        workspace_id, timeout=SCAN_S,
    )  # fmt: skip
