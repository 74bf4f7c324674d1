"""Why something was done about a client on a day, or nothing: the decision log read back with all that it rests on.

The log keeps a line when a decision says something new, so the latest line up to the end of a day is the answer for
that day. For the present day the decision is taken anew, and shown beside the log where it says something else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import select, text

from engine.calendar import at_local, local_day, zone
from engine.decide import decide
from engine.decision import Decision
from engine.explaining.logbook import Line, Logbook
from engine.explaining.traces import Traces, traces
from engine.money import Money
from engine.store.facts import Plans, facts_of
from engine.store.session import ReadSession
from engine.store.tables.casework import Case, DecisionRow, DeferralRow, DunningPause
from engine.store.tables.portfolio import Client


class UnknownClient(LookupError):
    """There is no client of that reference in the case store."""


class NotYet(ValueError):
    """That day has not come: nothing has been decided for it."""


@dataclass(frozen=True, slots=True)
class Work:
    """The work on one plan in one currency: the decision that held at the end of the day, and all of that very day.

    `preview` is what would be decided now, where that is not what the log says.
    """

    plan: str
    line: Line | None
    lines: tuple[Line, ...]
    preview: Line | None = None


@dataclass(frozen=True, slots=True)
class Restraint:
    """A pause of the client, or a stage a person skips (`until` None) or holds back."""

    stage: str | None
    until: date | None
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Why:
    """The whole answer for one client and one of their days.

    `known_since` is the day of the first trace of them; `due` what was unpaid and due at the end of the day, whatever
    plans include; `ran` whether the daily run was done.
    """

    client: str
    zone: str
    today: date
    day: date
    known_since: date | None
    due: tuple[Money, ...]
    ran: bool
    works: tuple[Work, ...]
    restraints: tuple[Restraint, ...]
    traces: Traces


SILENCE = text("""
select (select min(seen.at) from (
          select min(at) as at from ledger_entries where client_id = :client and invoice_id is null
          union all select min(at) from invoices i join ledger_entries l on l.invoice_id = i.id
                    where i.client_id = :client
          union all select min(at) from case_events where client_id = :client
          union all select min(at) from decisions where client_id = :client
          union all select min(opened_at) from conversations where client_id = :client) seen),
       exists (select from daily_runs where job = 'decide' and day = :day),
       array(select v.name from clients c
             join plans v on v.in_force and plan_applies(c.group_id, c.plans, v.group_id, v.name, v.standard)
             where c.id = :client order by v.name)
""")

DUE = text("""
select unpaid.currency, sum(unpaid.balance)::bigint from (
  select a.currency, sum(l.amount) as balance
  from invoices i join accounts a on a.id = i.account_id join ledger_entries l on l.invoice_id = i.id
  where i.client_id = :client and i.due <= :day and l.at < :end
  group by a.currency, i.id having sum(l.amount) > 0
) unpaid group by unpaid.currency order by unpaid.currency
""")


async def why(session: ReadSession, client: str, day: date | None, now: datetime) -> Why:
    """The answer for a client of the billing system's reference, on a day of theirs (None: today).

    Raises UnknownClient, NotYet.
    """
    row = await session.scalar(select(Client).where(Client.ref == client))
    if row is None:
        raise UnknownClient(f"there is no client '{client}'; give the reference the billing system knows them by")
    tz = zone(row.timezone)
    today = local_day(now, tz)
    day = day or today
    if day > today:
        raise NotYet(f"{day} has not come where {client} lives: `amiable decide --dry-run --date {day}` looks ahead")
    asked = _Asked(session, row.id, day, at_local(day, time(), tz), at_local(day + timedelta(days=1), time(), tz))
    silence = (await session.execute(SILENCE, {"client": row.id, "day": day})).one()
    due = await session.execute(DUE, {"client": row.id, "day": day, "end": asked.end})
    return Why(
        client=client,
        zone=row.timezone,
        today=today,
        day=day,
        known_since=local_day(silence[0], tz) if silence[0] else None,
        due=tuple(Money(amount, currency) for currency, amount in due),
        ran=silence[1],
        works=await _works(asked, silence[2], now if day == today else None),
        restraints=await _restraints(asked),
        traces=await traces(session, row.id, asked.start, asked.end),
    )


class _Asked(NamedTuple):
    """A client's day, `[start, end)`."""

    session: ReadSession
    client: int
    day: date
    start: datetime
    end: datetime


async def _works(asked: _Asked, assigned: Sequence[str], now: datetime | None) -> tuple[Work, ...]:
    """The work on each plan. `now` where the day is the present one, for which the decision is taken anew."""
    rows = await asked.session.scalars(
        select(DecisionRow)
        .where(DecisionRow.client_id == asked.client, DecisionRow.at < asked.end)
        .order_by(DecisionRow.plan_name, DecisionRow.currency, DecisionRow.id)
    )
    logged: dict[tuple[str, str], list[DecisionRow]] = {}
    for row in rows:
        logged.setdefault((row.plan_name, row.currency), []).append(row)
    fresh: dict[tuple[str, str], Decision] = {}
    if now is not None:
        async for facts, plan in facts_of(asked.session, [asked.client], now):
            fresh[plan.name, facts.currency] = decide(facts, plan)
    book = await Logbook.open(asked.session, [asked.client])
    works = []
    for key in sorted({*logged, *fresh}):
        told, decision = logged.get(key, []), fresh.get(key)
        if told and decision is None and key[0] not in assigned and told[-1].day < asked.day:
            continue  # a plan the client has long left
        works.append(
            Work(
                plan=key[0],
                line=await book.logged(told[-1]) if told else None,
                lines=tuple([await book.logged(row) for row in told if row.day == asked.day]),
                preview=await book.taken(decision) if decision and decision.news else None,
            )
        )
    without = [name for name in assigned if name not in {work.plan for work in works}]
    return (*works, *(Work(name, None, ()) for name in without))


async def _restraints(asked: _Asked) -> tuple[Restraint, ...]:
    """Pauses of that day, and stages that people had put off by its end."""
    pauses = await asked.session.scalars(
        select(DunningPause)
        .where(DunningPause.client_id == asked.client, DunningPause.starts <= asked.day, DunningPause.ends > asked.day)
        .order_by(DunningPause.id)
    )
    deferred = await asked.session.execute(
        select(DeferralRow, Case.plan_id, Case.currency)
        .join(Case, Case.id == DeferralRow.case_id)
        .where(Case.client_id == asked.client, DeferralRow.made_at < asked.end)
        .where(DeferralRow.ended_at.is_(None) | (DeferralRow.ended_at >= asked.end))
        .where(Case.closed_at.is_(None) | (Case.closed_at >= asked.end))
        .order_by(DeferralRow.id)
    )
    plans = Plans(asked.session)
    found = [Restraint(None, one.ends, one.reason, one.made_by) for one in pauses]
    for row, plan, currency in deferred.all():
        stage = (await plans.terms(plan, currency)).stages[row.stage].name
        found.append(Restraint(stage, row.until, row.reason, row.made_by))
    return tuple(found)
