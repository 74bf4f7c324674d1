"""Facts for the decision: set-based out of SQL, one row per client, plan and currency."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import groupby
from math import ceil
from typing import Any, NamedTuple

from engine.debt import Hold, HoldKind, Owed, Part, Pause
from engine.decision import CaseFacts, CaseStatus, Deferral, RunningCase
from engine.document import Plain, stored
from engine.plan import Plan, Verb
from engine.plan_file import plan
from engine.store.arrays import numbers
from engine.store.questions import EVERYBODY, FEW, MANY, ONE, THE_AWAKE, facts_about
from engine.store.session import PLAN_TEXTS, ReadSession, driver

SOME = 25
"""So many clients at most are asked for as few: each is looked up, which for more costs more than going through all."""
LEAST = 200
"""Clients of a slice that cost some five times what asking for any costs."""
PORTION = 250
"""Rows turned into values at a time."""

NOTHING = frozenset[int]()

OF_ONE, OF_FEW, OF_MANY = facts_about(ONE), facts_about(FEW), facts_about(MANY)


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
    mail: bool | None
    deferred: list[int] | None
    deferred_until: list[date | None] | None
    pause_starts: list[date] | None
    pause_ends: list[date] | None
    missed: list[int] | None
    coming_on: date | None


async def slices(
    session: ReadSession, now: datetime, width: int, after: int = 0, *, awake: bool = False, abreast: int = 1
) -> list[list[int]]:
    """The clients who owe or are worked, by id, in slices of `width`; only those with an id above `after`, and of them
    only those who do not rest where `awake` is wanted.

    Where they are few the slices are smaller, so that `abreast` of them can be worked on; never below LEAST.
    """
    connection = await driver(session)
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(THE_AWAKE if awake else EVERYBODY, {"now": now, "after": after}, prepare=False)
        [(clients,)] = await cursor.fetchall()
    size = min(width, max(LEAST, ceil(len(clients) / abreast)))
    return [clients[start : start + size] for start in range(0, len(clients), size)]


async def facts_of(
    session: ReadSession, clients: Sequence[int], now: datetime
) -> AsyncIterator[tuple[CaseFacts, Plan]]:
    """The facts of these clients at `now`, each with the plan version that applies, by client id.

    Only clients who owe anything due, are worked or have missed an installment have any.
    """
    async for positions in positions_of(session, clients, now):
        for position in positions:
            yield position


async def positions_of(
    session: ReadSession, clients: Sequence[int], now: datetime
) -> AsyncIterator[Sequence[tuple[CaseFacts, Plan]]]:
    """The same, all of a client together."""
    plans = Plans(session)
    async for rows in _rows_of(session, clients, now):
        terms = [await plans.terms(row.plan, row.currency) for row in rows]
        if len(rows) == 1:
            yield ((_facts(rows[0], terms[0], ()), terms[0]),)
        else:
            yield [(_facts(row, own, _beside(row, rows, terms)), own) for row, own in zip(rows, terms, strict=True)]


def _beside(row: Row, rows: Sequence[Row], terms: Sequence[Plan]) -> list[Plan]:
    """The other plans that work the client's debt in the same currency."""
    return [
        other
        for beside, other in zip(rows, terms, strict=True)
        if beside is not row and beside.currency == row.currency
    ]


async def _rows_of(session: ReadSession, clients: Sequence[int], now: datetime) -> AsyncIterator[list[Row]]:
    """One answer for all, not a COPY: what is asked for few saves its planning, and rows of many come faster so.

    It is taken up in portions: what has been decided on is gone before the collector of garbage comes to look at it.
    """
    connection = await driver(session)
    async with connection.cursor(binary=True) as cursor:
        question, asked = _asked(clients, now)
        await cursor.execute(question, asked, prepare=True)
        left: list[Row] = []
        while portion := await cursor.fetchmany(PORTION):
            rows = left + [Row._make(row) for row in portion]
            found = [list(mine) for _, mine in groupby(rows, key=_client)]
            left = found.pop()
            for mine in found:
                yield mine
        if left:
            yield left


def _asked(clients: Sequence[int], now: datetime) -> tuple[str, Mapping[str, Any]]:
    """The question about these clients, and its values."""
    if len(clients) == 1:
        return OF_ONE, {"now": now, "client": clients[0]}
    return OF_FEW if len(clients) <= SOME else OF_MANY, {"now": now, "clients": numbers(clients)}


def _client(row: Row) -> int:
    return row.client


class PlanText(NamedTuple):
    """A plan version as it is stored."""

    name: str
    version: int
    terms: str


class Plans:
    """Plan versions by id, each read from its database once: a version never changes."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._texts: dict[int, PlanText] = session.info[PLAN_TEXTS]

    async def terms(self, plan_id: int, currency: str) -> Plan:
        """The plan version, its sums in `currency`."""
        known = self._texts.get(plan_id) or await self._read(plan_id)
        return _terms(known, currency)

    async def name(self, plan_id: int) -> str:
        """The plan a version is of."""
        return (self._texts.get(plan_id) or await self._read(plan_id)).name

    async def _read(self, plan_id: int) -> PlanText:
        connection = await driver(self._session)
        async with connection.cursor() as cursor:
            await cursor.execute("select name, version, terms::text from plans where id = %s", (plan_id,), prepare=True)
            self._texts[plan_id] = PlanText(*(await cursor.fetchall())[0])
        return self._texts[plan_id]


@lru_cache(maxsize=512)
def _terms(text: PlanText, currency: str) -> Plan:
    value: Plain = json.loads(text.terms)
    return plan(stored(value, f"plan {text.name}, version {text.version}"), currency)


def _facts(row: Row, terms: Plan, others: Sequence[Plan]) -> CaseFacts:
    return CaseFacts(
        client=row.client,
        plan=row.plan,
        currency=row.currency,
        zone=row.zone,
        today=row.today,
        owed=_owed(row, terms, others) if row.invoices else (),
        holds=_holds(row) if row.hold_kinds else (),
        cycles=row.cycles,
        case=_case(row),
        missed=tuple(row.missed or ()),
        pauses=tuple([Pause(*one) for one in _together(row.pause_starts, row.pause_ends)]) if row.pause_starts else (),
        last_entered_on=row.last_entered_on,
        last_contact_on=row.last_contact_on,
        finishing=row.finishing,
        worked_today=bool(row.worked_today),
        suspended_elsewhere=frozenset(row.suspended_elsewhere) if row.suspended_elsewhere else NOTHING,
        told=row.key,
        coming_on=row.coming_on,
    )


def _owed(row: Row, terms: Plan, others: Sequence[Plan]) -> tuple[Owed, ...]:
    """What is due, as this plan sees it; what no plan of the client includes is not told at all."""
    if terms.includes_all and row.worked_before is None:
        return tuple(map(Owed, row.invoices or (), row.accounts or (), row.dues or (), row.balances or ()))
    # Services and providers are told only where the terms of some plan look at them.
    unasked = ("",) * len(row.invoices or ())
    services, providers = row.services or unasked, row.providers or unasked
    columns = (row.invoices, row.accounts, services, providers, row.dues, row.billed, row.balances)
    owed = []
    for invoice, account, service, provider, due, billed, balance in _together(*columns):
        if terms.includes(service, provider, due, billed, row.today):
            earlier = row.worked_before is not None and due <= row.worked_before
            owed.append(Owed(invoice, account, due, balance, Part.EARLIER if earlier else Part.WORKED))
        elif any(other.includes(service, provider, due, billed, row.today) for other in others):
            owed.append(Owed(invoice, account, due, balance, Part.ELSEWHERE))
    return tuple(owed)


def _holds(row: Row) -> tuple[Hold, ...]:
    columns = (row.hold_kinds, row.hold_amounts, row.hold_invoices, row.hold_accounts, row.hold_untils)
    return tuple([Hold(HoldKind(kind), *others) for kind, *others in _together(*columns)])


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
        entered=frozenset(row.entered) if row.entered else NOTHING,
        ordered=_ordered(row) if row.order_verbs else frozenset(),
        delivered=frozenset(row.delivered) if row.delivered else NOTHING,
        deferrals=_deferrals(row) if row.deferred else (),
        expects_mail=bool(row.mail),
    )


def _ordered(row: Row) -> frozenset[tuple[Verb, int]]:
    return frozenset([(Verb(verb), account) for verb, account in _together(row.order_verbs, row.order_accounts)])


def _deferrals(row: Row) -> tuple[Deferral, ...]:
    return tuple([Deferral(*one) for one in _together(row.deferred, row.deferred_until)])


def _together(*arrays: Sequence[Any] | None) -> list[tuple[Any, ...]]:
    return list(zip(*[array or () for array in arrays], strict=True))
