"""A decision run: facts out, the pure rule over them, decisions back by COPY, a few set-based statements to apply them.

The run over the whole base, the run over what has changed and the re-decision of one client are the same code over
more or fewer clients. What a run has to write it writes in batches, each a transaction of its own.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from time import perf_counter
from typing import Any

from engine.calendar import Hours, zone
from engine.decision import Decision
from engine.look import Decided, halves, look, look_ahead, rest_of
from engine.store.aside import ASIDE, MOST, of_a_client, set_aside, unless_of_all
from engine.store.decisions import Span, apply
from engine.store.facts import slices
from engine.store.feed import changed_clients, changed_since, note_decided, settle_marks, settle_seen, snapshot
from engine.store.leases import Lease
from engine.store.rests import rest, seen_by
from engine.store.runs import Tally, done_before, note_slice
from engine.store.session import Database, WriteSession, lock_clients

WIDTH = 1_500
"""Clients looked at in one go: so many facts are in memory at a time, and that much is done again after a kill."""

BATCH, CHANGED = 200, 500
"""Clients whose decisions are written in one transaction: a payment of theirs waits no longer than that takes. Of those
who have changed fewer have news."""
AT_ONCE = 2
"""So many such transactions are under way together where many have changed."""

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
    async with database.read() as session:
        seen = await snapshot(session)
        through, total = await done_before(session, book.job, book.day) if book else (0, Tally())
        left = await slices(session, now, width, through, awake=not everybody)
    passed, again = total.clients, through > 0
    there_are = passed + sum(map(len, left))
    planned_at = 1  # who has written nothing yet keeps the plans of the day before
    writing = _Writing(database, now, hours, book)
    async with aclosing(look_ahead(database, left, now)) as coming:
        async for decided in coming:
            if total.batches >= planned_at:
                await database.plan_anew(AT_ONCE)
                planned_at = 2 * total.batches + 1
            total += await writing.slice(decided)
            passed += len(decided.slice)
            progress(passed, there_are)
    if not again:
        await settle_seen(database, seen)
    return total


@dataclass(frozen=True, slots=True)
class _Writing:
    """How decisions are written: where, when, and under which book if there is one."""

    database: Database
    now: datetime
    hours: Hours
    book: Book | None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[WriteSession]:
        async with self.database.write() as session:
            yield session
            if self.book is not None:
                await self.book.lease.keep(session)

    async def slice(self, decided: Decided) -> Tally:
        """Write what is new of a slice, in batches; the slice is noted in the book together with the last one.

        Who has no news rests from then on.
        """
        tally, clients = Tally(decided.clients), decided.clients + len(decided.aside)
        batches = [decided.news[start : start + BATCH] for start in range(0, len(decided.news), BATCH)] or [[]]
        for start in range(0, len(batches) - 1, AT_ONCE):
            tally += await _at_once(self._batch(batch, decided) for batch in batches[:-1][start : start + AT_ONCE])
        if not decided.aside:
            try:
                return tally + await self._together(batches[-1], decided, tally)
            except Exception as fault:
                if not decided.news or not of_a_client(fault):
                    raise
        tally += await self._batch(batches[-1], decided)
        # Only now is it known that the faults are those of few.
        unless_of_all(list(decided.aside.values()), clients)
        await self.aside(decided.aside)
        tally += await self._together([], decided, tally)
        return tally + Tally(changes={ASIDE: len(decided.aside)})

    async def aside(self, faults: Mapping[int, Exception]) -> None:
        """Leave clients to a person."""
        for client, fault in faults.items():
            async with self.transaction() as session:
                await set_aside(session, client, fault, self.now)

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
        began, clients = perf_counter(), [decisions[0].facts.client for decisions in batch]
        async with self.transaction() as session:
            written = await _write_unless_changed(session, batch, decided, self.now, self.hours) if batch else []
            tally = Tally(0, counted(written), 1 if batch else 0)
            if so_far is not None:
                await self._end(session, decided, clients, so_far + tally)
        for client in clients:
            del decided.rests[client]
        return tally + Tally(longest=perf_counter() - began)

    async def _end(self, session: WriteSession, decided: Decided, written: Sequence[int], tally: Tally) -> None:
        quiet = decided.rests.keys() - written - decided.aside.keys()
        if quiet:
            await rest(session, {client: decided.rests[client] for client in sorted(quiet)}, decided.seen)
        if self.book is not None:
            told = tally + Tally(changes={ASIDE: len(decided.aside)})
            await note_slice(session, self.book.job, self.book.day, decided.slice[-1], told, self.now)


async def _write_unless_changed(
    session: WriteSession, batch: Sequence[list[Decision]], decided: Decided, now: datetime, hours: Hours
) -> list[Decision]:
    """Write decisions made on facts read before the clients were held; who has changed since is decided anew."""
    clients = [decisions[0].facts.client for decisions in batch]
    await lock_clients(session, clients)
    changed = await changed_since(session, clients, decided.seen.snapshot)
    kept = [one for decisions in batch if decisions[0].facts.client not in changed for one in decisions]
    unchanged = [client for client in clients if client not in changed]
    await note_decided(session, unchanged)
    await rest(session, {client: decided.rests[client] for client in unchanged}, decided.seen)
    written = await _write_and_follow(session, kept, now, hours)
    return written + await decide_clients(session, sorted(changed), now, hours) if changed else written


async def decide_changed(database: Database, now: datetime, hours: Hours) -> Tally:
    """Decide for the clients whose facts have changed since somebody last decided for them."""
    total = Tally()
    while True:
        async with database.read() as session:
            clients = await changed_clients(session, AT_ONCE * CHANGED)
        parts = [clients[start : start + CHANGED] for start in range(0, len(clients), CHANGED)]
        total += await _at_once(_decide_marked(database, part, now, hours) for part in parts)
        if len(clients) < AT_ONCE * CHANGED:
            return total


async def _at_once(writing: Iterable[Coroutine[Any, Any, Tally]]) -> Tally:
    """What some that write come to: the database works on one while another is decided on here.

    When one of them fails none is left under way.
    """
    total = Tally()
    for ended in await asyncio.gather(*writing, return_exceptions=True):
        if isinstance(ended, BaseException):
            raise ended
        total += ended
    return total


async def _decide_marked(database: Database, clients: Sequence[int], now: datetime, hours: Hours) -> Tally:
    """In one transaction; in halves, and these in halves, where somebody in it cannot be decided for."""
    total, left, aside = Tally(), [clients] if clients else [], dict[int, Exception]()
    while left:
        part, began = left.pop(), perf_counter()
        try:
            async with database.write() as session:
                written = await decide_clients(session, part, now, hours, resting=True)
        except Exception as fault:
            if not of_a_client(fault) or len(aside) == MOST:
                raise
            if len(part) == 1:
                aside[part[0]] = fault
            else:
                left += halves(part)
        else:
            total += Tally(len(part), counted(written), 1, perf_counter() - began)
    unless_of_all(list(aside.values()), len(clients))
    await _Writing(database, now, hours, None).aside(aside)
    return total + Tally(len(aside), {ASIDE: len(aside)}, len(aside))


async def decide_clients(
    session: WriteSession, clients: Sequence[int], now: datetime, hours: Hours, *, resting: bool = False
) -> list[Decision]:
    """Decide for these clients and write what follows, in the caller's transaction. Locks the clients.

    The decisions that change something are given back. With `resting` the next daily run need not look at who has
    nothing to wait for until then: worth its statement where clients are many.
    """
    await lock_clients(session, clients)
    # The marks first: what changes after this statement is marked again, and looked at again.
    await settle_marks(session, clients)
    seen = await seen_by(session) if resting else None
    found = await look(session, clients, now)
    if seen is not None:
        await rest(session, dict(rest_of(*one) for one in found), seen)
    return await _write_and_follow(session, [one for _, decisions in found for one in decisions], now, hours)


async def _write_and_follow(
    session: WriteSession, decisions: Sequence[Decision], now: datetime, hours: Hours
) -> list[Decision]:
    written = await write_decisions(session, decisions, now, hours)
    if freed := _freed(written, decisions):
        # What a closing case held, such as a suspension, another may be waiting for; nothing closes twice.
        written += await decide_clients(session, freed, now, hours)
    return written


def _freed(written: Sequence[Decision], decisions: Sequence[Decision]) -> list[int]:
    """Clients of whom one case has closed while they have work on another plan too."""
    closed = {one.facts.client for one in written if one.ending is not None}
    positions = Counter(one.facts.client for one in decisions) if closed else Counter[int]()
    return sorted(client for client in closed if positions[client] > 1)


async def write_decisions(
    session: WriteSession, decisions: Sequence[Decision], now: datetime, hours: Hours
) -> list[Decision]:
    """Write what is new in decisions about clients the caller has locked. Those that change something."""
    news = [decision for decision in decisions if decision.news]
    spans = {name: Span(*hours.next_span(now, zone(name))) for name in {one.facts.zone for one in news}}
    if news:
        await apply(session, news, now, spans)
    return [decision for decision in news if decision.changes]


def counted(decisions: Iterable[Decision]) -> Counter[str]:
    """What decisions change, in the words that a run counts."""
    return Counter(kind for one in decisions for kind in _kinds(one))


def _kinds(decision: Decision) -> list[str]:
    found = [f"case {decision.status}"] if decision.status is not None else []
    found += ["stage entered"] if decision.enters else []
    found += ["contact"] * len(decision.approaches)
    found += [instruction.verb.value for instruction in decision.instructions]
    return found + [f"task {work.kind}" for work in decision.work]
