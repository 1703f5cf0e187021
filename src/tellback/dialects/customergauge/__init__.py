"""The CustomerGauge dialect: records through mappings, OAuth 2 tokens, responses read back (seed 003)."""

from tellback.dialects.customergauge.app import surfaces

__all__ = ["surfaces"]
