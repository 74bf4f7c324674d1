"""A decision run: facts out, the pure rule over them, decisions back by COPY, a few set-based statements to apply them.

The daily run and the re-decision of one client are the same code over more or fewer clients.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy.dialects.postgresql import insert

from engine.calendar import Hours, zone
from engine.courtesies import plan_courtesies
from engine.decide import decide
from engine.decision import CaseFacts, Decision
from engine.plan import Verb
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


Progress = Callable[[int, int], None]
"""Told of how many clients have been looked at, and of how many there are."""


def quietly(_done: int, _total: int) -> None:
    """Nobody watches."""


async def decide_all(database: Database, now: datetime, hours: Hours, progress: Progress = quietly) -> RunReport:
    """Decide for every client who owes or is worked, in chunks each whole: a killed run is simply run again."""
    async with database.read() as session:
        clients = await candidates(session, now)
    changes: Counter[str] = Counter()
    for start in range(0, len(clients), CHUNK):
        async with database.write() as session:
            for decision in await decide_clients(session, clients[start : start + CHUNK], now, hours):
                changes.update(kinds(decision))
        progress(min(start + CHUNK, len(clients)), len(clients))
    return RunReport(len(clients), changes)


async def decide_clients(session: WriteSession, clients: Sequence[int], now: datetime, hours: Hours) -> list[Decision]:
    """Decide for these clients and write what follows, in the caller's transaction. Locks the clients.

    The decisions that change something are given back.
    """
    await lock_clients(session, clients)
    decisions: list[Decision] = []
    async for facts, plan in facts_of(session, clients, now):
        decisions.append(decide(_after(decisions, facts), plan))
    written = await write_decisions(session, decisions, now, hours)
    if freed := _freed(written, decisions):
        # What a closing case held, such as a suspension, another may be waiting for; nothing closes twice.
        written += await decide_clients(session, freed, now, hours)
    return written


def _freed(written: Sequence[Decision], decisions: Sequence[Decision]) -> list[int]:
    """Clients of whom one case has closed while they have work on another plan too."""
    positions = Counter(one.facts.client for one in decisions)
    closed = {one.facts.client for one in written if one.ending is not None}
    return sorted(client for client in closed if positions[client] > 1)


def _after(decisions: Sequence[Decision], facts: CaseFacts) -> CaseFacts:
    """The facts of a client's next plan, after what was decided on their others: a contact, a suspension (A15)."""
    for before in reversed(decisions):
        if before.facts.client != facts.client:
            break
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


def kinds(decision: Decision) -> list[str]:
    """What a decision changes, in the words that a run counts."""
    found = [f"case {decision.status}"] if decision.status is not None else []
    found += ["stage entered"] if decision.enters else []
    found += ["contact"] * len(decision.approaches)
    found += [instruction.verb.value for instruction in decision.instructions]
    return found + [f"task {work.kind}" for work in decision.work]


async def decide_day(
    database: Database, day: date, now: datetime, hours: Hours, progress: Progress = quietly
) -> RunReport | None:
    """The daily run of `day`, a day of the deployment's zone; None when it is done already.

    The day is marked only after its run: one that was killed is run again, which doubles nothing.
    """
    async with database.read() as session:
        if await session.get(DailyRun, (DAILY, day)) is not None:
            return None
    report = await decide_all(database, now, hours, progress)
    report.changes["courtesy"] = await plan_courtesies(database, now, hours)
    async with database.write() as session:
        await session.execute(insert(DailyRun).values(job=DAILY, day=day, done_at=now).on_conflict_do_nothing())
    return report
