"""Workspaces (tenants), their members, and credentials of every kind."""

from tellback.core.workspaces import app_tokens, queries, rules, tokens
from tellback.core.workspaces.actions import addressed, find, known_credential, known_pair
from tellback.core.workspaces.model import CLAIMS, Credential, CredentialKind, Workspace

__all__ = [
    "CLAIMS",
    "Credential",
    "CredentialKind",
    "Workspace",
    "addressed",
    "app_tokens",
    "find",
    "known_credential",
    "known_pair",
    "queries",
    "rules",
    "tokens",
]
