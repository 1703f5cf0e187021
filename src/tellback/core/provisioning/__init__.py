"""Provisioning: a workspace's configuration as one document; read, compared, applied, shown."""

from tellback.core.provisioning.actions import apply, apply_in, plan, show
from tellback.core.provisioning.documents import as_yaml, read, read_value
from tellback.core.provisioning.model import Document, Outcome, Plan

__all__ = [
    "Document",
    "Outcome",
    "Plan",
    "apply",
    "apply_in",
    "as_yaml",
    "plan",
    "read",
    "read_value",
    "show",
]
