"""A decision run: facts out, the pure rule over them, decisions back, a few set-based statements to apply them.

The full run, the run over what has changed and the re-decision of one client are the same code over more or fewer
clients.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable, Sequence
from datetime import datetime
from time import perf_counter
from typing import Any

from engine.calendar import Hours, zone
from engine.decision import Decision
from engine.look import Decided, halves, look, rest_of, unless_of_all
from engine.store.aside import ASIDE, MOST, of_a_client, set_each_aside
from engine.store.decisions import Span, apply
from engine.store.feed import changed_clients, changed_since, settle_marks
from engine.store.growth import plan_anew_if_grown
from engine.store.rests import rest, seen_by
from engine.store.runs import Tally
from engine.store.session import Database, WriteSession, lock_clients, pipelined
from engine.store.steady import steadily

AT_ONCE = 2
"""So many transactions of decisions are under way together."""

BATCH, CHANGED = 200, 500
"""Clients whose decisions are written in one transaction: a payment of theirs waits no longer than that takes. Of those
who have changed fewer have news."""


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
        await plan_anew_if_grown(database)


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
    await unless_of_all(database, aside, len(clients), now)
    await set_each_aside(database.write, aside, now)
    return total + Tally(len(aside), {ASIDE: len(aside)}, len(aside))


async def decide_clients(
    session: WriteSession, clients: Sequence[int], now: datetime, hours: Hours, *, resting: bool = False
) -> list[Decision]:
    """Decide for these clients and write what follows, in the caller's transaction. Locks the clients.

    The decisions that change something are given back. With `resting` the next daily run need not look at who has
    nothing to wait for until then: worth its statement where clients are many.
    """
    async with pipelined(session), steadily(session):
        await lock_clients(session, clients)
        # The marks first: what changes after this statement is marked again, and looked at again.
        await settle_marks(session, clients)
        seen = await seen_by(session) if resting else None
        found = await look(session, clients, now)
        if seen is not None:
            await rest(session, dict(rest_of(*one) for one in found), seen, held=True)
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


async def write_unless_changed(
    session: WriteSession, batch: Sequence[list[Decision]], decided: Decided, now: datetime, hours: Hours
) -> list[Decision]:
    """Write decisions made on facts read before the clients were held; who has changed since is decided anew."""
    clients = [decisions[0].facts.client for decisions in batch]
    async with pipelined(session), steadily(session):
        await lock_clients(session, clients)
        changed = await changed_since(session, clients, decided.seen.snapshot)
        kept = [one for decisions in batch if decisions[0].facts.client not in changed for one in decisions]
        unchanged = [client for client in clients if client not in changed]
        await rest(session, {client: decided.rests[client] for client in unchanged}, decided.seen, held=True)
        written = await _write_and_follow(session, kept, now, hours)
    return written + await decide_clients(session, sorted(changed), now, hours) if changed else written


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
