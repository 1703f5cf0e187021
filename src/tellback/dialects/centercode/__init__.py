"""The Centercode dialect: tickets and files from outside systems (seeds 000 and 001)."""

from tellback.dialects.centercode.app import surface

__all__ = ["surface"]
