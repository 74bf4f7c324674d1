"""Facts for the decision: set-based out of SQL, streamed by COPY, one row per client, plan and currency."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from engine.debt import Hold, HoldKind, Owed
from engine.decide import CaseFacts, CaseStatus, RunningCase
from engine.document import Plain, stored
from engine.plan import Plan, Verb, plan
from engine.store.session import PLAN_TEXTS, ReadSession, driver

CANDIDATES = """
select client_id from invoices where balance > 0 and due <= (%(now)s + interval '1 day')::date
union
select client_id from cases where closed_at is null
order by client_id
"""

FACTS = """
with scope as (
  select c.id, c.group_id, c.plans, c.timezone, (%(now)s::timestamptz at time zone c.timezone)::date as today
  from clients c where c.id = any(%(clients)s::bigint[])
), positions as (
  select s.*, held.currency
  from scope s cross join lateral (
    select a.currency from invoices i join accounts a on a.id = i.account_id
    where i.client_id = s.id and i.balance > 0 and i.due <= s.today
    union
    select k.currency from cases k where k.client_id = s.id and k.closed_at is null
  ) held
)
select p.id, p.currency, p.timezone, p.today,
       coalesce(k.plan_id, v.id), k.id, k.cycle, k.stage, k.started_on, k.stage_entered_on, k.told,
       (select coalesce(max(cycle), 0) from cases c
        where c.client_id = p.id and c.plan_name = v.name and c.currency = p.currency),
       owed.invoices, owed.accounts, owed.services, owed.dues, owed.balances,
       holds.kinds, holds.amounts, holds.invoices, holds.accounts, holds.untils,
       orders.stages, orders.verbs, orders.accounts,
       missed.ids
from positions p
join plans v on v.in_force and v.group_id = p.group_id
  and (v.name = any(p.plans) or (p.plans = '{}' and v.standard))
left join cases k on k.client_id = p.id and k.plan_name = v.name and k.currency = p.currency and k.closed_at is null
left join lateral (
  select array_agg(i.id order by i.due, i.ref) as invoices, array_agg(a.id order by i.due, i.ref) as accounts,
         array_agg(a.service order by i.due, i.ref) as services, array_agg(i.due order by i.due, i.ref) as dues,
         array_agg(i.balance order by i.due, i.ref) as balances
  from invoices i join accounts a on a.id = i.account_id and a.currency = p.currency
  where i.client_id = p.id and i.balance > 0 and i.due <= p.today
) owed on true
left join lateral (
  select array_agg(h.kind order by h.since) as kinds, array_agg(h.amount order by h.since) as amounts,
         array_agg(h.invoice_id order by h.since) as invoices, array_agg(h.account_id order by h.since) as accounts,
         array_agg(h.until order by h.since) as untils
  from conditional_payments h where h.client_id = p.id and h.currency = p.currency and h.amount > 0
) holds on true
left join lateral (
  select array_agg(o.stage) as stages, array_agg(o.verb) as verbs, array_agg(o.account_id) as accounts
  from service_orders o where o.case_id = k.id
) orders on true
left join lateral (
  select array_agg(i.id order by i.id) as ids
  from installment_plans ip join installments i on i.plan_id = ip.id
  where ip.client_id = p.id and ip.currency = p.currency and ip.ended_at is null and i.due < p.today
    and i.amount > coalesce((select sum(a.amount) from appropriations a where a.installment_id = i.id), 0)
    and not exists (select from tasks t where t.source = 'installment:' || i.id)
) missed on true
order by p.id, p.currency, v.id
"""

TYPES = [
    *("int8", "text", "text", "date"),
    *("int8", "int8", "int4", "int4", "date", "date", "text", "int4"),
    *("int8[]", "int8[]", "text[]", "date[]", "int8[]"),
    *("text[]", "int8[]", "int8[]", "int8[]", "date[]"),
    *("int4[]", "text[]", "int8[]"),
    "int8[]",
]


async def candidates(session: ReadSession, now: datetime) -> list[int]:
    """The clients a full run has to look at: who owes anything due, or is being worked."""
    connection = await driver(session)
    async with connection.cursor() as cursor:
        await cursor.execute(CANDIDATES, {"now": now})
        return [row[0] for row in await cursor.fetchall()]


async def facts_of(
    session: ReadSession, clients: Sequence[int], now: datetime
) -> AsyncIterator[tuple[CaseFacts, Plan]]:
    """The facts of these clients at `now`, each with the plan version that applies, by client id."""
    plans = Plans(session)
    connection = await driver(session)
    rows = []
    async with connection.cursor() as cursor:
        statement = f"copy ({FACTS}) to stdout (format binary)"
        async with cursor.copy(statement, {"now": now, "clients": list(clients)}) as copy:
            copy.set_types(TYPES)
            rows = [row async for row in copy.rows()]
    for row in rows:
        terms = await plans.terms(row[4], row[1])
        yield _facts(row, terms), terms


class Plans:
    """Plan versions by id, each read from its database once: a version never changes."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._texts: dict[int, tuple[str, str]] = session.info[PLAN_TEXTS]

    async def terms(self, plan_id: int, currency: str) -> Plan:
        """The plan version, its sums in `currency`."""
        if plan_id not in self._texts:
            connection = await driver(self._session)
            async with connection.cursor() as cursor:
                await cursor.execute("select name, version, terms::text from plans where id = %s", (plan_id,))
                name, version, terms = (await cursor.fetchall())[0]
            self._texts[plan_id] = (f"plan {name}, version {version}", terms)
        return _terms(*self._texts[plan_id], currency)


@lru_cache(maxsize=512)
def _terms(label: str, terms: str, currency: str) -> Plan:
    value: Plain = json.loads(terms)
    return plan(stored(value, label), currency)


def _facts(row: tuple[Any, ...], terms: Plan) -> CaseFacts:
    client, currency, zone, today, plan_id = row[:5]
    case_id, cycle, stage, started_on, entered_on, told, cycles = row[5:12]
    case = None
    if case_id is not None:
        ordered = frozenset((at, Verb(verb), account) for at, verb, account in _zip(row[22:25]))
        case = RunningCase(case_id, cycle, stage, started_on, entered_on, CaseStatus(told), ordered)
    return CaseFacts(
        client=client,
        plan=plan_id,
        currency=currency,
        zone=zone,
        today=today,
        owed=tuple(
            Owed(invoice, account, due, balance)
            for invoice, account, service, due, balance in _zip(row[12:17])
            if not terms.services or service in terms.services
        ),
        holds=tuple(
            Hold(HoldKind(kind), amount, invoice, account, until)
            for kind, amount, invoice, account, until in _zip(row[17:22])
        ),
        cycles=cycles,
        case=case,
        missed=tuple(row[25] or ()),
    )


def _zip(arrays: Sequence[list[Any] | None]) -> list[tuple[Any, ...]]:
    return list(zip(*(array or () for array in arrays), strict=True))
