"""Who does what in the background: leases, by the database's clock."""

from __future__ import annotations

from tellback.storage.database import Transaction


async def take_lease(tx: Transaction, name: str, owner: str, seconds: float) -> bool:
    """Hold the lease `name` for so many seconds from now; False while another owner holds it.

    Its owner renews it in the same way. Whoever holds it may have lost it again by the time work is done, so
    the work itself must bear being done twice.
    """
    held = await tx.fetchval(
        """
        insert into leases as held (name, owner, until) values ($1, $2, now() + make_interval(secs => $3))
        on conflict (name) do update set owner = excluded.owner, until = excluded.until
        where held.owner = excluded.owner or held.until < now()
        returning true
        """,
        name,
        owner,
        seconds,
    )
    return held is True
