"""SQL of provisioning people: contacts by their e-mail address, and who participates in a project."""

from __future__ import annotations

from collections.abc import Sequence

from tellback.core.people.rules import email_key
from tellback.storage.database import Reader, Row, Transaction


async def ensure_contacts(
    tx: Transaction, workspace_id: int, people: Sequence[tuple[str, str | None]]
) -> tuple[dict[str, int], list[int]]:
    """Contacts for (e-mail, name) pairs: their ids by e-mail key, and the ids of those made now.

    A known contact stays as it is, and gets the name only where it has none.
    """
    unique = {email_key(email): (email.strip(), name) for email, name in people}
    keys = list(unique)
    made = await tx.fetch(
        """
        insert into contacts (workspace_id, email, email_key, name)
        select $1, email, key, name
        from unnest($2::text[], $3::text[], $4::text[]) as new (key, email, name)
        on conflict (workspace_id, email_key) where email_key is not null do nothing returning id
        """,
        workspace_id, keys, [email for email, _ in unique.values()], [name for _, name in unique.values()],
    )  # fmt: skip
    await tx.execute(
        """
        update contacts c set name = new.name, changed_at = now()
        from unnest($2::text[], $3::text[]) as new (key, name)
        where c.workspace_id = $1 and c.email_key = new.key and c.name is null and new.name is not null
        """,
        workspace_id, keys, [name for _, name in unique.values()],
    )  # fmt: skip
    rows = await tx.fetch(
        "select id, email_key from contacts where workspace_id = $1 and email_key = any($2::text[])",
        workspace_id, keys,
    )  # fmt: skip
    return {row["email_key"]: row["id"] for row in rows}, [row["id"] for row in made]


async def participants(reader: Reader, workspace_id: int) -> Sequence[Row]:
    """Participants of every project, archived ones too, in the order their contacts were made."""
    rows: Sequence[Row] = await reader.fetch(
        """
        select pr.key as project, p.contact_id, c.email, p.name, p.archived_at is not null as archived
        from participants p
        join projects pr on pr.workspace_id = p.workspace_id and pr.id = p.project_id
        join contacts c on c.workspace_id = p.workspace_id and c.id = p.contact_id
        where p.workspace_id = $1 and c.email is not null order by p.contact_id
        """,
        workspace_id,
    )
    return rows


async def put_participants(
    tx: Transaction,
    workspace_id: int,
    project_ids: Sequence[int],
    contact_ids: Sequence[int],
    names: Sequence[str | None],
) -> None:
    """Make contacts participants, or bring them back; without a name they keep theirs or the contact's."""
    arrays = (list(project_ids), list(contact_ids), list(names))
    await tx.execute(
        """
        update participants p set archived_at = null, name = coalesce(new.name, p.name)
        from unnest($2::bigint[], $3::bigint[], $4::text[]) as new (project_id, contact_id, name)
        where p.workspace_id = $1 and p.project_id = new.project_id and p.contact_id = new.contact_id
        """,
        workspace_id, *arrays,
    )  # fmt: skip
    await tx.execute(
        """
        insert into participants (workspace_id, project_id, contact_id, name)
        select $1, new.project_id, new.contact_id, coalesce(new.name, c.name, c.email)
        from unnest($2::bigint[], $3::bigint[], $4::text[]) as new (project_id, contact_id, name)
        join contacts c on c.workspace_id = $1 and c.id = new.contact_id
        on conflict (workspace_id, project_id, contact_id) do nothing
        """,
        workspace_id, *arrays,
    )  # fmt: skip


async def archive_participants(
    tx: Transaction, workspace_id: int, project_ids: Sequence[int], contact_ids: Sequence[int]
) -> None:
    await tx.execute(
        """
        update participants p set archived_at = now()
        from unnest($2::bigint[], $3::bigint[]) as gone (project_id, contact_id)
        where p.workspace_id = $1 and p.project_id = gone.project_id and p.contact_id = gone.contact_id
        """,
        workspace_id, project_ids, contact_ids,
    )  # fmt: skip
