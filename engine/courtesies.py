"""Contacts of courtesy: a word before an invoice, a promise or an installment falls due, and after one was missed.

None is sent unless a plan asks for it (`courtesy`, `follow_up`), none in a pause, none sooner after another contact
than the plan allows. Each is planned once: `source` is its key. A client is written to once a day and currency on an
occasion, for one message speaks of all bills of a day; what has to wait is looked at again the next day.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from engine.calendar import Hours, zone
from engine.contact import ChannelKind
from engine.notices import of_no_stage
from engine.plan import Plan
from engine.store.facts import Plans
from engine.store.leases import Lease
from engine.store.session import Database, ReadSession, WriteSession
from engine.store.tables.casework import Contact, Occasion

CHUNK = 2000
SCRIPTS = {
    Occasion.PROMISE_BEFORE: "promise_reminder",
    Occasion.PROMISE_BROKEN: "promise_broken",
    Occasion.INSTALLMENT_BEFORE: "installment_reminder",
    Occasion.INSTALLMENT_MISSED: "installment_missed",
}

ORDER = [
    *(Occasion.PROMISE_BEFORE.value, Occasion.INSTALLMENT_BEFORE.value),
    *(Occasion.PROMISE_BROKEN.value, Occasion.INSTALLMENT_MISSED.value),
]
"""What can still be kept goes before what was missed, and bills that are no debt yet come last."""

DUE = text("""
with followed as (
  select c.id as client_id, c.timezone, (:now at time zone c.timezone)::date as today, v.id as plan_id,
         v.terms -> 'follow_up' as wants, v.terms -> 'courtesy' as courtesies,
         coalesce((v.terms ->> 'min_days_between_contacts')::int, 0) as gap
  from clients c join plans v on v.in_force and plan_applies(c.group_id, c.plans, v.group_id, v.name, v.standard)
  where v.terms ?| array['follow_up', 'courtesy']
), occasions as (
  select f.*, 'promise_before' as occasion, p.currency, p.id as promise_id, null::bigint as installment_id,
         null::bigint as invoice_id, 0 as before_due, 'promise:' || p.id as subject
  from followed f join promises p on p.client_id = f.client_id and p.state = 'open'
  cross join lateral (select p.until - (f.wants ->> 'promise_before')::int as day) reminder
  where f.today between reminder.day and p.until and (p.made_at at time zone f.timezone)::date < reminder.day
union all
  select f.*, 'promise_broken', p.currency, p.id, null, null, 0, 'promise:' || p.id
  from followed f join promises p on p.client_id = f.client_id and p.state in ('broken', 'partly_kept')
  where (f.wants ->> 'promise_broken')::boolean and p.judged_at > :now - interval '2 days'
    and exists (select from invoices i where i.client_id = f.client_id and i.balance > 0)
union all
  select f.*, 'installment_before', ip.currency, null, i.id, null, 0, 'installment:' || i.id
  from followed f join installment_plans ip on ip.client_id = f.client_id and ip.ended_at is null
  join installments i on i.plan_id = ip.id
  cross join lateral (select i.due - (f.wants ->> 'installment_before')::int as day) reminder
  where f.today between reminder.day and i.due and (ip.agreed_at at time zone f.timezone)::date < reminder.day
    and i.amount > coalesce((select sum(a.amount) from appropriations a where a.installment_id = i.id), 0)
union all
  select f.*, 'installment_missed', ip.currency, null, i.id, null, 0, 'installment:' || i.id
  from followed f join installment_plans ip on ip.client_id = f.client_id and ip.ended_at is null
  join installments i on i.plan_id = ip.id
  where (f.wants ->> 'installment_missed')::boolean and i.due between f.today - 3 and f.today - 1
    and i.amount > coalesce((select sum(a.amount) from appropriations a where a.installment_id = i.id), 0)
union all
  select f.*, 'before_due', a.currency, null, null, i.id, (wish.value ->> 'before_due')::int,
         concat_ws(':', 'bills', f.client_id, a.currency, i.due, wish.value ->> 'before_due')
  from followed f cross join lateral jsonb_array_elements(f.courtesies) wish
  join invoices i on i.client_id = f.client_id and i.balance > 0
    and i.due - (wish.value ->> 'before_due')::int between f.today - 1 and f.today and i.due > f.today
  join accounts a on a.id = i.account_id
  -- Who is being chased is not reminded beside it, and who has paid in advance owes nothing on the day.
  where not exists (select from cases k where k.client_id = f.client_id and k.closed_at is null)
    and i.balance > coalesce(
      (select k.amount from credits k where k.client_id = f.client_id and k.currency = a.currency), 0)
)
select o.client_id, o.timezone, o.plan_id, o.occasion, o.currency, o.promise_id, o.installment_id, o.invoice_id,
       o.before_due, o.subject || ':' || o.occasion as source, a.service, a.provider, i.amount
from occasions o left join invoices i on i.id = o.invoice_id left join accounts a on a.id = i.account_id
where not exists (select from dunning_pauses p where p.client_id = o.client_id and p.starts <= o.today
                    and p.ends > o.today)
  and not exists (select from contacts c where c.source = o.subject || ':' || o.occasion)
  and not exists (
    select from contacts c
    cross join lateral (select (c.planned_at at time zone o.timezone)::date as day) planned
    where c.client_id = o.client_id and c.state in ('planned', 'opened')
      and c.occasion not in ('service_restored', 'promise_kept', 'dispute_opened')
      and (planned.day > o.today - o.gap
        or planned.day = o.today and c.occasion = o.occasion and c.currency = o.currency))
order by o.client_id, array_position(:order, o.occasion),
         i.due, o.promise_id, o.installment_id, o.invoice_id, o.plan_id
""")


class Row(NamedTuple):
    """One thing to be courteous about on a plan; `before_due` days and the last three are of a coming invoice only."""

    client: int
    timezone: str
    plan: int
    occasion: str
    currency: str
    promise: int | None
    installment: int | None
    invoice: int | None
    before_due: int
    source: str
    service: str | None
    provider: str | None
    amount: int | None


async def plan_courtesies(database: Database, now: datetime, hours: Hours, lease: Lease | None = None) -> int:
    """Plan the courtesies of the day for every client whose plan asks for them. How many were planned.

    Each transaction is written under the lease. Raises LeaseLost.
    """
    async with database.read() as session:
        rows = await coming_courtesies(session, now)
    for start in range(0, len(rows), CHUNK):
        async with database.write() as session:
            if lease is not None:
                await lease.keep(session)
            await _plan(session, rows[start : start + CHUNK], now, hours)
    return len(rows)


async def coming_courtesies(session: ReadSession, now: datetime) -> list[Row]:
    """What `plan_courtesies` plans at `now`: of several bills the first stands for all."""
    rows = [Row(*row) for row in await session.execute(DUE, {"now": now, "order": ORDER})]
    return [row async for row in _within_budget(rows, Plans(session))]


async def _within_budget(rows: Sequence[Row], plans: Plans) -> AsyncIterator[Row]:
    """The first of a client's rows for each currency and occasion, and only one where the plan keeps a distance."""
    told: set[tuple[int, str, str]] = set()
    written_to: set[int] = set()
    for row in rows:
        terms, key = await plans.terms(row.plan, row.currency), (row.client, row.currency, row.occasion)
        too_soon = key in told or (terms.min_days_between_contacts > 0 and row.client in written_to)
        if not too_soon and any(approach(row, terms)):
            told.add(key)
            written_to.add(row.client)
            yield row


async def _plan(session: WriteSession, rows: Sequence[Row], now: datetime, hours: Hours) -> None:
    plans = Plans(session)
    values = []
    for row in rows:
        terms = await plans.terms(row.plan, row.currency)
        for script, channels in approach(row, terms):
            send_from, send_until = hours.next_span(now, zone(row.timezone))
            values.append(
                {
                    "client_id": row.client,
                    "plan_id": row.plan,
                    "currency": row.currency,
                    "occasion": row.occasion,
                    "source": row.source,
                    "promise_id": row.promise,
                    "installment_id": row.installment,
                    "invoice_id": row.invoice,
                    "script": script,
                    **of_no_stage(channels, now),
                    "send_from": send_from,
                    "send_until": send_until,
                }
            )
    if values:
        await session.execute(insert(Contact).values(values).on_conflict_do_nothing(index_elements=["source"]))


def approach(row: Row, terms: Plan) -> Iterator[tuple[str, tuple[ChannelKind, ...]]]:
    """The script and the channels of a courtesy, where the plan includes what it is about."""
    if row.occasion != Occasion.BEFORE_DUE:
        yield SCRIPTS[Occasion(row.occasion)], terms.follow_up_channels
        return
    if terms.include.will_hold(row.service or "", row.provider or "", row.amount or 0):
        wish = next(one for one in terms.courtesies if one.before_due == row.before_due)
        yield wish.send.script, wish.send.channels
