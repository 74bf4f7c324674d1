"""The full run: all who owe or are worked, in slices; looked at, decided on and written beside one another.

What a slice has to write it writes in batches, each a transaction of its own. A run that was killed goes on where its
book says it was.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from time import perf_counter

from engine.calendar import Hours
from engine.decision import Decision
from engine.look import Decided, look_at, unless_of_all
from engine.run import AT_ONCE, BATCH, counted, write_unless_changed
from engine.store.aside import ASIDE, MOST, of_a_client, set_each_aside
from engine.store.facts import slices
from engine.store.feed import settle_seen, snapshot
from engine.store.growth import plan_anew_if_grown
from engine.store.leases import Lease
from engine.store.rests import rest
from engine.store.runs import Tally, done_before, note_slice
from engine.store.session import Database, WriteSession

WIDTH = 1_500
"""Clients of a slice. Of so many at a time there are facts in memory, for each slice under way; after a kill the slices
under way are done again."""

UNDER_WAY = 3
"""Slices under way together: the database looks one up while another is decided on here and a third is written."""

Progress = Callable[[int, int], None]
"""Told of how many of the clients to look at have been passed, and of how many there are."""


def quietly(_done: int, _total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Book:
    """Where a run that may be killed notes what it has done: slices of a job on a day, each written under a lease."""

    job: str
    day: date
    lease: Lease


async def decide_all(
    database: Database,
    now: datetime,
    hours: Hours,
    progress: Progress = quietly,
    book: Book | None = None,
    width: int = WIDTH,
    *,
    everybody: bool = False,
) -> Tally:
    """Decide for every client who owes or is worked. What the book says is done is not done again. Raises LeaseLost.

    Whose decisions nothing can have changed since they were last looked at is left out, unless `everybody` is wanted.
    """
    await plan_anew_if_grown(database)
    async with database.read() as session:
        seen = await snapshot(session)
        through, total = await done_before(session, book.job, book.day) if book else (0, Tally())
        left = await slices(session, now, width, through, awake=not everybody, abreast=UNDER_WAY)
    passed, again = total.clients, through > 0
    there_are = passed + sum(map(len, left))
    async with aclosing(_in_order(left, _Run(database, now, hours, book))) as done:
        async for slice_, tally in done:
            total += tally
            passed += len(slice_)
            progress(passed, there_are)
            await plan_anew_if_grown(database)
    if not again:
        await settle_seen(database, seen)
    return total


async def _in_order(slices: Sequence[Sequence[int]], run: _Run) -> AsyncGenerator[tuple[Sequence[int], Tally]]:
    """What each slice comes to, one after the other, with the next ones under way."""
    under_way, last = deque[tuple[Sequence[int], asyncio.Task[Tally]]](), None
    try:
        for slice_ in slices:
            last = asyncio.create_task(run.slice(slice_, last))
            under_way.append((slice_, last))
            if len(under_way) == UNDER_WAY:
                yield under_way[0][0], await under_way[0][1]
                under_way.popleft()
        for done, task in under_way:
            yield done, await task
    finally:
        for _, task in under_way:
            task.cancel()
        await asyncio.gather(*(task for _, task in under_way), return_exceptions=True)


@dataclass(frozen=True, slots=True)
class _Run:
    """A run: where, when, and under which book if there is one."""

    database: Database
    now: datetime
    hours: Hours
    book: Book | None
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    @asynccontextmanager
    async def transaction(self, *, ending: bool = False) -> AsyncIterator[WriteSession]:
        """One of few at a time. Those that end a slice hold on to the run; all are void where it is another's."""
        async with self.places, self.database.write() as session:
            yield session
            if self.book is not None:
                lease = self.book.lease
                await (lease.keep(session) if ending else lease.check(session))

    async def slice(self, slice_: Sequence[int], before: asyncio.Task[Tally] | None) -> Tally:
        """Decide for a slice and write what is new of it, in batches. It is noted in the book once the slice `before`
        is: together with its last batch, if that slice is done by then.

        Who has no news rests from then on.
        """
        decided = await look_at(self.database, slice_, self.now)
        tally, clients = Tally(decided.clients), decided.clients + len(decided.aside)
        *batches, last = [decided.news[start : start + BATCH] for start in range(0, len(decided.news), BATCH)] or [[]]
        for batch in batches:
            tally += await self._batch(batch, decided)
        if before is not None:
            if not before.done():
                tally += await self._batch(last, decided)
                last = []
                await asyncio.wait([before])
            before.result()
        if not decided.aside:
            try:
                return tally + await self._together(last, decided, tally)
            except Exception as fault:
                if not last or not of_a_client(fault):
                    raise
        tally += await self._batch(last, decided)
        # Only now is it known that the faults are those of few.
        await unless_of_all(self.database, decided.aside, clients, self.now)
        await set_each_aside(self.transaction, decided.aside, self.now)
        tally += await self._together([], decided, tally)
        return tally + Tally(changes={ASIDE: len(decided.aside)})

    async def _batch(self, batch: Sequence[list[Decision]], decided: Decided) -> Tally:
        """A batch as one transaction, or each client by themselves where one of them cannot be written."""
        try:
            return await self._together(batch, decided)
        except Exception as fault:
            if not of_a_client(fault):
                raise
        tally = Tally()
        for decisions in batch:
            try:
                tally += await self._together([decisions], decided)
            except Exception as fault:
                if not of_a_client(fault) or len(decided.aside) == MOST:
                    raise
                decided.aside[decisions[0].facts.client] = fault
        return tally

    async def _together(self, batch: Sequence[list[Decision]], decided: Decided, so_far: Tally | None = None) -> Tally:
        """One transaction. With what the slice has come to `so_far` it is the last, which ends the slice."""
        clients = [decisions[0].facts.client for decisions in batch]
        async with self.transaction(ending=so_far is not None) as session:
            began = perf_counter()
            written = await write_unless_changed(session, batch, decided, self.now, self.hours) if batch else []
            tally = Tally(0, counted(written), 1 if batch else 0)
            if so_far is not None:
                await self._end(session, decided, clients, so_far + tally)
        for client in clients:
            del decided.rests[client]
        return tally + Tally(longest=perf_counter() - began)

    async def _end(self, session: WriteSession, decided: Decided, written: Sequence[int], tally: Tally) -> None:
        quiet = decided.rests.keys() - written - decided.aside.keys()
        if quiet:
            await rest(session, {client: decided.rests[client] for client in sorted(quiet)}, decided.seen, held=False)
        if self.book is not None:
            told = tally + Tally(changes={ASIDE: len(decided.aside)})
            await note_slice(session, self.book.job, self.book.day, decided.slice[-1], told, self.now)
