"""The Cention dialect: errand reports, dirty lists and page ratings as JSON:API (seed 004)."""

from tellback.dialects.cention.app import surface

__all__ = ["surface"]
