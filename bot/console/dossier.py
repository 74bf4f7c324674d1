"""All that a client's page shows beside the talk: debts, cases with their next step, tasks, promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import select

from engine.debt import HoldKind, standing
from engine.decide import NO_STAGE, CaseFacts, CaseStatus, status
from engine.ledger import credits_of
from engine.money import Money
from engine.plan import Plan
from engine.reasons import Frozen, reasons
from engine.store.facts import facts_of
from engine.store.session import ReadSession
from engine.store.tables.casework import CaseEvent, Contact, ContactState, Task
from engine.store.tables.ledger import Appropriation, Installment, InstallmentPlan, Promise
from engine.store.tables.portfolio import Account, Address, Client, Invoice

MOST_PROMISES = 8


class Progress(StrEnum):
    """Where a stage stands in the line of stages."""

    PAST = "past"
    NOW = "now"
    NEXT = "next"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of the line; `on` is the day it was entered, for the next one the first day it can be."""

    name: str
    progress: Progress
    on: date | None


@dataclass(frozen=True, slots=True)
class NextAction:
    """What comes next: a contact that is planned for `at`, or a stage from the day `on`, if `needs` is still owed."""

    script: str = ""
    channels: tuple[str, ...] = ()
    at: datetime | None = None
    stage: str = ""
    on: date | None = None
    needs: Money | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """An unpaid, due invoice, and what of it is frozen."""

    ref: str
    due: date
    days: int
    balance: Money
    frozen: Money


@dataclass(frozen=True, slots=True)
class AccountDebt:
    """The unpaid, due invoices of one account."""

    ref: str
    service: str
    real: Money
    bills: Sequence[Bill]


@dataclass(frozen=True, slots=True)
class Position:
    """One client on one plan in one currency."""

    plan: str
    currency: str
    real: Money
    conditional: Money
    days_past_due: int
    frozen: Sequence[Frozen]
    accounts: Sequence[AccountDebt]
    cycle: int
    status: CaseStatus | None
    steps: Sequence[Step]
    next: NextAction | None


@dataclass(frozen=True, slots=True)
class Part:
    """One installment, and whether it is paid or missed."""

    no: int
    due: date
    amount: Money
    paid: Money
    missed: bool


@dataclass(frozen=True, slots=True)
class Dossier:
    """One client, at `now`."""

    client: Client
    today: date
    addresses: Sequence[Address]
    positions: Sequence[Position]
    tasks: Sequence[Task]
    promises: Sequence[Promise]
    installments: Sequence[Part]
    credits: Sequence[Money]


async def dossier(session: ReadSession, client: Client, today: date, now: datetime) -> Dossier:
    """Read a client's situation; `today` is their own day."""
    tasks = select(Task).where(Task.client_id == client.id, Task.done_at.is_(None)).order_by(Task.created_at)
    promises = select(Promise).where(Promise.client_id == client.id).order_by(Promise.made_at.desc())
    return Dossier(
        client=client,
        today=today,
        addresses=(await session.scalars(select(Address).where(Address.client_id == client.id))).all(),
        positions=[await _position(session, facts, plan) async for facts, plan in facts_of(session, [client.id], now)],
        tasks=(await session.scalars(tasks)).all(),
        promises=(await session.scalars(promises.limit(MOST_PROMISES))).all(),
        installments=await _installments(session, client.id, today),
        credits=await credits_of(session, client.id),
    )


async def _position(session: ReadSession, facts: CaseFacts, plan: Plan) -> Position:
    debt = standing(facts.owed, facts.holds, facts.today)
    stage = facts.case.stage if facts.case else NO_STAGE
    state = status(debt, plan, stage) if facts.case else None
    return Position(
        plan=plan.name,
        currency=facts.currency,
        real=Money(debt.real, facts.currency),
        conditional=Money(debt.conditional, facts.currency),
        days_past_due=debt.days_past_due(facts.today),
        frozen=reasons(facts.owed, facts.holds, facts.today),
        accounts=await _accounts(session, facts),
        cycle=facts.case.cycle if facts.case else 0,
        status=state,
        steps=await _steps(session, facts, plan),
        next=await _next(session, facts, plan, state),
    )


async def _accounts(session: ReadSession, facts: CaseFacts) -> Sequence[AccountDebt]:
    debt = standing(facts.owed, facts.holds, facts.today)
    frozen = {item.invoice: part for item, part in zip(debt.owed, debt.frozen, strict=True)}
    rows = await session.execute(
        select(Invoice, Account)
        .join(Account, Account.id == Invoice.account_id)
        .where(Invoice.id.in_(frozen))
        .order_by(Account.ref, Invoice.due, Invoice.ref)
    )
    bills: dict[Account, list[Bill]] = {}
    for invoice, account in rows:
        bills.setdefault(account, []).append(
            Bill(
                ref=invoice.ref,
                due=invoice.due,
                days=(facts.today - invoice.due).days,
                balance=Money(invoice.balance, facts.currency),
                frozen=Money(frozen[invoice.id], facts.currency),
            )
        )
    return [
        AccountDebt(account.ref, account.service, Money(sum(bill.balance.minor for bill in owed), facts.currency), owed)
        for account, owed in bills.items()
    ]


async def _steps(session: ReadSession, facts: CaseFacts, plan: Plan) -> Sequence[Step]:
    if facts.case is None:
        return []
    events = await session.scalars(
        select(CaseEvent).where(CaseEvent.case_id == facts.case.id, CaseEvent.kind == "stage").order_by(CaseEvent.id)
    )
    entered = {event.detail["stage"]: event.at.date() for event in events}
    entered[facts.case.stage] = facts.case.stage_entered_on or facts.case.started_on
    steps = []
    for number, stage in enumerate(plan.stages):
        if number <= facts.case.stage:
            progress = Progress.NOW if number == facts.case.stage else Progress.PAST
            steps.append(Step(stage.name, progress, entered.get(number)))
        elif number == facts.case.stage + 1:
            steps.append(Step(stage.name, Progress.NEXT, _earliest(facts, plan, number)))
        else:
            steps.append(Step(stage.name, Progress.LATER, None))
    return steps


def _earliest(facts: CaseFacts, plan: Plan, number: int) -> date | None:
    """The first day the stage can be entered; never before tomorrow, as today has been decided."""
    if facts.case is None:
        return None
    since = facts.case.stage_entered_on or facts.case.started_on
    return max(since + timedelta(days=max(plan.stages[number].after_days, 1)), facts.today + timedelta(days=1))


async def _next(session: ReadSession, facts: CaseFacts, plan: Plan, state: CaseStatus | None) -> NextAction | None:
    if facts.case is None:
        return None
    planned = await session.scalar(
        select(Contact)
        .where(Contact.case_id == facts.case.id, Contact.state == ContactState.PLANNED)
        .order_by(Contact.send_from)
        .limit(1)
    )
    if planned is not None:
        return NextAction(script=planned.script, channels=tuple(planned.channels), at=planned.send_from)
    following = facts.case.stage + 1
    if state is not CaseStatus.OPEN or following >= len(plan.stages):
        return None
    stage = plan.stages[following]
    return NextAction(
        stage=stage.name, on=_earliest(facts, plan, following), needs=Money(max(stage.min_debt, 1), facts.currency)
    )


async def _installments(session: ReadSession, client: int, today: date) -> Sequence[Part]:
    rows = await session.execute(
        select(Installment, InstallmentPlan.currency, Appropriation.amount)
        .join(InstallmentPlan, InstallmentPlan.id == Installment.plan_id)
        .outerjoin(Appropriation, Appropriation.installment_id == Installment.id)
        .where(InstallmentPlan.client_id == client, InstallmentPlan.ended_at.is_(None))
        .order_by(Installment.plan_id, Installment.no)
    )
    paid: dict[Installment, int] = {}
    currencies = {}
    for part, currency, amount in rows:
        paid[part] = paid.get(part, 0) + (amount or 0)
        currencies[part] = currency
    return [
        Part(
            no=part.no,
            due=part.due,
            amount=Money(part.amount, currencies[part]),
            paid=Money(done, currencies[part]),
            missed=part.due < today and done < part.amount,
        )
        for part, done in paid.items()
    ]


WAITS_FOR = {
    HoldKind.DISPUTE: "disputed",
    HoldKind.UNCONFIRMED: "payment announced",
    HoldKind.PROMISE: "promised",
    HoldKind.INSTALLMENT: "in installments",
}
"""What a frozen part of a debt waits for, in words."""
