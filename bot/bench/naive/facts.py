"""The facts of one client, table by table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import chain

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from engine.calendar import local_day, zone
from engine.contact import ChannelKind, Delivery
from engine.debt import Hold, HoldKind, Owed, Part, Pause
from engine.decision import CaseFacts, CaseStatus, Deferral, Ending, RunningCase
from engine.plan import Verb
from engine.promise import PromiseState
from engine.store.tables.casework import (
    Case,
    Contact,
    ContactState,
    DecisionRow,
    DeferralRow,
    DunningPause,
    Exemption,
    Occasion,
    ServiceOrder,
    Task,
)
from engine.store.tables.ledger import (
    Appropriation,
    Dispute,
    Installment,
    InstallmentPlan,
    Payment,
    PaymentStatus,
    Promise,
)
from engine.store.tables.portfolio import Account, Client, Invoice, PlanVersion
from engine.store.tables.talk import Attempt, Conversation, Outbound

Bills = list[tuple[Invoice, Account]]
Held = Iterator[tuple[datetime, Hold]]


def facts_of(session: Session, client: Client, now: datetime) -> CaseFacts | None:
    """None where there is nothing to decide."""
    today = local_day(now, zone(client.timezone))
    bills = _unpaid(session, client)
    due = [(bill, account) for bill, account in bills if bill.due <= today]
    cases = session.scalars(select(Case).where(Case.client_id == client.id)).all()
    running = next((case for case in cases if case.closed_at is None), None)
    agreed = _agreed(session, client)
    missed = tuple(_missed(session, agreed, today))
    if running is not None:
        version, currency = session.get_one(PlanVersion, running.plan_id), running.currency
    elif due or missed:
        version, currency = _plan_of(session, client), due[0][1].currency if due else agreed[0].currency
    else:
        return None
    past = [case for case in cases if case.plan_name == version.name and case.currency == currency]
    worked = [case.closed_on for case in past if case.ending == Ending.WORKED and case.closed_on is not None]
    before = max((day for day in worked if day < today), default=None)
    return CaseFacts(
        client=client.id,
        plan=version.id,
        currency=currency,
        zone=client.timezone,
        today=today,
        owed=tuple(_owed(due, before)),
        holds=tuple(_holds(session, client, bills, agreed)),
        cycles=max((case.cycle for case in past), default=0),
        case=_running(session, running, now) if running else None,
        missed=missed,
        pauses=tuple(_pauses(session, client)),
        last_entered_on=max((case.stage_entered_on for case in past if case.stage_entered_on), default=None),
        last_contact_on=_last_contact(session, client) if "min_days_between_contacts" in version.terms else None,
        worked_today=any(day >= today for day in worked),
        told=_told(session, client, version, currency),
    )


def _unpaid(session: Session, client: Client) -> Bills:
    rows = session.execute(
        select(Invoice, Account)
        .join(Account, Account.id == Invoice.account_id)
        .where(Invoice.client_id == client.id, Invoice.balance > 0)
        .order_by(Invoice.due, Invoice.ref)
    )
    return [(bill, account) for bill, account in rows]


def _owed(due: Bills, worked_before: date | None) -> Iterator[Owed]:
    for bill, account in due:
        earlier = worked_before is not None and bill.due <= worked_before
        yield Owed(bill.id, account.id, bill.due, bill.balance, Part.EARLIER if earlier else Part.WORKED)


def _plan_of(session: Session, client: Client) -> PlanVersion:
    offered = select(PlanVersion).where(PlanVersion.group_id == client.group_id, PlanVersion.in_force)
    versions = session.scalars(offered).all()
    return next(one for one in versions if one.name in client.plans or (not client.plans and one.standard))


def _agreed(session: Session, client: Client) -> Sequence[InstallmentPlan]:
    running = select(InstallmentPlan).where(InstallmentPlan.client_id == client.id, InstallmentPlan.ended_at.is_(None))
    return session.scalars(running).all()


def _parts(session: Session, agreed: InstallmentPlan) -> Sequence[Installment]:
    return session.scalars(select(Installment).where(Installment.plan_id == agreed.id).order_by(Installment.id)).all()


def _missed(session: Session, agreed: Sequence[InstallmentPlan], today: date) -> Iterator[int]:
    """Installments that fell due unpaid and that nobody has been told of."""
    for part in chain.from_iterable(_parts(session, one) for one in agreed):
        if (
            part.due < today
            and part.amount > _come(session, Appropriation.installment_id == part.id)
            and session.scalar(select(Task).where(Task.source == f"installment:{part.id}")) is None
        ):
            yield part.id


def _come(session: Session, target: ColumnElement[bool]) -> int:
    """What has come in for a promise or an installment."""
    return int(session.scalar(select(func.coalesce(func.sum(Appropriation.amount), 0)).where(target)) or 0)


def _holds(session: Session, client: Client, bills: Bills, agreed: Sequence[InstallmentPlan]) -> Iterator[Hold]:
    """What freezes parts of the debt, in the order it began."""
    found = chain(
        _promised(session, client),
        _disputed(session, client),
        _announced(session, client),
        _in_parts(session, agreed),
        _exempt(session, client, bills),
    )
    return (hold for _, hold in sorted(found, key=lambda one: one[0]) if hold.amount > 0)


def _promised(session: Session, client: Client) -> Held:
    open_ones = select(Promise).where(Promise.client_id == client.id, Promise.state == PromiseState.OPEN)
    for one in session.scalars(open_ones):
        left = one.amount - _come(session, Appropriation.promise_id == one.id)
        yield one.made_at, Hold(HoldKind.PROMISE, left, until=one.until + timedelta(days=one.grace))


def _disputed(session: Session, client: Client) -> Held:
    for one in session.scalars(select(Dispute).where(Dispute.client_id == client.id, Dispute.resolved_at.is_(None))):
        yield one.opened_at, Hold(HoldKind.DISPUTE, one.amount, invoice=one.invoice_id)


def _announced(session: Session, client: Client) -> Held:
    coming = select(Payment).where(Payment.client_id == client.id, Payment.status == PaymentStatus.UNCONFIRMED)
    for one in session.scalars(coming):
        yield one.paid_at, Hold(HoldKind.UNCONFIRMED, one.amount, one.invoice_id, one.account_id)


def _in_parts(session: Session, agreed: Sequence[InstallmentPlan]) -> Held:
    for one in agreed:
        for part in _parts(session, one):
            left = part.amount - _come(session, Appropriation.installment_id == part.id)
            yield one.agreed_at, Hold(HoldKind.INSTALLMENT, left, until=part.due)


def _exempt(session: Session, client: Client, bills: Bills) -> Held:
    for one in session.scalars(select(Exemption).where(Exemption.client_id == client.id, Exemption.ended_at.is_(None))):
        for bill, _ in bills:
            if one.invoice_id in (None, bill.id) and one.account_id in (None, bill.account_id):
                yield one.made_at, Hold(HoldKind.EXEMPTION, bill.balance, invoice=bill.id, until=one.until)


def _running(session: Session, case: Case, now: datetime) -> RunningCase:
    orders = session.scalars(select(ServiceOrder).where(ServiceOrder.case_id == case.id))
    deferrals = select(DeferralRow).where(DeferralRow.case_id == case.id, DeferralRow.ended_at.is_(None))
    return RunningCase(
        id=case.id,
        cycle=case.cycle,
        stage=case.stage,
        started_on=case.started_on,
        stage_entered_on=case.stage_entered_on,
        told=CaseStatus(case.told),
        entered=frozenset(case.entered),
        ordered=frozenset((Verb(one.verb), one.account_id) for one in orders if one.account_id is not None),
        delivered=frozenset(_delivered(session, case, now)),
        deferrals=tuple(Deferral(one.stage, one.until) for one in session.scalars(deferrals.order_by(DeferralRow.id))),
    )


def _delivered(session: Session, case: Case, now: datetime) -> Iterator[int]:
    """The stages whose notice has reached the client; mail does when no bounce has come within a day."""
    rows = session.execute(
        select(Contact, Outbound, Conversation)
        .join(Outbound, Outbound.contact_id == Contact.id)
        .join(Conversation, Conversation.id == Outbound.conversation_id)
        .where(Contact.case_id == case.id, Contact.occasion == Occasion.STAGE)
    )
    for contact, sent, talk in rows:
        if sent.state in (Delivery.DELIVERED, Delivery.READ):
            yield contact.stage
        elif talk.channel == ChannelKind.EMAIL and sent.state in (Delivery.ACCEPTED, Delivery.SENT):
            tried = session.scalar(select(func.max(Attempt.started_at)).where(Attempt.outbound_id == sent.id))
            if tried is not None and now - timedelta(hours=24) >= tried:
                yield contact.stage


def _pauses(session: Session, client: Client) -> Iterator[Pause]:
    held = select(DunningPause).where(DunningPause.client_id == client.id)
    for one in session.scalars(held.order_by(DunningPause.starts, DunningPause.id)):
        yield Pause(one.starts, one.ends)


def _last_contact(session: Session, client: Client) -> date | None:
    rows = session.execute(
        select(Contact, Conversation)
        .outerjoin(Conversation, Conversation.contact_id == Contact.id)
        .where(Contact.client_id == client.id, Contact.state.in_([ContactState.PLANNED, ContactState.OPENED]))
    )
    here = zone(client.timezone)
    return max(
        (local_day(talk.opened_at if talk else contact.planned_at, here) for contact, talk in rows), default=None
    )


def _told(session: Session, client: Client, version: PlanVersion, currency: str) -> str | None:
    last = session.scalar(
        select(DecisionRow)
        .where(
            DecisionRow.client_id == client.id,
            DecisionRow.plan_name == version.name,
            DecisionRow.currency == currency,
        )
        .order_by(DecisionRow.id.desc())
        .limit(1)
    )
    return last.key if last else None
