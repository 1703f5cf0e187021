"""The CentraCX dialect: surveys taken over an API, one session at a time (seed 002)."""

from tellback.dialects.centracx.app import surface

__all__ = ["surface"]
