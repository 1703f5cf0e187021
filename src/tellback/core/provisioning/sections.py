"""Every section there is. To plug one in, list it here; the order is that of storing and of showing."""

from __future__ import annotations

from typing import Final

from tellback.core.automation.section_rules import SECTION as RULES
from tellback.core.automation.section_subscriptions import SECTION as SUBSCRIPTIONS
from tellback.core.automation.section_webhooks import SECTION as WEBHOOKS
from tellback.core.imports.section_configurations import SECTION as IMPORT_CONFIGURATIONS
from tellback.core.imports.section_touchpoints import SECTION as TOUCHPOINTS
from tellback.core.imports.section_webhooks import SECTION as INCOMING_WEBHOOKS
from tellback.core.projects.section import SECTION as PROJECTS
from tellback.core.reviews.section import SECTION as PAGES
from tellback.core.section import Section
from tellback.core.surveys.section import SECTION as SURVEYS
from tellback.core.windows.section import DATA_PACKAGES, LISTENERS, RECORD_LOOKUPS
from tellback.core.workspaces.section_access_tokens import SECTION as ACCESS_TOKENS
from tellback.core.workspaces.section_api_keys import SECTION as API_KEYS
from tellback.core.workspaces.section_connected_apps import SECTION as CONNECTED_APPS
from tellback.core.workspaces.section_members import SECTION as MEMBERS
from tellback.core.workspaces.section_survey_keys import SECTION as SURVEY_KEYS
from tellback.core.workspaces.section_workspace import SECTION as WORKSPACE

#: The workspace comes first: storing it gives the others their workspace.
SECTIONS: Final[tuple[Section, ...]] = (
    WORKSPACE, MEMBERS, API_KEYS, SURVEY_KEYS, CONNECTED_APPS, ACCESS_TOKENS, TOUCHPOINTS, PROJECTS, SURVEYS,
    IMPORT_CONFIGURATIONS, INCOMING_WEBHOOKS, PAGES, WEBHOOKS, RULES, SUBSCRIPTIONS, LISTENERS, RECORD_LOOKUPS,
    DATA_PACKAGES,
)  # fmt: skip
