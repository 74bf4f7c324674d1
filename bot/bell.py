"""Bells: rows that have come wake whoever looks after them, in whatever process; a look now and then is the safety net.

Triggers of the store ring `inbox` and `outbound`, and what one transaction rings twice is heard once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg
import structlog

from engine.store.session import Database

INBOX, OUTBOUND = "inbox", "outbound"
POLL_SECONDS = 5.0
RETRY_SECONDS = 2.0
log = structlog.get_logger()


class Bell:
    """One bell as one worker hears it."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the worker, now or as soon as it waits."""
        self._rung.set()

    async def wait(self, longest: float = POLL_SECONDS) -> None:
        """Wait until it has rung since the last time, or for `longest` seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), longest)
        self._rung.clear()


@asynccontextmanager
async def bell(database: Database, name: str) -> AsyncIterator[Bell]:
    """A bell that hears `name` while the block runs."""
    hung = Bell()
    listening = asyncio.create_task(_listen(database, name, hung))
    try:
        yield hung
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


async def _listen(database: Database, name: str, hung: Bell) -> None:
    while True:
        try:
            async with database.listen(name) as connection:
                hung.ring()  # what came before is looked for at once
                async for _ in connection.notifies():
                    hung.ring()
        except psycopg.OperationalError as lost:
            log.warning("a bell is not heard; it is looked now and then", bell=name, reason=str(lost))
        await asyncio.sleep(RETRY_SECONDS)
