"""Decisions into the store: COPY into temporary tables, then set-based statements with unique keys.

Applying the same decision twice changes nothing: every row it writes has a key of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

from engine import record
from engine.decision import CaseStatus, Decision
from engine.store.feed import unmarked
from engine.store.session import WriteSession, copy_in, driver

TEMPORARY = """
create temporary table if not exists decided (
  case_id bigint, client_id bigint, plan_id bigint, currency text, cycle int, from_stage int, stage int, today date,
  begins boolean, moves boolean, enters boolean, status text, told text, ending text,
  real_debt bigint, conditional_debt bigint
) on commit delete rows;
create temporary table if not exists decided_contacts (
  case_id bigint, client_id bigint, plan_id bigint, currency text, stage int, action int, script text, channels text[],
  send_from timestamptz, send_until timestamptz
) on commit delete rows;
create temporary table if not exists decided_orders (
  case_id bigint, client_id bigint, account_id bigint, stage int, verb text
) on commit delete rows;
create temporary table if not exists decided_tasks (
  client_id bigint, kind text, reason text, source text
) on commit delete rows;
create temporary table if not exists decided_log (
  client_id bigint, plan_id bigint, currency text, case_id bigint, today date, key text, says jsonb, inputs jsonb
) on commit delete rows;
"""

COPIES = {
    "decided": "int8 int8 int8 text int4 int4 int4 date bool bool bool text text text int8 int8",
    "decided_contacts": "int8 int8 int8 text int4 int4 text text[] timestamptz timestamptz",
    "decided_orders": "int8 int8 int8 int4 text",
    "decided_tasks": "int8 text text text",
    "decided_log": "int8 int8 text int8 date text jsonb jsonb",
}

STATEMENTS: Mapping[str, tuple[str, ...]] = {
    "decided": (
        """
        insert into cases
          (id, client_id, plan_id, plan_name, currency, cycle, stage, started_on, stage_entered_on, entered, told,
           closed_at, closed_on, ending)
          overriding system value
        select d.case_id, d.client_id, d.plan_id, p.name, d.currency, d.cycle, d.stage, d.today,
               case when d.enters then d.today end, case when d.enters then array[d.stage] else '{}' end, d.status,
               case when d.ending is not null then %(now)s end, case when d.ending is not null then d.today end,
               d.ending
        from decided d join plans p on p.id = d.plan_id where d.begins
        """,
        """
        update cases k
        set stage = d.stage, stage_entered_on = case when d.moves then d.today else k.stage_entered_on end,
            entered = case when d.enters then k.entered || d.stage else k.entered end,
            told = d.status, ending = d.ending, closed_at = case when d.ending is not null then %(now)s end,
            closed_on = case when d.ending is not null then d.today end
        from decided d
        where k.id = d.case_id and not d.begins and k.closed_at is null and k.stage = d.from_stage
        """,
        """
        update contacts c set state = 'superseded'
        from decided d where d.ending = 'paid' and c.case_id = d.case_id and c.state = 'planned'
        """,
        """
        with nothing_left as (
          update promises p set remitted_at = %(now)s
          from decided d where d.ending = 'paid' and p.client_id = d.client_id and p.currency = d.currency
            and p.remits is not null and p.remitted_at is null and p.state = 'kept'
        )
        update payments p set status = 'rejected'
        from decided d where d.ending = 'paid' and p.client_id = d.client_id and p.currency = d.currency
          and p.source = 'claim' and p.status = 'unconfirmed'
        """,
        """
        update installment_plans p set ended_at = %(now)s, outcome = 'cancelled', reason = 'cleared by other means'
        from decided d
        where d.ending = 'paid' and p.client_id = d.client_id and p.currency = d.currency and p.ended_at is null
          and not exists (
            select from invoices i join accounts a on a.id = i.account_id
            where i.client_id = d.client_id and a.currency = d.currency and i.balance > 0 and i.due <= d.today)
        """,
        """
        insert into case_events (client_id, case_id, at, kind, detail)
        select d.client_id, d.case_id, %(now)s, told.kind,
               jsonb_build_object('stage', d.stage, 'cycle', d.cycle, 'real_debt', d.real_debt,
                                  'conditional_debt', d.conditional_debt, 'currency', d.currency, 'ending', d.ending)
        from decided d cross join lateral (
          select 'begun' as kind where d.begins
          union all select 'stage' where d.enters
          union all select 'stage_again' where d.moves and not d.enters
          union all select d.status where d.status <> coalesce(d.told, 'open')
        ) told
        """,
    ),
    "decided_contacts": (
        """
        insert into contacts (case_id, client_id, plan_id, currency, occasion, stage, action, touch, script, channels,
                              state, planned_at, send_from, send_until)
        select case_id, client_id, plan_id, currency, 'stage', stage, action, 0, script, channels, 'planned', %(now)s,
               send_from, send_until
        from decided_contacts on conflict do nothing
        """,
    ),
    "decided_orders": (
        """
        with ordered as (
          insert into service_orders (case_id, client_id, account_id, stage, verb, ordered_at)
          select case_id, client_id, account_id, stage, verb, %(now)s from decided_orders
          on conflict do nothing returning case_id, client_id, account_id, verb
        )
        insert into case_events (client_id, case_id, at, kind, detail)
        select o.client_id, o.case_id, %(now)s, 'ordered', jsonb_build_object('verb', o.verb, 'account', a.ref)
        from ordered o join accounts a on a.id = o.account_id
        """,
    ),
    "decided_tasks": (
        """
        with given as (
          insert into tasks (client_id, kind, reason, source, created_at)
          select client_id, kind, reason, source, %(now)s from decided_tasks
          on conflict do nothing returning client_id, kind, reason
        )
        insert into case_events (client_id, at, kind, detail)
        select client_id, %(now)s, 'task', jsonb_build_object('kind', kind, 'reason', reason) from given
        """,
    ),
    "decided_log": (
        """
        insert into decisions (client_id, plan_id, plan_name, currency, case_id, day, at, key, says, inputs)
        select l.client_id, l.plan_id, p.name, l.currency, l.case_id, l.today, %(now)s, l.key, l.says, l.inputs
        from decided_log l join plans p on p.id = l.plan_id
        """,
    ),
}
"""What is done with the rows of each temporary table, cases before what belongs to them."""


class Span(NamedTuple):
    """The hours in which a contact may go out, `[start, end)` in UTC."""

    start: datetime
    end: datetime


async def apply(session: WriteSession, decisions: Sequence[Decision], now: datetime, spans: Mapping[str, Span]) -> None:
    """Write what these decisions change. `spans` gives the contact hours of each time zone among them."""
    connection = await driver(session)
    async with connection.cursor() as cursor:
        await cursor.execute(TEMPORARY)
        ids = await _case_ids(cursor, decisions)
        rows = _rows(decisions, ids, spans)
        # A decision is no new fact for itself.
        async with unmarked(cursor):
            for table, statements in STATEMENTS.items():
                if rows[table]:
                    await copy_in(cursor, table, COPIES[table].split(), rows[table])
                    for statement in statements:
                        await cursor.execute(statement, {"now": now} if "%(now)s" in statement else None)
                    await cursor.execute(f"delete from {table}")


def _rows(
    decisions: Sequence[Decision], ids: Sequence[int | None], spans: Mapping[str, Span]
) -> Mapping[str, list[tuple[Any, ...]]]:
    """What goes into each temporary table."""
    numbered = list(zip(decisions, ids, strict=True))
    return {
        "decided": [_case_row(one, number) for one, number in numbered if one.status is not None],
        "decided_contacts": list(_contact_rows(numbered, spans)),
        "decided_orders": [
            (number, one.facts.client, order.account, order.stage, order.verb.value)
            for one, number in numbered
            for order in one.instructions
        ],
        "decided_tasks": [
            (one.facts.client, work.kind.value, work.reason, work.source) for one in decisions for work in one.work
        ],
        "decided_log": [_log_row(one, number) for one, number in numbered],
    }


async def _case_ids(cursor: psycopg.AsyncCursor[Any], decisions: Sequence[Decision]) -> list[int | None]:
    """The case of each decision; those that begin one get their id here, so that nothing has to be joined back."""
    beginning = sum(decision.begins for decision in decisions)
    fresh: Iterator[int] = iter(())
    if beginning:
        await cursor.execute(
            "select nextval(pg_get_serial_sequence('cases', 'id')) from generate_series(1, %s)", (beginning,)
        )
        fresh = iter([row[0] for row in await cursor.fetchall()])
    return [next(fresh) if one.begins else one.facts.case.id if one.facts.case else None for one in decisions]


def _case_row(decision: Decision, case_id: int | None) -> tuple[Any, ...]:
    facts = decision.facts
    return (
        case_id,
        facts.client,
        facts.plan,
        facts.currency,
        facts.case.cycle if facts.case else facts.cycles + 1,
        facts.case.stage if facts.case else decision.stage,
        decision.stage,
        facts.today,
        decision.begins,
        decision.moves,
        decision.enters,
        (decision.status or CaseStatus.OPEN).value,
        facts.case.told.value if facts.case else None,
        decision.ending.value if decision.ending else None,
        decision.standing.real,
        decision.standing.conditional,
    )


def _contact_rows(
    numbered: Iterable[tuple[Decision, int | None]], spans: Mapping[str, Span]
) -> Iterator[tuple[Any, ...]]:
    for one, number in numbered:
        facts = one.facts
        for approach in one.approaches:
            what = (one.stage, approach.action, approach.script, [channel.value for channel in approach.channels])
            yield number, facts.client, facts.plan, facts.currency, *what, *spans[facts.zone]


def _log_row(decision: Decision, case_id: int | None) -> tuple[Any, ...]:
    facts = decision.facts
    said, inputs = Jsonb(record.said(decision)), Jsonb(record.inputs(decision))
    return facts.client, facts.plan, facts.currency, case_id, facts.today, decision.key, said, inputs
