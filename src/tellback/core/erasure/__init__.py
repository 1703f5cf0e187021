"""Erasure: taking a person out of everything a workspace holds, and showing all of it before.

Stands last but one, because it reaches into what every other capability stores. `places` says of each stored
column what becomes of it; a test compares that with the schema.
"""

from tellback.core.erasure.actions import SETTLE_S, Order, erase
from tellback.core.erasure.export import Held, held

__all__ = ["SETTLE_S", "Held", "Order", "erase", "held"]
