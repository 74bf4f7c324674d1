"""Running: the clockwork turns until the process is told to stop."""

from __future__ import annotations

import asyncio
import signal

from bot.application import Application
from bot.ticks import ticks
from engine.jobs import clockwork


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
