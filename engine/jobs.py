"""The clockwork: APScheduler calls a handful of ticks, each of which asks the store what is due.

It holds no job of its own that a restart could lose (docs/decisions/0002).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC

from apscheduler.schedulers.asyncio import AsyncIOScheduler


@dataclass(frozen=True, slots=True)
class Tick:
    """Work to look for every `seconds`. Ticks of one name never overlap in one process."""

    name: str
    seconds: float
    work: Callable[[], Awaitable[None]]


def clockwork(ticks: Sequence[Tick]) -> AsyncIOScheduler:
    """A scheduler that is not started yet. A late tick runs once, however many were missed."""
    scheduler = AsyncIOScheduler(timezone=UTC)
    for tick in ticks:
        scheduler.add_job(
            tick.work,
            "interval",
            seconds=tick.seconds,
            id=tick.name,
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )
    return scheduler
