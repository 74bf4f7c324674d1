"""Waiting after a wrong password: longer with each one for a login or an address, and never a lock-out."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

SHORTEST, LONGEST = 0.5, 15.0
FREE = 3
FORGOTTEN = timedelta(minutes=15)
MOST_KNOWN = 10_000


class Patience:
    """Counts failures of the last quarter of an hour in this process; bounded, the oldest forgotten first."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, tuple[int, datetime]] = OrderedDict()

    def failed(self, keys: tuple[str, ...], now: datetime) -> float:
        """Note a failure for a login and an address. The seconds to wait before answering."""
        return max(self._count(key, now) for key in keys)

    def succeeded(self, keys: tuple[str, ...]) -> None:
        """Forget the failures."""
        for key in keys:
            self._failures.pop(key, None)

    def _count(self, key: str, now: datetime) -> float:
        count, at = self._failures.pop(key, (0, now))
        count = 1 if now - at > FORGOTTEN else count + 1
        self._failures[key] = count, now
        while len(self._failures) > MOST_KNOWN:
            self._failures.popitem(last=False)
        return float(min(SHORTEST * 2 ** max(count - FREE, 0), LONGEST))
