"""SQL of provisioning itself."""

from __future__ import annotations

from tellback.storage.database import Transaction


async def lock(tx: Transaction) -> None:
    """Let no other run go on in the hub until this one has ended.

    The row is the version that every change raises anyway; taking feedback in never locks it.
    """
    await tx.execute("select version from configuration_version for update")
