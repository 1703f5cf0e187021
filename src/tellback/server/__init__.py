"""Serving: one parent that supervises, workers that answer (docs/decisions/0004-http-server.md)."""

from tellback.server.faults import BadAddress, BadCertificate, CannotServe, PortInUse, StartFailed
from tellback.server.supervisor import serve

__all__ = ["BadAddress", "BadCertificate", "CannotServe", "PortInUse", "StartFailed", "serve"]
