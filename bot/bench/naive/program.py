"""The decision run as one would write it first: client after client by the ORM, a commit after each 500.

It reads the same facts, asks the same rule and leaves the same rows as the engine does, which the benchmark checks. It
is kept as what the engine is compared with. A client of the generated portfolio is on one plan and in one currency,
so what several plans have to tell one another is left out here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.bench.naive.facts import facts_of
from bot.bench.naive.writing import write
from engine.calendar import Hours, zone
from engine.decide import decide
from engine.document import stored
from engine.full_run import Progress
from engine.plan import Plan
from engine.plan_file import plan
from engine.store.session import Database
from engine.store.tables.portfolio import Client, PlanVersion

COMMIT_AFTER = 500


async def decide_naively(database: Database, now: datetime, hours: Hours, progress: Progress) -> None:
    """Decide for every client and write what follows."""
    async with database.read() as session:
        clients = (await session.scalars(select(Client.id).order_by(Client.id))).all()
    for start in range(0, len(clients), COMMIT_AFTER):
        async with database.write() as session:
            await session.run_sync(_decide_for, clients[start : start + COMMIT_AFTER], now, hours)
        progress(min(start + COMMIT_AFTER, len(clients)), len(clients))


def _decide_for(session: Session, clients: Sequence[int], now: datetime, hours: Hours) -> None:
    @cache
    def terms(version: int, currency: str) -> Plan:
        row = session.get_one(PlanVersion, version)
        return plan(stored(row.terms, row.name), currency)

    for identifier in clients:
        client = session.get_one(Client, identifier)
        facts = facts_of(session, client, now)
        if facts is None:
            continue
        rule = terms(facts.plan, facts.currency)
        decision = decide(facts, rule)
        if decision.news:
            write(session, decision, rule.name, now, hours.next_span(now, zone(client.timezone)))
