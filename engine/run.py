"""A decision run: facts out, the pure rule over them, decisions back by COPY, a few set-based statements to apply them.

The run over the whole base, the run over what has changed and the re-decision of one client are the same code over
more or fewer clients. What a run has to write it writes in batches, each a transaction of its own.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from time import perf_counter

from engine.calendar import Hours, zone
from engine.decide import decide
from engine.decision import CaseFacts, Decision
from engine.plan import Plan, Verb
from engine.rest import rests_until
from engine.store.decisions import Span, apply
from engine.store.facts import positions_of, slices
from engine.store.feed import changed_clients, changed_since, note_decided, settle_marks, settle_seen, snapshot
from engine.store.leases import Lease
from engine.store.rests import Seen, rest, seen_by
from engine.store.runs import Tally, done_before, note_slice
from engine.store.session import Database, WriteSession, lock_clients

WIDTH = 1_500
"""Clients looked at in one go: so many facts are in memory at a time, and that much is done again after a kill."""

BATCH = 200
"""Clients whose decisions are written in one transaction: a payment of theirs waits no longer than that takes."""

AHEAD = 2
"""Slices under way beside the one that is written."""

BREATH = 20
"""Clients decided for before others on the same event loop have their turn: who writes holds rows meanwhile."""

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


@dataclass(slots=True)
class _Decided:
    """What was decided on the facts of a slice of clients: of each with news all decisions, for they belong together.

    `rests` is from which day of theirs to which a client can be left alone; `seen` what the facts are as new as.
    """

    slice: Sequence[int]
    seen: Seen
    clients: int = 0
    news: list[list[Decision]] = field(default_factory=list)
    rests: dict[int, tuple[date, date]] = field(default_factory=dict)


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
    async with aclosing(_read_ahead(database, left, now)) as coming:
        async for decided in coming:
            if total.batches >= planned_at:
                await database.plan_anew()
                planned_at = 2 * total.batches + 1
            total += await _write_slice(database, decided, now, hours, book)
            passed += len(decided.slice)
            progress(passed, there_are)
    if not again:
        await settle_seen(database, seen)
    return total


async def _read_ahead(
    database: Database, coming: Sequence[Sequence[int]], now: datetime
) -> AsyncGenerator[_Decided, None]:
    """The slices in their order, the next ones under way: the database looks one up while another is decided on here
    and a third is written.
    """
    under_way = deque[asyncio.Task[_Decided]]()
    try:
        for slice_ in coming:
            under_way.append(asyncio.create_task(_decide_slice(database, slice_, now)))
            if len(under_way) > AHEAD:
                yield await under_way.popleft()
        while under_way:
            yield await under_way.popleft()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _decide_slice(database: Database, slice_: Sequence[int], now: datetime) -> _Decided:
    async with database.read() as session:
        decided = _Decided(slice_, await seen_by(session))
        async for positions in positions_of(session, slice_, now):
            decided.clients += 1
            decisions = _decide(positions)
            decided.rests.update([_rest(positions, decisions)])
            if any(one.news for one in decisions):
                decided.news.append(decisions)
            if decided.clients % BREATH == 0:
                await asyncio.sleep(0)
    return decided


async def _write_slice(database: Database, decided: _Decided, now: datetime, hours: Hours, book: Book | None) -> Tally:
    """Write what is new of a slice, in batches; the slice is noted in the book together with the last one.

    Who has no news rests from then on: that is lost without harm.
    """
    tally = Tally(decided.clients)
    batches = [decided.news[start : start + BATCH] for start in range(0, len(decided.news), BATCH)]
    # Without anything to write there is still the slice to note.
    for number, batch in enumerate(batches or ([] if book is None else [[]])):
        began = perf_counter()
        async with database.write() as session:
            if book is not None:
                await book.lease.keep(session)
            written = await _write_unless_changed(session, batch, decided, now, hours)
            tally += Tally(0, counted(written), 1)
            if book is not None and number >= len(batches) - 1:
                await note_slice(session, book.job, book.day, decided.slice[-1], tally, now)
        tally += Tally(longest=perf_counter() - began)
    if decided.rests:
        async with database.write() as session:
            if book is not None:
                await book.lease.keep(session)
            await rest(session, decided.rests, decided.seen)
    return tally


async def _write_unless_changed(
    session: WriteSession, batch: Sequence[list[Decision]], decided: _Decided, now: datetime, hours: Hours
) -> list[Decision]:
    """Write decisions made on facts read before the clients were held; who has changed since is decided anew."""
    clients = [decisions[0].facts.client for decisions in batch]
    if not clients:
        return []
    await lock_clients(session, clients)
    changed = await changed_since(session, clients, decided.seen.snapshot)
    kept = [one for decisions in batch if decisions[0].facts.client not in changed for one in decisions]
    for client in changed:
        del decided.rests[client]
    rests = {client: decided.rests.pop(client) for client in clients if client not in changed}
    await note_decided(session, list(rests))
    await rest(session, rests, decided.seen)
    written = await _write_and_follow(session, kept, now, hours)
    return written + await decide_clients(session, sorted(changed), now, hours) if changed else written


async def decide_changed(database: Database, now: datetime, hours: Hours) -> Tally:
    """Decide for the clients whose facts have changed since somebody last decided for them."""
    total = Tally()
    while True:
        began = perf_counter()
        async with database.write() as session:
            clients = await changed_clients(session, BATCH)
            written = await decide_clients(session, clients, now, hours, resting=True) if clients else []
        if clients:
            total += Tally(len(clients), counted(written), 1, perf_counter() - began)
        if len(clients) < BATCH:
            return total


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
    found = [(positions, _decide(positions)) async for positions in positions_of(session, clients, now)]
    if seen is not None:
        await rest(session, dict(_rest(*one) for one in found), seen)
    return await _write_and_follow(session, [one for _, decisions in found for one in decisions], now, hours)


async def _write_and_follow(
    session: WriteSession, decisions: Sequence[Decision], now: datetime, hours: Hours
) -> list[Decision]:
    written = await write_decisions(session, decisions, now, hours)
    if freed := _freed(written, decisions):
        # What a closing case held, such as a suspension, another may be waiting for; nothing closes twice.
        written += await decide_clients(session, freed, now, hours)
    return written


def _decide(positions: Sequence[tuple[CaseFacts, Plan]]) -> list[Decision]:
    """The decisions for one client, on each of their plans."""
    decisions: list[Decision] = []
    for facts, plan in positions:
        decisions.append(decide(_after(decisions, facts) if decisions else facts, plan))
    return decisions


def _rest(positions: Sequence[tuple[CaseFacts, Plan]], decisions: Sequence[Decision]) -> tuple[int, tuple[date, date]]:
    """The client, and from which day to which they can be left alone."""
    facts = decisions[0].facts
    return facts.client, (facts.today, rests_until([plan for _, plan in positions], decisions))


def _freed(written: Sequence[Decision], decisions: Sequence[Decision]) -> list[int]:
    """Clients of whom one case has closed while they have work on another plan too."""
    closed = {one.facts.client for one in written if one.ending is not None}
    positions = Counter(one.facts.client for one in decisions) if closed else Counter[int]()
    return sorted(client for client in closed if positions[client] > 1)


def _after(decisions: Sequence[Decision], facts: CaseFacts) -> CaseFacts:
    """The facts of a client's next plan, after what was decided on their others: a contact, a suspension (A15)."""
    for before in decisions:
        suspended = {one.account for one in before.instructions if one.verb is Verb.SUSPEND_SERVICE}
        facts = replace(
            facts,
            last_contact_on=facts.today if before.approaches else facts.last_contact_on,
            suspended_elsewhere=facts.suspended_elsewhere | suspended,
        )
    return facts


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
