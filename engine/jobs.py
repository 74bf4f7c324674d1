"""The clockwork: APScheduler calls a handful of ticks, each of which asks the store what is due.

It holds no job of its own that a restart could lose (docs/decisions/0002).
"""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from engine.store.aside import worded

log = structlog.get_logger()


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
            _work,
            "interval",
            args=[tick],
            seconds=tick.seconds,
            id=tick.name,
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )
    return scheduler


async def _work(tick: Tick) -> None:
    """A tick that fails comes again. APScheduler would log the fault with the rows that a database quotes in it."""
    try:
        await tick.work()
    except Exception as fault:  # noqa: BLE001 whatever it was, the other ticks go on
        trace = "".join(traceback.format_tb(fault.__traceback__))
        log.error("a tick failed", tick=tick.name, fault=worded(fault), trace=trace)  # noqa: TRY400 it quotes rows
