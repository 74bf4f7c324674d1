"""Keeping what carriers bring, card numbers masked: a request is answered when its event is committed, and those that
come together share one transaction."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, OperationalError

from bot.cards import masked_event
from channels.port import Unreadable
from engine.store.session import Database, WriteSession
from engine.store.tables.talk import InboxState

MOST = 200
LONGEST_NAME = 1000
"""An index takes no more than about 2,700 bytes; what carriers call their events has less than 100."""
NOT_TEXT = re.compile("[\0\ud800-\udfff]")
"""What PostgreSQL keeps in no text."""

KEEP = text("""
insert into inbox (provider, event, received_at, path, raw, state)
select provider, event, received_at, path, raw, state
from unnest(cast(:providers as text[]), cast(:events as text[]), cast(:moments as timestamptz[]),
            cast(:paths as text[]), cast(:bodies as bytea[]), cast(:states as text[]))
     posted(provider, event, received_at, path, raw, state)
on conflict do nothing returning provider, event
""")


class Posted(NamedTuple):
    """An event as it was posted, verified; `state` is DONE where it is handled in the transaction that keeps it."""

    provider: str
    event: str
    received_at: datetime
    path: str
    raw: bytes
    state: InboxState = InboxState.NEW


class Keeper:
    """Stores events. While one transaction is under way, what comes waits for the next, all of it together."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[Posted, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def keep(self, posted: Posted) -> None:
        """Return when the event is in the store, for good; it is there once, however often it is posted.

        Raises Unreadable, and what the store raises.
        """
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((posted, stored))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await stored

    async def _write(self) -> None:
        while batch := self._waiting[:MOST]:
            del self._waiting[: len(batch)]
            await self._store(batch)
        self._writing = None

    async def _store(self, batch: Sequence[tuple[Posted, asyncio.Future[None]]]) -> None:
        try:
            async with self._database.write() as session:
                await keep_all(session, [posted for posted, _ in batch])
        except Exception as fault:  # noqa: BLE001 whoever posted it is told
            if len(batch) > 1 and not isinstance(fault, OperationalError | InterfaceError):
                for one in batch:
                    await self._store([one])  # only one of them is at fault
                return
            for _, stored in batch:
                if not stored.done():
                    stored.set_exception(fault)
        else:
            for _, stored in batch:
                if not stored.done():
                    stored.set_result(None)


async def keep_all(session: WriteSession, posted: Sequence[Posted]) -> int:
    """Store events; see `keep_new`. How many were not stored already."""
    return len(await keep_new(session, posted))


async def keep_new(session: WriteSession, posted: Sequence[Posted]) -> set[tuple[str, str]]:
    """Store events, card numbers masked: the only way into the inbox. Providers and names of those not stored already.

    Raises Unreadable, before anything is stored, where one of them has a name that cannot be kept.
    """
    if not posted:
        return set()
    if not all(keepable(one.event) for one in posted):
        raise Unreadable("no carrier gives an event such a name")
    providers, events, moments, paths, bodies, states = zip(*sorted(posted), strict=True)
    masked = [masked_event(provider, raw) for provider, raw in zip(providers, bodies, strict=True)]
    columns = {"providers": providers, "events": events, "moments": moments, "paths": paths, "bodies": masked}
    rows = {name: list(values) for name, values in columns.items()} | {"states": [state.value for state in states]}
    return {(row.provider, row.event) for row in await session.execute(KEEP, rows)}


def keepable(name: str) -> bool:
    """Whether something may be known by this name in the store."""
    return len(name.encode("utf-8", "replace")) <= LONGEST_NAME and NOT_TEXT.search(name) is None
