"""Provisioning, section `connected_apps`: clients that get access tokens by their own credentials (OAuth 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tellback.core import form, form_values
from tellback.core.workspaces import section_pairs


@dataclass(frozen=True)
class ConnectedAppDoc:
    """A connected app as the document has it. An absent secret stays as it is stored."""

    name: str
    client_id: str
    client_secret: Any = form.KEPT  # form_values.Given or KEPT
    enabled: bool = True
    at: str = form.location()


FORM = form.Object(
    "connected app",
    {
        "name": form.Member(form_values.Text()),
        "client_id": form.Member(form_values.Text("a client id")),
        "client_secret": form.Member(form_values.Secret(), form.KEPT),
        "enabled": form.optional(form_values.Truth(), True, told=True),
    },
    ConnectedAppDoc,
)


def _built(name: str, client_id: str, _: tuple[str, ...], enabled: bool) -> ConnectedAppDoc:
    return ConnectedAppDoc(name, client_id, enabled=enabled)


SECTION = section_pairs.section(
    section_pairs.Pair(
        section="connected_apps",
        kind="connected_app",
        noun="connected app",
        id_noun="client id",
        id_member="client_id",
        private_member="client_secret",
        prefix="app",
        form=FORM,
        built=_built,
    )
)
