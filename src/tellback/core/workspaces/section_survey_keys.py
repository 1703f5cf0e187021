"""Provisioning, section `survey_keys`: pairs of `apikey` and `apisecret` that open the workspace's surveys."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tellback.core import form, form_values
from tellback.core.workspaces import section_pairs

# Visible ASCII, and no colon: Basic authentication ends a user name with one (RFC 7617, section 2).
_APIKEY = re.compile(r"[!-9;-~]+\Z")
_NAME_OF_SECRET = re.compile(r"[@&]apisecret=")


@dataclass(frozen=True)
class SurveyKeyDoc:
    """A survey key as the document has it. An absent secret stays as it is stored."""

    name: str
    apikey: str
    apisecret: Any = form.KEPT  # form_values.Given or KEPT
    allowed_ips: tuple[str, ...] = ()
    enabled: bool = True
    at: str = form.location()


def _readable(key: SurveyKeyDoc) -> Iterable[tuple[str, str]]:
    """Clients glue key and secret together as the vendor prints them; the key may not look like both."""
    if _NAME_OF_SECRET.search(key.apikey):
        yield "apikey", "'@apisecret=' and '&apisecret=' may not stand in a key"


FORM = form.Object(
    "survey key",
    {
        "name": form.Member(form_values.Text()),
        "apikey": form.Member(
            form_values.Text("a key (visible ASCII without spaces and colons)", shape=_APIKEY)
        ),
        "apisecret": form.Member(form_values.Secret(), form.KEPT),
        "allowed_ips": form.optional(form.ListOf(form_values.Network(), most=1_000), ()),
        "enabled": form.optional(form_values.Truth(), True),
    },
    SurveyKeyDoc,
    _readable,
)


def _built(name: str, apikey: str, allowed_ips: tuple[str, ...], enabled: bool) -> SurveyKeyDoc:
    return SurveyKeyDoc(name, apikey, allowed_ips=allowed_ips, enabled=enabled)


SECTION = section_pairs.section(
    section_pairs.Pair(
        section="survey_keys",
        kind="survey_key",
        noun="survey key",
        id_noun="key",
        id_member="apikey",
        private_member="apisecret",
        prefix="survey",
        form=FORM,
        built=_built,
    )
)
