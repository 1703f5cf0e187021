"""The hub's own API: /hub/v1."""

from tellback.hub_api.app import surface

__all__ = ["surface"]
