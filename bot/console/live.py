"""Signals to open pages: that something of a client has changed, never what. Pages fetch it by the usual way.

One listener a process, which runs while any page is open; a signal lost on the way is made good by a full refresh.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg

from engine.store.session import Database

CHANNEL = "console"
EVERYTHING = "*"
GATHER_SECONDS = 0.15
RETRY_SECONDS = 2.0


class Tab:
    """One open page: the topics it has not been told yet."""

    def __init__(self) -> None:
        self._topics: set[str] = set()
        self._some = asyncio.Event()

    def add(self, topic: str) -> None:
        """Something has changed."""
        self._topics.add(topic)
        self._some.set()

    async def news(self) -> list[str]:
        """Wait for changes, gather those that come together, and take them."""
        await self._some.wait()
        await asyncio.sleep(GATHER_SECONDS)
        topics = sorted(self._topics)
        self._topics.clear()
        self._some.clear()
        return topics


class Live:
    """The listener of this process, and the pages it tells."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tabs: set[Tab] = set()
        self._listening: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def tab(self) -> AsyncIterator[Tab]:
        """A page is open while the block runs."""
        tab = Tab()
        self._tabs.add(tab)
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())
        try:
            yield tab
        finally:
            self._tabs.discard(tab)
            if not self._tabs:
                await self._stop()

    async def _stop(self) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    async def _listen(self) -> None:
        while True:
            with suppress(psycopg.OperationalError):
                async with self._database.listen(CHANNEL) as connection:
                    self._tell(EVERYTHING)
                    async for note in connection.notifies():
                        self._tell(note.payload)
            await asyncio.sleep(RETRY_SECONDS)

    def _tell(self, topic: str) -> None:
        for tab in self._tabs:
            tab.add(topic)
