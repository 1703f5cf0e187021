"""The Meta dialect: ratings of Facebook pages, as its webhooks deliver them (contract cention.md)."""

from tellback.dialects.meta.app import surface

__all__ = ["surface"]
