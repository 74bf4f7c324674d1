"""Facts for the decision: set-based out of SQL, streamed by COPY, one row per client, plan and currency."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

from engine.debt import Hold, HoldKind, Owed, Part, Pause
from engine.decision import CaseFacts, CaseStatus, Deferral, RunningCase
from engine.document import Plain, stored
from engine.plan import Plan, Verb
from engine.plan_file import plan
from engine.store.questions import CANDIDATES, FACTS, TYPES
from engine.store.session import PLAN_TEXTS, ReadSession, driver

FEW = 100
"""So many clients at most are asked for by a prepared statement; more are copied out."""


class Row(NamedTuple):
    """One row of FACTS. Arrays that belong together are of one length; None where there is nothing."""

    client: int
    currency: str
    zone: str
    today: date
    plan: int
    case: int | None
    cycle: int | None
    stage: int | None
    started_on: date | None
    entered_on: date | None
    told: str | None
    entered: list[int] | None
    cycles: int
    last_entered_on: date | None
    worked_before: date | None
    worked_today: bool | None
    key: str | None
    last_contact_on: date | None
    finishing: str | None
    invoices: list[int] | None
    accounts: list[int] | None
    services: list[str] | None
    providers: list[str] | None
    dues: list[date] | None
    billed: list[int] | None
    balances: list[int] | None
    hold_kinds: list[str] | None
    hold_amounts: list[int] | None
    hold_invoices: list[int | None] | None
    hold_accounts: list[int | None] | None
    hold_untils: list[date | None] | None
    order_verbs: list[str] | None
    order_accounts: list[int] | None
    suspended_elsewhere: list[int] | None
    delivered: list[int] | None
    deferred: list[int] | None
    deferred_until: list[date | None] | None
    pause_starts: list[date] | None
    pause_ends: list[date] | None
    missed: list[int] | None


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
    rows = await (_prepared if len(clients) <= FEW else _copied)(session, {"now": now, "clients": list(clients)})
    for _, positions in groupby(rows, key=lambda row: (row.client, row.currency)):
        together = [(row, await plans.terms(row.plan, row.currency)) for row in positions]
        for row, terms in together:
            others = [other for beside, other in together if beside is not row]
            yield _facts(row, terms, others), terms


async def _prepared(session: ReadSession, asked: Mapping[str, Any]) -> list[Row]:
    """For the few: planning the query costs more than answering it, and COPY cannot be prepared."""
    connection = await driver(session)
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(FACTS, asked, prepare=True)
        return [Row(*row) for row in await cursor.fetchall()]


async def _copied(session: ReadSession, asked: Mapping[str, Any]) -> list[Row]:
    connection = await driver(session)
    async with (
        connection.cursor() as cursor,
        cursor.copy(f"copy ({FACTS}) to stdout (format binary)", asked) as copy,
    ):
        copy.set_types(TYPES)
        return [Row(*row) async for row in copy.rows()]


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


def _facts(row: Row, terms: Plan, others: Sequence[Plan]) -> CaseFacts:
    return CaseFacts(
        client=row.client,
        plan=row.plan,
        currency=row.currency,
        zone=row.zone,
        today=row.today,
        owed=tuple(_owed(row, terms, others)),
        holds=tuple(
            Hold(HoldKind(kind), amount, invoice, account, until)
            for kind, amount, invoice, account, until in _together(
                row.hold_kinds, row.hold_amounts, row.hold_invoices, row.hold_accounts, row.hold_untils
            )
        ),
        cycles=row.cycles,
        case=_case(row),
        missed=tuple(row.missed or ()),
        pauses=tuple(Pause(starts, ends) for starts, ends in _together(row.pause_starts, row.pause_ends)),
        last_entered_on=row.last_entered_on,
        last_contact_on=row.last_contact_on,
        finishing=row.finishing,
        worked_today=bool(row.worked_today),
        suspended_elsewhere=frozenset(row.suspended_elsewhere or ()),
        told=row.key,
    )


def _owed(row: Row, terms: Plan, others: Iterable[Plan]) -> Iterator[Owed]:
    """What is due, as this plan sees it; what no plan of the client includes is not told at all."""
    columns = (row.invoices, row.accounts, row.services, row.providers, row.dues, row.billed, row.balances)
    for invoice, account, service, provider, due, billed, balance in _together(*columns):
        if terms.includes(service, provider, due, billed, row.today):
            earlier = row.worked_before is not None and due <= row.worked_before
            yield Owed(invoice, account, due, balance, Part.EARLIER if earlier else Part.WORKED)
        elif any(other.includes(service, provider, due, billed, row.today) for other in others):
            yield Owed(invoice, account, due, balance, Part.ELSEWHERE)


def _case(row: Row) -> RunningCase | None:
    if row.case is None or row.cycle is None or row.stage is None or row.started_on is None or row.told is None:
        return None
    return RunningCase(
        id=row.case,
        cycle=row.cycle,
        stage=row.stage,
        started_on=row.started_on,
        stage_entered_on=row.entered_on,
        told=CaseStatus(row.told),
        entered=frozenset(row.entered or ()),
        ordered=frozenset((Verb(verb), account) for verb, account in _together(row.order_verbs, row.order_accounts)),
        delivered=frozenset(row.delivered or ()),
        deferrals=tuple(Deferral(stage, until) for stage, until in _together(row.deferred, row.deferred_until)),
    )


def _together(*arrays: Sequence[Any] | None) -> list[tuple[Any, ...]]:
    return list(zip(*(array or () for array in arrays), strict=True))
