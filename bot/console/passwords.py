"""Passwords: argon2id, worked out in threads and two at a time, so that a flood of sign-ins slows nothing else."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

LEAST = 15
MOST = 200
AT_ONCE = 2
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""OWASP's figures for argon2id: 19 MiB, two passes, one lane."""


class WeakPassword(ValueError):
    """A password has at least 15 characters; a sentence is a good one."""


def hashed(password: str) -> str:
    """The password as the store keeps it. Raises WeakPassword. Takes tens of milliseconds: not for the event loop."""
    if not LEAST <= len(password) <= MOST:
        raise WeakPassword(f"a password has {LEAST} to {MOST} characters; a sentence is a good one")
    return HASHER.hash(password)


class Passwords:
    """Checks passwords. An unknown user costs as much time as a known one."""

    def __init__(self) -> None:
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._nobody = HASHER.hash("nobody has this password")

    async def right(self, stored: str | None, password: str) -> bool:
        """Whether it is the password behind `stored`; None is never right."""
        async with self._gate:
            matches = await asyncio.to_thread(_matches, stored or self._nobody, password[: MOST + 1])
        return matches and stored is not None


def _matches(stored: str, password: str) -> bool:
    try:
        return HASHER.verify(stored, password)
    except (Argon2Error, InvalidHashError):
        return False
