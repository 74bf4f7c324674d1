"""Running: the clockwork turns until the process is told to stop."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

from bot.application import Application
from bot.ticks import ticks
from engine.jobs import clockwork

if sys.platform == "win32":
    # psycopg cannot use the default loop there.
    LOOP = asyncio.SelectorEventLoop
else:
    import uvloop

    LOOP = uvloop.new_event_loop


T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, on uvloop where there is one."""
    with asyncio.Runner(loop_factory=LOOP) as runner:
        return runner.run(work)


async def until_stopped(app: Application) -> None:
    """Do the application's work until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopped.set)
    scheduler = clockwork(ticks(app))
    scheduler.start()
    try:
        await stopped.wait()
    finally:
        scheduler.shutdown(wait=False)
