"""One client on one plan: the two debts with what lies between them, the case, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from bot.console.stages import Progress, Step, line_of_stages
from engine.debt import HoldKind
from engine.decide import status
from engine.decision import CaseFacts, CaseStatus
from engine.explaining.grounds import Ground, grounds
from engine.money import Money
from engine.plan import Plan
from engine.reasons import reasons
from engine.store.facts import facts_of
from engine.store.session import ReadSession
from engine.store.tables.casework import Contact, ContactState, Occasion
from engine.store.tables.portfolio import Account, Invoice, PlanVersion


@dataclass(frozen=True, slots=True)
class NextAction:
    """What comes next: a contact that is planned for `at`, or a stage from the day `on`.

    `added`: a person has asked for the contact, and a pause does not hold it back.
    """

    script: str = ""
    channels: tuple[str, ...] = ()
    at: datetime | None = None
    added: bool = False
    stage: str = ""
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What one conditional payment freezes: of which invoice or account, through which day, why, and by whom."""

    kind: HoldKind
    amount: Money
    until: date | None
    where: str
    why: str
    by: str


@dataclass(frozen=True, slots=True)
class Bill:
    """An unpaid, due invoice, and what of it is frozen."""

    id: int
    ref: str
    due: date
    days: int
    balance: Money
    frozen: Money


@dataclass(frozen=True, slots=True)
class AccountDebt:
    """The unpaid, due invoices of one account."""

    id: int
    ref: str
    service: str
    real: Money
    frozen: Money
    bills: Sequence[Bill]


@dataclass(frozen=True, slots=True)
class Position:
    """One client on one plan in one currency. `newer` is the version in force, where the case is on another."""

    plan: str
    currency: str
    real: Money
    conditional: Money
    days_past_due: int
    frozen: Sequence[Held]
    accounts: Sequence[AccountDebt]
    case: int | None
    cycle: int
    status: CaseStatus | None
    steps: Sequence[Step]
    next: NextAction | None
    newer: int | None


async def positions(session: ReadSession, client: int, now: datetime) -> Sequence[Position]:
    """Every plan of the client, each by itself."""
    behind = await grounds(session, client)
    return [
        await _position(session, facts, plan, behind, now) async for facts, plan in facts_of(session, [client], now)
    ]


async def _position(
    session: ReadSession, facts: CaseFacts, plan: Plan, behind: Sequence[Ground], now: datetime
) -> Position:
    debt, case = facts.debt, facts.case
    state = status(debt, plan, case.stage, case.deferrals) if case else None
    steps = await line_of_stages(session, facts, plan)
    accounts = await _accounts(session, facts)
    return Position(
        plan=plan.name,
        currency=facts.currency,
        real=Money(debt.real, facts.currency),
        conditional=Money(debt.conditional, facts.currency),
        days_past_due=debt.days_past_due(facts.today),
        frozen=_held(facts, behind, accounts, now),
        accounts=accounts,
        case=case.id if case else None,
        cycle=case.cycle if case else 0,
        status=state,
        steps=steps,
        next=await _next(session, case.id, steps, state) if case else None,
        newer=await _newer(session, facts.plan, plan.name) if case else None,
    )


async def _accounts(session: ReadSession, facts: CaseFacts) -> Sequence[AccountDebt]:
    debt = facts.debt
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
                id=invoice.id,
                ref=invoice.ref,
                due=invoice.due,
                days=(facts.today - invoice.due).days,
                balance=Money(invoice.balance, facts.currency),
                frozen=Money(frozen[invoice.id], facts.currency),
            )
        )
    return [
        AccountDebt(
            id=account.id,
            ref=account.ref,
            service=account.service,
            real=Money(sum(bill.balance.minor for bill in owed), facts.currency),
            frozen=Money(sum(bill.frozen.minor for bill in owed), facts.currency),
            bills=owed,
        )
        for account, owed in bills.items()
    ]


def _held(facts: CaseFacts, behind: Sequence[Ground], accounts: Sequence[AccountDebt], now: datetime) -> Sequence[Held]:
    """The list behind the conditional debt; an exemption of several invoices is one line of it."""
    invoices = {bill.id: bill.ref for account in accounts for bill in account.bills}
    names = {account.id: account.ref for account in accounts}
    found: dict[object, Held] = {}
    for number, one in enumerate(reasons(facts.owed, facts.holds, facts.today)):
        hold = one.hold
        ground = next((ground for ground in behind if ground.explains(hold, now)), None)
        where = invoices.get(hold.invoice or 0) or names.get(hold.account or 0) or ""
        key: object = ground if ground and hold.kind is HoldKind.EXEMPTION else number
        before = found.get(key)
        found[key] = Held(
            kind=hold.kind,
            amount=Money(one.amount + (before.amount.minor if before else 0), facts.currency),
            until=hold.until,
            where=f"{before.where}, {where}" if before else where,
            why=ground.reason if ground else "",
            by=ground.by if ground else "",
        )
    return list(found.values())


async def _next(session: ReadSession, case: int, steps: Sequence[Step], state: CaseStatus | None) -> NextAction | None:
    planned = await session.scalar(
        select(Contact)
        .where(Contact.case_id == case, Contact.state == ContactState.PLANNED)
        .order_by(Contact.send_from)
        .limit(1)
    )
    if planned is not None:
        return NextAction(
            script=planned.script,
            channels=tuple(planned.channels),
            at=planned.send_from,
            added=planned.occasion == Occasion.ADDED,
        )
    following = next((step for step in steps if step.progress is Progress.NEXT), None)
    if state is not CaseStatus.OPEN or following is None:
        return None
    return NextAction(
        stage=following.name, on=max(following.on, following.held or following.on) if following.on else None
    )


async def _newer(session: ReadSession, version: int, name: str) -> int | None:
    statement = select(PlanVersion.version).where(
        PlanVersion.name == name, PlanVersion.in_force, PlanVersion.id != version
    )
    return await session.scalar(statement)


WAITS_FOR = {
    HoldKind.DISPUTE: "disputed",
    HoldKind.UNCONFIRMED: "payment announced",
    HoldKind.PROMISE: "promised",
    HoldKind.INSTALLMENT: "in installments",
    HoldKind.EXEMPTION: "exempted",
    HoldKind.AMNESTY: "cancelled by an amnesty",
}
"""What a frozen part of a debt waits for, in words."""
