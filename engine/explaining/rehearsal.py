"""A decision run that changes nothing: what would be done for each client at a moment, by the same rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from engine.courtesies import approach, coming_courtesies
from engine.decide import decide
from engine.decision import Decision
from engine.explaining.logbook import Line, Logbook
from engine.full_run import WIDTH, Progress, quietly
from engine.run import counted
from engine.store.facts import Plans, facts_of, slices
from engine.store.runs import Tally
from engine.store.session import ReadSession
from engine.store.tables.portfolio import Client, PlanVersion


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What would be decided for a client, by the reference of the billing system."""

    client: str
    line: Line


@dataclass(frozen=True, slots=True)
class Courtesy:
    """A courtesy contact that would be planned."""

    client: str
    plan: str
    occasion: str
    script: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A whole run: what it would change, client by client, and the same counts as of a run that is done."""

    tally: Tally
    decisions: Sequence[Rehearsed]
    courtesies: Sequence[Courtesy]


async def rehearse(session: ReadSession, now: datetime, progress: Progress = quietly) -> Rehearsal:
    """Decide for everybody as of `now`, which may lie ahead, on the debts and agreements the store knows of.

    Credit that would settle a bill by then is not used up beforehand, and no later step of the same day is played.
    """
    base = await slices(session, now, WIDTH)
    everybody = sum(map(len, base))
    tally, passed = Tally(), 0
    decisions: list[Rehearsed] = []
    for slice_ in base:
        decided = [decide(facts, plan) async for facts, plan in facts_of(session, slice_, now)]
        changing = [decision for decision in decided if decision.changes]
        tally += Tally(len({decision.facts.client for decision in decided}), counted(changing))
        decisions += await _told(session, changing)
        passed += len(slice_)
        progress(passed, everybody)
    courtesies = await _courtesies(session, now)
    return Rehearsal(tally + Tally(changes={"courtesy": len(courtesies)}), decisions, courtesies)


async def _told(session: ReadSession, decisions: Sequence[Decision]) -> list[Rehearsed]:
    numbers = sorted({decision.facts.client for decision in decisions})
    refs = await _refs(session, numbers)
    book = await Logbook.open(session, numbers)
    return [Rehearsed(refs[one.facts.client], await book.taken(one)) for one in decisions]


async def _courtesies(session: ReadSession, now: datetime) -> list[Courtesy]:
    rows = await coming_courtesies(session, now)
    refs = await _refs(session, sorted({row.client for row in rows}))
    names = {one.id: one.name for one in await session.scalars(select(PlanVersion))}
    plans = Plans(session)
    return [
        Courtesy(refs[row.client], names[row.plan], row.occasion, script, tuple(one.value for one in channels))
        for row in rows
        for script, channels in approach(row, await plans.terms(row.plan, row.currency))
    ]


async def _refs(session: ReadSession, numbers: Sequence[int]) -> dict[int, str]:
    return {one.id: one.ref for one in await session.scalars(select(Client).where(Client.id.in_(numbers)))}
