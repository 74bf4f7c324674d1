"""Running: the clockwork turns and the workers work until the process is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from enum import StrEnum

from bot.application import Application
from bot.bell import INBOX, OUTBOUND, bell
from bot.inbox import handle_round
from bot.sending.dispatcher import Dispatcher
from bot.sending.parking import complain
from bot.teaching import teaching_ticks
from bot.ticks import clock_ticks, doubt_ticks
from dialogs.reading.model import model
from engine.jobs import clockwork

PAUSE_SECONDS = 2.0


class Part(StrEnum):
    """What one process of a deployment may do; any number of processes may do the same."""

    CLOCK = "clock"
    """Turns days, decides, and opens the contacts that are due."""
    INBOX = "inbox"
    """Handles what came in."""
    SENDER = "sender"
    """Sends what is queued, and settles what is in doubt."""


async def until_stopped(app: Application, parts: Collection[Part] = tuple(Part)) -> None:
    """Do these parts of the application's work until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopped.set)
    async with working(app, parts):
        await stopped.wait()


@asynccontextmanager
async def working(app: Application, parts: Collection[Part] = tuple(Part)) -> AsyncIterator[None]:
    """Do these parts while the block runs. At its end calls under way are waited for."""
    if Part.INBOX in parts:
        await asyncio.to_thread(model)  # a first reply does not wait for what can be read, or learned, beforehand
    scheduler = clockwork(
        [
            *(clock_ticks(app) if Part.CLOCK in parts else []),
            *(doubt_ticks(app) if Part.SENDER in parts else []),
            *(teaching_ticks(app.examples) if Part.INBOX in parts else []),
        ]
    )
    scheduler.start()
    try:
        async with _handling(app, wanted=Part.INBOX in parts), _sending(app, wanted=Part.SENDER in parts):
            yield
    finally:
        scheduler.shutdown(wait=False)


@asynccontextmanager
async def _sending(app: Application, *, wanted: bool) -> AsyncIterator[None]:
    if not wanted:
        yield
        return
    async with bell(app.database, OUTBOUND) as rung:
        dispatcher = Dispatcher(app, rung)
        running = asyncio.create_task(dispatcher.run())
        try:
            yield
        finally:
            dispatcher.stop()
            await running


@asynccontextmanager
async def _handling(app: Application, *, wanted: bool) -> AsyncIterator[None]:
    if not wanted:
        yield
        return
    async with bell(app.database, INBOX) as rung:

        async def handle() -> None:
            while True:
                try:
                    if not await handle_round(app, app.clock()):
                        await rung.wait()
                except Exception as fault:  # noqa: BLE001 everybody's replies wait here, whatever it was
                    complain("the inbox could not be looked at", fault)
                    await asyncio.sleep(PAUSE_SECONDS)

        handling = asyncio.create_task(handle())
        try:
            yield
        finally:
            handling.cancel()
            with suppress(asyncio.CancelledError):
                await handling
