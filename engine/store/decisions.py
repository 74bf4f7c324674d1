"""Decisions into the store: set-based statements with unique keys, each bringing its rows along.

They go to the database in one go, which COPY into temporary tables could not: those cost as much, and are emptied at
every commit. Applying the same decision twice changes nothing: every row it writes has a key of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from pydantic_core import to_json

from engine import record
from engine.decision import Decision
from engine.store.arrays import ARRAYS
from engine.store.feed import unmarked
from engine.store.session import WriteSession, driver, pipelined
from engine.store.steps import STEPS, TABLES

Values = tuple[Any, ...]


class Span(NamedTuple):
    """The hours in which a contact may go out, `[start, end)` in UTC."""

    start: datetime
    end: datetime


async def apply(session: WriteSession, decisions: Sequence[Decision], now: datetime, spans: Mapping[str, Span]) -> None:
    """Write what these decisions change. `spans` gives the contact hours of each time zone among them."""
    connection = await driver(session)
    async with pipelined(session), connection.cursor() as cursor:
        ids = await _case_ids(cursor, decisions)
        # A decision is no new fact for itself.
        async with unmarked(cursor):
            for table, rows in _rows(decisions, ids, spans).items():
                for step in STEPS[table]:
                    if wanted := [values for decision, values in rows if step.concerns(decision)]:
                        await cursor.execute(step.of(table), _told(table, wanted) | {"now": now}, prepare=True)


def _told(table: str, rows: Sequence[Values]) -> dict[str, Any]:
    """Rows as an array a column."""
    columns = zip(TABLES[table].items(), zip(*rows, strict=True), strict=True)
    return {name: ARRAYS[type_](values) for (name, type_), values in columns}


def _rows(
    decisions: Sequence[Decision], ids: Sequence[int | None], spans: Mapping[str, Span]
) -> Mapping[str, list[tuple[Decision, Values]]]:
    """What goes into the statements of each table, and what decision it is from."""
    numbered = list(zip(decisions, ids, strict=True))
    return {
        "decided": [(one, _case_row(one, number)) for one, number in numbered if one.status is not None],
        "decided_contacts": [(one, row) for one, number in numbered for row in _contact_rows(one, number, spans)],
        "decided_orders": [
            (one, (number, one.facts.client, order.account, order.stage, order.verb))
            for one, number in numbered
            for order in one.instructions
        ],
        "decided_tasks": [
            (one, (one.facts.client, work.kind, work.reason, work.source)) for one in decisions for work in one.work
        ],
        "decided_log": [(one, _log_row(one, number)) for one, number in numbered],
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


def _case_row(decision: Decision, case_id: int | None) -> Values:
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
        decision.status,
        facts.case.told if facts.case else None,
        decision.ending,
        decision.standing.real,
        decision.standing.conditional,
    )


def _contact_rows(decision: Decision, case_id: int | None, spans: Mapping[str, Span]) -> Iterator[Values]:
    facts = decision.facts
    for approach in decision.approaches:
        what = decision.stage, approach.action, approach.script, ",".join(approach.channels)
        yield case_id, facts.client, facts.plan, facts.currency, *what, *spans[facts.zone]


def _log_row(decision: Decision, case_id: int | None) -> Values:
    facts = decision.facts
    said = to_json(record.said(decision)), to_json(record.inputs(decision))
    return facts.client, facts.plan, facts.currency, case_id, facts.today, decision.key, *said
