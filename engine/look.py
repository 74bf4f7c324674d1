"""Looking at clients: their facts out of the store, the rule over them, and until when they can be left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from engine.decide import decide
from engine.decision import CaseFacts, Decision
from engine.plan import Plan, Verb
from engine.rest import rests_until
from engine.store.aside import MOST, of_a_client
from engine.store.facts import positions_of, slices
from engine.store.rests import Seen, seen_by
from engine.store.session import Database, ReadSession
from engine.store.steady import steadily

BREATH = 20
"""Clients decided for before others on the same event loop have their turn: who writes holds rows meanwhile."""

Positions = Sequence[tuple[CaseFacts, Plan]]


@dataclass(slots=True)
class Decided:
    """What was decided on the facts of a slice of clients: of each with news all decisions, for they belong together.

    `rests` is until which day of theirs a client can be left alone; `seen` what the facts are as new as;
    `aside` are the clients nothing could be decided for, and why.
    """

    slice: Sequence[int]
    seen: Seen
    clients: int = 0
    news: list[list[Decision]] = field(default_factory=list)
    rests: dict[int, date] = field(default_factory=dict)
    aside: dict[int, Exception] = field(default_factory=dict)

    def add(self, found: Sequence[tuple[Positions, list[Decision]]]) -> None:
        """Clients with what was decided for them."""
        self.rests.update([rest_of(*one) for one in found])
        self.clients += len(found)
        self.news += [decisions for _, decisions in found if any(one.news for one in decisions)]


async def look_at(database: Database, slice_: Sequence[int], now: datetime) -> Decided:
    """Look at a slice. Where somebody's facts are at fault it is halved, and again, until only they are left out."""
    async with database.read() as session, steadily(session):
        decided, left = Decided(slice_, await seen_by(session)), [slice_]
        while left:
            part = left.pop()
            try:
                decided.add(await look(session, part, now, patient=True))
            except Exception as fault:
                if not of_a_client(fault) or len(decided.aside) == MOST:
                    raise
                if len(part) == 1:
                    decided.aside[part[0]] = fault
                else:
                    left += halves(part)
    return decided


async def unless_of_all(database: Database, faults: Mapping[int, Exception], clients: int, now: datetime) -> None:
    """Raises a fault where not one of so many clients, if they are several, could be decided for, nor any of some
    others who owe: none is theirs.
    """
    if not len(faults) == clients > 1:
        return
    async with database.read() as session:
        owing = [client for part in await slices(session, now, MOST) for client in part if client not in faults]
    some = owing[:: len(owing) // MOST + 1]
    if not some or not (await look_at(database, some, now)).clients:
        raise next(iter(faults.values()))


def halves(part: Sequence[int]) -> list[Sequence[int]]:
    """A part in two, the first of them last: to be taken up first."""
    middle = len(part) // 2
    return [part[middle:], part[:middle]]


async def look(
    session: ReadSession, clients: Sequence[int], now: datetime, *, patient: bool = False
) -> list[tuple[Positions, list[Decision]]]:
    """The facts of each of these clients who has any, and the decisions on each of their plans.

    Who is `patient` holds nobody, and lets others on the event loop go before.
    """
    found: list[tuple[Positions, list[Decision]]] = []
    async for positions in positions_of(session, clients, now):
        found.append((positions, _decide(positions)))
        if patient and len(found) % BREATH == 0:
            await asyncio.sleep(0)
    return found


def rest_of(positions: Positions, decisions: Sequence[Decision]) -> tuple[int, date]:
    """The client, and until which day they can be left alone."""
    return decisions[0].facts.client, rests_until([plan for _, plan in positions], decisions)


def _decide(positions: Positions) -> list[Decision]:
    """The decisions for one client, on each of their plans."""
    decisions: list[Decision] = []
    for facts, plan in positions:
        decisions.append(decide(_after(decisions, facts) if decisions else facts, plan))
    return decisions


def _after(decisions: Sequence[Decision], facts: CaseFacts) -> CaseFacts:
    """The facts of a client's next plan, after what was decided on their others: a contact, a suspension (A15)."""
    for before in decisions:
        suspended = {one.account for one in before.instructions if one.verb is Verb.SUSPEND_SERVICE}
        facts = facts._replace(
            last_contact_on=facts.today if before.approaches else facts.last_contact_on,
            suspended_elsewhere=facts.suspended_elsewhere | suspended,
        )
    return facts
