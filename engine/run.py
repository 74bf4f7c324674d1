"""A decision run: facts out, the pure rule over them, decisions back by COPY, a few set-based statements to apply them.

The daily run and the re-decision of one client are the same code over more or fewer clients.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.dialects.postgresql import insert

from engine.calendar import Hours, zone
from engine.decide import Decision, decide
from engine.store.decisions import Span, apply
from engine.store.facts import candidates, facts_of
from engine.store.session import Database, WriteSession, lock_clients
from engine.store.tables.casework import DailyRun

CHUNK = 2000
DAILY = "decide"


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run decided: how many clients were looked at, and how many changes of each kind were written."""

    clients: int
    changes: Counter[str]


async def decide_all(database: Database, now: datetime, hours: Hours) -> RunReport:
    """Decide for every client who owes or is worked, in chunks each whole: a killed run is simply run again."""
    async with database.read() as session:
        clients = await candidates(session, now)
    changes: Counter[str] = Counter()
    for start in range(0, len(clients), CHUNK):
        async with database.write() as session:
            for decision in await decide_clients(session, clients[start : start + CHUNK], now, hours):
                changes.update(_kinds(decision))
    return RunReport(len(clients), changes)


async def decide_clients(session: WriteSession, clients: Sequence[int], now: datetime, hours: Hours) -> list[Decision]:
    """Decide for these clients and write what follows, in the caller's transaction. Locks the clients."""
    await lock_clients(session, clients)
    decisions = [decide(facts, plan) async for facts, plan in facts_of(session, clients, now)]
    changing = [decision for decision in decisions if decision.changes]
    spans = {name: Span(*hours.next_span(now, zone(name))) for name in {one.facts.zone for one in changing}}
    if changing:
        await apply(session, changing, now, spans)
    return changing


def _kinds(decision: Decision) -> list[str]:
    kinds = [f"case {decision.status}"] if decision.status is not None else []
    kinds += ["stage entered"] if decision.advances else []
    kinds += ["contact"] * len(decision.approaches)
    kinds += [instruction.verb.value for instruction in decision.instructions]
    return kinds + [f"task {work.kind}" for work in decision.work]


async def decide_day(database: Database, day: date, now: datetime, hours: Hours) -> RunReport | None:
    """The daily run of `day`, a day of the deployment's zone; None when it is done already.

    The day is marked only after its run: one that was killed is run again, which doubles nothing.
    """
    async with database.read() as session:
        if await session.get(DailyRun, (DAILY, day)) is not None:
            return None
    report = await decide_all(database, now, hours)
    async with database.write() as session:
        await session.execute(insert(DailyRun).values(job=DAILY, day=day, done_at=now).on_conflict_do_nothing())
    return report
