"""The one place that reads the time. Everything else is told `now`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What tells the time: aware UTC."""

    def __call__(self) -> datetime:
        """The present moment."""
        ...


def real_clock() -> datetime:
    """The machine's clock, in UTC."""
    return datetime.now(UTC)


class SimulatedClock:
    """A clock that stands still until it is moved, and never goes back."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def __call__(self) -> datetime:
        """The simulated moment."""
        return self._now

    def advance(self, to: datetime) -> None:
        """Move to a later moment; an earlier one is ignored."""
        self._now = max(self._now, to)
