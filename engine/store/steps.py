"""The statements that write decisions, each over the rows of one table, which it brings along."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

from engine.decision import Decision, Ending

TABLES: Mapping[str, Mapping[str, str]] = {
    "decided": {
        "case_id": "bigint",
        "client_id": "bigint",
        "plan_id": "bigint",
        "currency": "text",
        "cycle": "integer",
        "from_stage": "integer",
        "stage": "integer",
        "today": "date",
        "begins": "boolean",
        "moves": "boolean",
        "enters": "boolean",
        "status": "text",
        "told": "text",
        "ending": "text",
        "real_debt": "bigint",
        "conditional_debt": "bigint",
    },
    "decided_contacts": {
        "case_id": "bigint",
        "client_id": "bigint",
        "plan_id": "bigint",
        "currency": "text",
        "stage": "integer",
        "action": "integer",
        "script": "text",
        "channels": "text",
        "send_from": "timestamptz",
        "send_until": "timestamptz",
    },
    "decided_orders": {
        "case_id": "bigint",
        "client_id": "bigint",
        "account_id": "bigint",
        "stage": "integer",
        "verb": "text",
    },
    "decided_tasks": {"client_id": "bigint", "kind": "text", "reason": "text", "source": "text"},
    "decided_log": {
        "client_id": "bigint",
        "plan_id": "bigint",
        "currency": "text",
        "case_id": "bigint",
        "today": "date",
        "key": "text",
        "says": "jsonb",
        "inputs": "jsonb",
    },
}
"""The columns of what a decision comes to, and their types. A contact's channels are one text, with commas."""


class Step(NamedTuple):
    """A statement over the rows of a table, and of which decisions it wants them."""

    statement: str
    concerns: Callable[[Decision], bool]

    def of(self, table: str) -> str:
        """The statement with the rows it brings along: an array for each of the table's columns."""
        return _over(table, self.statement)


def _all(_decision: Decision) -> bool:
    return True


def _begins(decision: Decision) -> bool:
    return decision.begins


def _goes_on(decision: Decision) -> bool:
    return not decision.begins


def _is_paid(decision: Decision) -> bool:
    return decision.ending is Ending.PAID


STEPS: Mapping[str, tuple[Step, ...]] = {
    "decided": (
        Step(
            """
            insert into cases
              (id, client_id, plan_id, plan_name, currency, cycle, stage, started_on, stage_entered_on, entered, told,
               closed_at, closed_on, ending)
              overriding system value
            select d.case_id, d.client_id, d.plan_id, p.name, d.currency, d.cycle, d.stage, d.today,
                   case when d.enters then d.today end, case when d.enters then array[d.stage] else '{}' end, d.status,
                   case when d.ending is not null then %(now)s end, case when d.ending is not null then d.today end,
                   d.ending
            from decided d join plans p on p.id = d.plan_id
            """,
            _begins,
        ),
        Step(
            """
            update cases k
            set stage = d.stage, stage_entered_on = case when d.moves then d.today else k.stage_entered_on end,
                entered = case when d.enters then k.entered || d.stage else k.entered end,
                told = d.status, ending = d.ending, closed_at = case when d.ending is not null then %(now)s end,
                closed_on = case when d.ending is not null then d.today end
            from decided d
            where k.id = d.case_id and k.closed_at is null and k.stage = d.from_stage
            """,
            _goes_on,
        ),
        Step(
            """
            with superseded as (
              update contacts c set state = 'superseded'
              from decided d where c.case_id = d.case_id and c.state = 'planned'
            ), cleared as materialized (
              select d.client_id, d.currency from decided d
              where not exists (
                select from invoices i join accounts a on a.id = i.account_id
                where i.client_id = d.client_id and a.currency = d.currency and i.balance > 0 and i.due <= d.today)
            ), nothing_left as (
              update promises p set remitted_at = %(now)s
              from cleared d where p.client_id = d.client_id and p.currency = d.currency
                and p.remits is not null and p.remitted_at is null and p.state = 'kept'
            ), cancelled as (
              update installment_plans p
              set ended_at = %(now)s, outcome = 'cancelled', reason = 'cleared by other means'
              from cleared d where p.client_id = d.client_id and p.currency = d.currency and p.ended_at is null
            )
            update payments p set status = 'rejected'
            from decided d where p.client_id = d.client_id and p.currency = d.currency
              and p.source = 'claim' and p.status = 'unconfirmed'
            """,
            _is_paid,
        ),
        Step(
            """
            with closed as (
              -- A call may be about any of a client's debts, and one agreed in parts has no case.
              update tasks t set done_at = %(now)s, result = 'other', note = 'the case is closed: the debt is gone'
              from decided d
              where t.client_id = d.client_id and t.done_at is null and t.assigned_to is null
                and (t.kind = 'call' or t.kind = 'callback' and t.due_on is not null)
                and not exists (select from cases k where k.client_id = d.client_id and k.closed_at is null)
                and not exists (
                  select from installment_plans p where p.client_id = d.client_id and p.ended_at is null)
                and not exists (
                  select from invoices i where i.client_id = d.client_id and i.balance > 0 and i.due <= d.today)
              returning t.client_id, t.kind, t.reason, t.result, t.note
            )
            insert into case_events (client_id, at, kind, detail)
            select client_id, %(now)s, 'task_done',
                   jsonb_build_object('kind', kind, 'reason', reason, 'result', result, 'note', note)
            from closed
            """,
            _is_paid,
        ),
        Step(
            """
            insert into case_events (client_id, case_id, at, kind, detail)
            select d.client_id, d.case_id, %(now)s, told.kind,
                   jsonb_build_object('stage', d.stage, 'cycle', d.cycle, 'real_debt', d.real_debt, 'conditional_debt',
                                      d.conditional_debt, 'currency', d.currency, 'ending', d.ending)
            from decided d cross join lateral (
              select 'begun' as kind where d.begins
              union all select 'stage' where d.enters
              union all select 'stage_again' where d.moves and not d.enters
              union all select d.status where d.status <> coalesce(d.told, 'open')
            ) told
            """,
            _all,
        ),
    ),
    "decided_contacts": (
        Step(
            """
            insert into contacts (case_id, client_id, plan_id, currency, occasion, stage, action, touch, script,
                                  channels, state, planned_at, send_from, send_until)
            select case_id, client_id, plan_id, currency, 'stage', stage, action, 0, script,
                   string_to_array(channels, ','), 'planned', %(now)s, send_from, send_until
            from decided_contacts on conflict do nothing
            """,
            _all,
        ),
    ),
    "decided_orders": (
        Step(
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
            _all,
        ),
    ),
    "decided_tasks": (
        Step(
            """
            with given as (
              insert into tasks (client_id, kind, reason, source, created_at)
              select client_id, kind, reason, source, %(now)s from decided_tasks
              on conflict do nothing returning client_id, kind, reason
            )
            insert into case_events (client_id, at, kind, detail)
            select client_id, %(now)s, 'task', jsonb_build_object('kind', kind, 'reason', reason) from given
            """,
            _all,
        ),
    ),
    "decided_log": (
        Step(
            """
            insert into decisions (client_id, plan_id, plan_name, currency, case_id, day, at, key, says, inputs)
            select l.client_id, l.plan_id, p.name, l.currency, l.case_id, l.today, %(now)s, l.key, l.says, l.inputs
            from decided_log l join plans p on p.id = l.plan_id
            """,
            _all,
        ),
    ),
}
"""What is done with the rows of each table, cases before what belongs to them."""


@cache
def _over(table: str, statement: str) -> str:
    plain, columns = statement.strip(), TABLES[table]
    rest = f", {plain.removeprefix('with ')}" if plain.startswith("with ") else plain
    arrays = ", ".join(f"%({name})s::{type_}[]" for name, type_ in columns.items())
    return f"with {table} as (select * from unnest({arrays}) as r({', '.join(columns)})) {rest}"
