"""Provisioning, what webhooks and subscriptions have in common: a definition, signing secrets, a queue."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tellback.core import deliveries, form, form_values
from tellback.core.automation import section_queries as queries
from tellback.core.deliveries.model import DestinationKind
from tellback.core.section import NewSecret, Scope
from tellback.storage.database import Transaction

_SECRET_BYTES: Final = 32


@dataclass(frozen=True)
class Signing:
    """The secrets that a document gives, the newest first; None where it leaves them as they are."""

    given: tuple[str, ...] | None

    def kept(self, stored: Sequence[str]) -> tuple[str, ...]:
        """The secrets there will be."""
        return tuple(stored) if self.given is None else self.given

    def change(self, stored: Sequence[str], member: str) -> list[form.MemberChange]:
        """How the document differs in its secrets."""
        if self.given is None or self.given == tuple(stored):
            return []
        return [form.MemberChange(member, None, None, secret=True)]


def signing(one: Any, several: tuple[Any, ...] | None) -> Signing:
    """Of the members for one secret and for two; those that were not read are left as they are."""
    given = [one] if several is None else list(several)
    texts = [secret.text for secret in given if isinstance(secret, form_values.Given)]
    return Signing(tuple(texts) if len(texts) == len(given) else None)


def new_secret() -> str:
    """A signing secret in the form of Standard Webhooks."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


async def put(
    tx: Transaction,
    scope: Scope,
    kind: DestinationKind,
    known: int | None,
    key: str,
    definition: str,
    secrets: Sequence[str],
    moved: tuple[str, str] | None = None,
) -> None:
    """Store a destination; one that was there before is sent to again, even when it was disabled.

    `moved` (`templates.moved`) sends what waits or has failed to where the destination is now.
    """
    if known is None:
        await queries.add_destination(tx, scope.workspace_id, kind, key, definition, secrets)
        return
    await queries.change_destination(tx, scope.workspace_id, known, key, definition, secrets)
    if moved:
        await queries.move_deliveries(tx, scope.workspace_id, known, *moved)
    await deliveries.go_on(tx, scope.workspace_id, known)


def tell(
    scope: Scope, section: str, key: str, before: Sequence[str], after: Sequence[str], *, made: bool
) -> None:
    """Note the signing secrets that are new."""
    for place, secret in enumerate(after):
        if secret not in before:
            scope.secrets.append(NewSecret(section, key if place == 0 else f"{key} old", secret, made))
