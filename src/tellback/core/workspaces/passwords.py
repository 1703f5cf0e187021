"""People's passwords: argon2id, 19 MiB and 2 passes (OWASP password storage cheat sheet)."""

from __future__ import annotations

import argon2

_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=argon2.Type.ID)


def hashed(password: str) -> str:
    """What is stored of a password (PHC string). Takes tens of milliseconds on purpose."""
    return _HASHER.hash(password)


def matches(stored: str, password: str) -> bool:
    """Whether `password` is the one behind the stored hash."""
    try:
        return _HASHER.verify(stored, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
