"""The pool of a database's connections: of those that are free the one that was opened first is taken.

So a quiet process works on one or two of them, and what they have planned serves again; in another order, the last used
first too, each statement is planned by every connection that was ever needed at once.
"""

from __future__ import annotations

import asyncio

from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry
from sqlalchemy.util import memoized_property
from sqlalchemy.util.queue import AsyncAdaptedQueue


class _FirstOpened(asyncio.Queue[ConnectionPoolEntry]):
    """Free connections, in the order in which they first came here."""

    def _init(self, maxsize: int) -> None:
        self._queue: list[ConnectionPoolEntry] = []
        self._numbers: dict[ConnectionPoolEntry, int] = {}

    def _put(self, item: ConnectionPoolEntry) -> None:
        self._numbers.setdefault(item, len(self._numbers))
        self._queue.append(item)

    def _get(self) -> ConnectionPoolEntry:
        first = min(self._queue, key=self._numbers.__getitem__)
        self._queue.remove(first)
        return first


class _Free(AsyncAdaptedQueue[ConnectionPoolEntry]):
    @memoized_property
    def _queue(self) -> asyncio.Queue[ConnectionPoolEntry]:
        return _FirstOpened(self.maxsize)


class SteadyPool(AsyncAdaptedQueuePool):
    """The pool of `engine.store.session.Database`."""

    _queue_class = _Free
