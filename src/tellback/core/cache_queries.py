"""SQL of the configuration's version row."""

from __future__ import annotations

from tellback.storage.database import Reader, Transaction


async def version(reader: Reader) -> int:
    """The number every change of configuration raises."""
    number: int = await reader.fetchval("select version from configuration_version")
    return number


async def raise_version(tx: Transaction) -> None:
    """Tell every process to forget what it compiled."""
    await tx.execute("update configuration_version set version = version + 1")
