"""Installment plans: requests, agreements, and how they end. What they freeze is computed (`engine.debt`).

Every function works in the caller's transaction and expects the client to be locked. Amounts are minor units.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update

from engine.installment import Part
from engine.store.history import note
from engine.store.session import ReadSession, WriteSession
from engine.store.tables.ledger import Installment, InstallmentPlan, InstallmentRequest, PlanOutcome


class NoSuchRequest(LookupError):
    """There is no installment request of that number that waits for an answer."""


class NoSuchPlan(LookupError):
    """There is no running installment plan of that number."""


class NoSchedule(ValueError):
    """A plan needs parts, each of more than nothing."""


async def request_installments(
    session: WriteSession, client: int, currency: str, parts: int, now: datetime, channel: str | None = None
) -> int:
    """Note that a client asks to pay in parts; it freezes nothing until it is granted. The id of the request."""
    row = InstallmentRequest(client_id=client, currency=currency, parts=parts, channel=channel, requested_at=now)
    session.add(row)
    await session.flush()
    note(session, client, now, "installment_request", request=row.id, parts=parts)
    await session.flush()
    return row.id


async def running_plan(session: ReadSession, client: int, currency: str) -> InstallmentPlan | None:
    """The plan that runs for a client in a currency."""
    return await session.scalar(
        select(InstallmentPlan)
        .where(
            InstallmentPlan.client_id == client,
            InstallmentPlan.currency == currency,
            InstallmentPlan.ended_at.is_(None),
        )
        .order_by(InstallmentPlan.id.desc())
        .limit(1)
    )


async def agree_installments(
    session: WriteSession, client: int, currency: str, parts: Sequence[Part], now: datetime
) -> int:
    """Book an agreed schedule. The id of the plan.

    It takes the place of one that runs, and grants the requests that were open. Raises NoSchedule.
    """
    if not parts or min(part.amount for part in parts) <= 0:
        raise NoSchedule("an installment plan needs parts, each of more than nothing")
    before = await running_plan(session, client, currency)
    if before is not None:
        end_plan(session, before, PlanOutcome.REPLACED, now)
    row = InstallmentPlan(client_id=client, currency=currency, agreed_at=now)
    session.add(row)
    await session.flush()
    session.add_all(
        Installment(plan_id=row.id, no=number, due=part.due, amount=part.amount, interest=part.interest, fee=part.fee)
        for number, part in enumerate(sorted(parts, key=lambda one: one.due), start=1)
    )
    await session.execute(
        update(InstallmentRequest)
        .where(
            InstallmentRequest.client_id == client,
            InstallmentRequest.currency == currency,
            InstallmentRequest.answered_at.is_(None),
        )
        .values(answered_at=now, granted=True, plan_id=row.id)
    )
    note(
        session,
        client,
        now,
        "installment_plan",
        plan=row.id,
        parts=len(parts),
        amount=sum(part.amount for part in parts),
        interest=sum(part.interest for part in parts) or None,
        fee=sum(part.fee for part in parts) or None,
        currency=currency,
    )
    await session.flush()
    return row.id


async def answer_request(
    session: WriteSession,
    number: int,
    now: datetime,
    *,
    granted: bool,
    parts: Sequence[Part] = (),
    reason: str | None = None,
    by: int | None = None,
) -> int | None:
    """An operator (`by`, a user) agrees to a request with a schedule, or refuses it. The id of the plan agreed.

    Raises NoSuchRequest and NoSchedule.
    """
    row = await session.get(InstallmentRequest, number, populate_existing=True)
    if row is None or row.answered_at is not None:
        raise NoSuchRequest(f"no installment request {number} waits for an answer")
    plan = await agree_installments(session, row.client_id, row.currency, parts, now) if granted else None
    await session.refresh(row)
    row.answered_at, row.granted, row.plan_id = now, granted, plan
    row.reason, row.answered_by = reason, by
    kind = "installments_granted" if granted else "installments_refused"
    note(session, row.client_id, now, kind, request=row.id, reason=reason, by=by)
    await session.flush()
    return plan


async def cancel_installments(
    session: WriteSession, number: int, reason: str, now: datetime, *, by: str | None = None
) -> None:
    """End a plan before it is paid: what it froze is collectable again. Raises NoSuchPlan."""
    row = await session.get(InstallmentPlan, number, populate_existing=True)
    if row is None or row.ended_at is not None:
        raise NoSuchPlan(f"no running installment plan {number}")
    row.reason = reason
    end_plan(session, row, PlanOutcome.CANCELLED, now, by=by)
    await session.flush()


def end_plan(
    session: WriteSession, row: InstallmentPlan, outcome: PlanOutcome, now: datetime, *, by: str | None = None
) -> None:
    """Give a plan its outcome, and tell the history."""
    row.ended_at, row.outcome = now, outcome
    note(session, row.client_id, now, f"installments_{outcome}", plan=row.id, reason=row.reason, by=by)
