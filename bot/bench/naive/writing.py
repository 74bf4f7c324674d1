"""What one decision changes, object by object."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from engine import record
from engine.decision import CaseStatus, Decision, Ending
from engine.plan import TaskKind
from engine.store.tables.casework import (
    Case,
    CaseEvent,
    Contact,
    ContactState,
    DecisionRow,
    Occasion,
    ServiceOrder,
    Task,
)
from engine.store.tables.ledger import InstallmentPlan, Payment, PaymentStatus, PlanOutcome
from engine.store.tables.portfolio import Account, Invoice

Span = tuple[datetime, datetime]


def write(session: Session, decision: Decision, plan: str, now: datetime, span: Span) -> None:
    """Add and change what follows from a decision with news; the caller commits."""
    facts = decision.facts
    case = _case(session, decision, plan, now)
    if case is not None:
        _tell(session, decision, case, now)
        _approach(session, decision, case, now, span)
        _order(session, decision, case, now)
        if decision.ending is Ending.PAID:
            _settle(session, decision, case, now)
    for work in decision.work:
        _give(session, decision, work.kind, work.reason, work.source, now)
    session.add(
        DecisionRow(
            client_id=facts.client,
            plan_id=facts.plan,
            plan_name=plan,
            currency=facts.currency,
            case_id=case.id if case else None,
            day=facts.today,
            at=now,
            key=decision.key,
            says=record.said(decision),
            inputs=record.inputs(decision),
        )
    )


def _case(session: Session, decision: Decision, plan: str, now: datetime) -> Case | None:
    """The case as it stands after the decision, if there is one."""
    facts = decision.facts
    if facts.case is not None:
        case = session.get_one(Case, facts.case.id)
    elif decision.begins:
        case = Case(
            client_id=facts.client,
            plan_id=facts.plan,
            plan_name=plan,
            currency=facts.currency,
            cycle=facts.cycles + 1,
            started_on=facts.today,
            entered=[],
        )
        session.add(case)
    else:
        return None
    case.stage = decision.stage
    case.told = decision.status or CaseStatus.OPEN
    if decision.enters:
        case.entered = [*case.entered, decision.stage]
    if decision.moves:
        case.stage_entered_on = facts.today
    if decision.ending is not None:
        case.ending, case.closed_at, case.closed_on = decision.ending, now, facts.today
    session.flush()
    return case


def _tell(session: Session, decision: Decision, case: Case, now: datetime) -> None:
    standing = decision.standing
    detail = {
        "stage": decision.stage,
        "cycle": case.cycle,
        "real_debt": standing.real,
        "conditional_debt": standing.conditional,
        "currency": case.currency,
        "ending": decision.ending,
    }
    for kind in _news(decision):
        session.add(CaseEvent(client_id=case.client_id, case_id=case.id, at=now, kind=kind, detail=detail))


def _news(decision: Decision) -> Iterator[str]:
    if decision.begins:
        yield "begun"
    if decision.enters:
        yield "stage"
    elif decision.moves:
        yield "stage_again"
    told = decision.facts.case.told if decision.facts.case else CaseStatus.OPEN
    if decision.status is not None and decision.status != told:
        yield decision.status


def _approach(session: Session, decision: Decision, case: Case, now: datetime, span: Span) -> None:
    for approach in decision.approaches:
        session.add(
            Contact(
                case_id=case.id,
                client_id=case.client_id,
                plan_id=case.plan_id,
                currency=case.currency,
                occasion=Occasion.STAGE,
                stage=decision.stage,
                action=approach.action,
                touch=0,
                script=approach.script,
                channels=[channel.value for channel in approach.channels],
                state=ContactState.PLANNED,
                planned_at=now,
                send_from=span[0],
                send_until=span[1],
            )
        )


def _order(session: Session, decision: Decision, case: Case, now: datetime) -> None:
    for order in decision.instructions:
        account = session.get_one(Account, order.account)
        session.add(
            ServiceOrder(
                case_id=case.id,
                client_id=case.client_id,
                account_id=account.id,
                stage=order.stage,
                verb=order.verb,
                ordered_at=now,
            )
        )
        detail = {"verb": order.verb, "account": account.ref}
        session.add(CaseEvent(client_id=case.client_id, case_id=case.id, at=now, kind="ordered", detail=detail))


def _give(session: Session, decision: Decision, kind: str, reason: str, source: str, now: datetime) -> None:
    if session.scalar(select(Task).where(Task.source == source)) is not None:
        return
    client = decision.facts.client
    session.add(Task(client_id=client, kind=kind, reason=reason, source=source, created_at=now))
    session.add(CaseEvent(client_id=client, at=now, kind="task", detail={"kind": kind, "reason": reason}))


def _settle(session: Session, decision: Decision, case: Case, now: datetime) -> None:
    """Nothing is owed any more: what was planned, claimed and agreed has lost its reason."""
    for contact in session.scalars(
        select(Contact).where(Contact.case_id == case.id, Contact.state == ContactState.PLANNED)
    ):
        contact.state = ContactState.SUPERSEDED
    for claim in session.scalars(
        select(Payment).where(
            Payment.client_id == case.client_id,
            Payment.currency == case.currency,
            Payment.source == "claim",
            Payment.status == PaymentStatus.UNCONFIRMED,
        )
    ):
        claim.status = PaymentStatus.REJECTED
    due = (
        select(func.count(Invoice.id))
        .join(Account, Account.id == Invoice.account_id)
        .where(
            Invoice.client_id == case.client_id,
            Account.currency == case.currency,
            Invoice.balance > 0,
            Invoice.due <= decision.facts.today,
        )
    )
    if not session.scalar(due):
        _cancel(session, case, now)
    _call_off(session, decision, case, now)


def _cancel(session: Session, case: Case, now: datetime) -> None:
    for agreed in session.scalars(
        select(InstallmentPlan).where(
            InstallmentPlan.client_id == case.client_id,
            InstallmentPlan.currency == case.currency,
            InstallmentPlan.ended_at.is_(None),
        )
    ):
        agreed.ended_at, agreed.outcome, agreed.reason = now, PlanOutcome.CANCELLED, "cleared by other means"


def _call_off(session: Session, decision: Decision, case: Case, now: datetime) -> None:
    """Who owes nothing in any currency, nor pays in parts, is not called, unless somebody is at it."""
    session.flush()
    client = case.client_id
    for left in (
        select(Case.id).where(Case.client_id == client, Case.closed_at.is_(None)),
        select(InstallmentPlan.id).where(InstallmentPlan.client_id == client, InstallmentPlan.ended_at.is_(None)),
        select(Invoice.id).where(Invoice.client_id == client, Invoice.balance > 0, Invoice.due <= decision.facts.today),
    ):
        if session.scalar(left.limit(1)) is not None:
            return
    open_calls = select(Task).where(
        Task.client_id == client,
        Task.done_at.is_(None),
        Task.assigned_to.is_(None),
        or_(Task.kind == TaskKind.CALL, and_(Task.kind == TaskKind.CALLBACK, Task.due_on.is_not(None))),
    )
    for call in session.scalars(open_calls):
        call.done_at, call.result, call.note = now, "other", "the case is closed: the debt is gone"
        detail = {"kind": call.kind, "reason": call.reason, "result": call.result, "note": call.note}
        session.add(CaseEvent(client_id=client, at=now, kind="task_done", detail=detail))
