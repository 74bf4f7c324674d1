"""Paying in parts: requests, what a plan's policy grants, an operator's answer, and how a schedule ends."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from given import PLAN, given_client, given_invoice, given_plans
from sqlalchemy import func, select, text, update

from engine.agreements.installments import (
    NoSchedule,
    NoSuchPlan,
    NoSuchRequest,
    agree_installments,
    answer_request,
    cancel_installments,
    request_installments,
)
from engine.apply import Source, apply, unfrozen
from engine.installment import Part
from engine.ledger import Received, receive
from engine.money import Money, money
from engine.outcome import InstallmentsRequested
from engine.store.session import Database, ReadSession, WriteSession
from engine.store.tables.casework import CaseEvent, Task
from engine.store.tables.ledger import Installment, InstallmentPlan, InstallmentRequest
from engine.store.tables.people import User
from engine.store.tables.portfolio import Client

NOW = datetime(2026, 12, 2, 10, tzinfo=UTC)
POLICY = (
    "    installments: {most_parts: 4, least_part: 50, first_share: 40, interest: 12, fee: 5, approval_above: 500}\n"
)
TWO = [Part(date(2026, 12, 20), 180_00, interest=1_00, fee=5_00), Part(date(2027, 1, 20), 120_00, interest=50)]


async def given_ana(session: WriteSession, amount: str = "300", policy: str = POLICY) -> int:
    await given_plans(session, PLAN.replace("    standard: true\n", f"    standard: true\n{policy}"))
    client = await given_client(session, "ana", sms="+40712345678")
    await session.execute(update(Client).values(country="RO"))
    await given_invoice(session, client, "I1", amount, date(2026, 11, 1))
    return client


async def ask(session: WriteSession, client: int, parts: int, event: str = "event:1") -> None:
    await apply(session, [InstallmentsRequested(parts)], Source(client, 0, "sms", "RON", event), NOW)


async def reviews(session: ReadSession) -> list[str]:
    return list(await session.scalars(select(Task.reason).order_by(Task.id)))


async def request(session: ReadSession) -> InstallmentRequest:
    return (await session.scalars(select(InstallmentRequest).order_by(InstallmentRequest.id.desc()))).first()  # type: ignore[return-value]


async def test_what_the_policy_grants_is_agreed_at_once(database: Database) -> None:
    async with database.write() as session:
        ana = await given_ana(session)
        await ask(session, ana, 3)
        parts = (await session.scalars(select(Installment).order_by(Installment.no))).all()
        assert [(part.due, part.amount, part.fee) for part in parts] == [
            (date(2027, 1, 4), 120_00, 5_00),
            (date(2027, 2, 2), 90_00, 0),
            (date(2027, 3, 2), 90_00, 0),
        ], "2 January 2027 is a Saturday and a holiday"
        expected = [Decimal(300 * 12 * 33) / 365, Decimal(180 * 12 * 29) / 365, Decimal(90 * 12 * 28) / 365]
        assert [part.interest for part in parts] == [round(one) for one in expected]
        asked = await request(session)
        assert (asked.granted, asked.answered_at, asked.answered_by, asked.plan_id) == (
            True,
            NOW,
            None,
            parts[0].plan_id,
        )
        assert await reviews(session) == []
        assert await unfrozen(session, ana, "RON", NOW) == Money(0, "RON")
        [detail] = await session.scalars(select(CaseEvent.detail).where(CaseEvent.kind == "installment_plan"))
    assert (detail["parts"], detail["amount"], detail["fee"]) == (3, 300_00, 5_00)


@pytest.mark.parametrize(
    ("amount", "policy", "parts", "reason"),
    [
        ("300", "", 3, "asks to pay in 3 parts"),
        ("300", POLICY, 5, "asks to pay in 5 parts: too many parts: the plan grants at most 4"),
        ("120", POLICY, 3, "asks to pay in 3 parts: the parts would be smaller than the plan grants"),
        ("501", POLICY, 3, "asks to pay in 3 parts: the debt is above the sum the plan grants without approval"),
    ],
)
async def test_anything_else_waits_for_a_person_who_is_told_why(
    database: Database, amount: str, policy: str, parts: int, reason: str
) -> None:
    async with database.write() as session:
        ana = await given_ana(session, amount, policy)
        await ask(session, ana, parts)
        assert await reviews(session) == [reason]
        assert (await request(session)).answered_at is None
        assert await session.scalar(select(func.count()).select_from(InstallmentPlan)) == 0
        assert await unfrozen(session, ana, "RON", NOW) == money(amount, "RON")


async def test_a_second_wish_while_a_plan_runs_waits_for_a_person(database: Database) -> None:
    async with database.write() as session:
        ana = await given_ana(session)
        await ask(session, ana, 3)
        await given_invoice(session, ana, "I2", "200", date(2026, 11, 20))
        await ask(session, ana, 2, "event:2")
        assert await reviews(session) == ["asks to pay in 2 parts: an installment plan runs already"]
        assert await session.scalar(select(func.count()).select_from(InstallmentPlan)) == 1


async def test_an_operator_grants_another_schedule_than_was_asked_for(database: Database) -> None:
    async with database.write() as session:
        ana = await given_ana(session)
        user = User(login="olga", name="Olga", created_at=NOW)
        session.add(user)
        number = await request_installments(session, ana, "RON", 6, NOW, "sms")
        plan = await answer_request(
            session, number, NOW, granted=True, parts=TWO, reason="pays on the 20th", by=user.id
        )
        asked = await request(session)
        assert (asked.granted, asked.plan_id, asked.reason, asked.answered_by) == (
            True,
            plan,
            "pays on the 20th",
            user.id,
        )
        rows = (await session.scalars(select(Installment).order_by(Installment.no))).all()
        assert [(row.no, row.amount, row.interest, row.fee) for row in rows] == [
            (1, 180_00, 1_00, 5_00),
            (2, 120_00, 50, 0),
        ]
        with pytest.raises(NoSuchRequest):
            await answer_request(session, number, NOW, granted=False, reason="twice")


async def test_an_operator_refuses_with_a_reason(database: Database) -> None:
    async with database.write() as session:
        ana = await given_ana(session)
        number = await request_installments(session, ana, "RON", 6, NOW)
        assert await answer_request(session, number, NOW, granted=False, reason="too long") is None
        asked = await request(session)
        assert (asked.granted, asked.reason, asked.answered_at) == (False, "too long", NOW)
        assert await unfrozen(session, ana, "RON", NOW) == Money(300_00, "RON")
        other = await request_installments(session, ana, "RON", 6, NOW)
        with pytest.raises(NoSchedule):
            await answer_request(session, other, NOW, granted=True)


async def test_a_plan_ends_when_all_of_it_is_paid(database: Database) -> None:
    async with database.write() as session:
        ana = await given_ana(session)
        plan = await agree_installments(session, ana, "RON", TWO, NOW)
        await pay(session, ana, "p1", "299.99")
        assert (await ended(session, plan)) == (None, None)
        await pay(session, ana, "p2", "0.01")
        assert (await ended(session, plan)) == (NOW, "paid")


async def test_a_cancelled_plan_freezes_nothing_longer(database: Database) -> None:
    async with database.write() as session:
        ana = await given_ana(session)
        plan = await agree_installments(session, ana, "RON", TWO, NOW)
        assert await unfrozen(session, ana, "RON", NOW) == Money(0, "RON")
        await cancel_installments(session, plan, "missed twice", NOW)
        assert await unfrozen(session, ana, "RON", NOW) == Money(300_00, "RON")
        assert (await ended(session, plan)) == (NOW, "cancelled")
        with pytest.raises(NoSuchPlan):
            await cancel_installments(session, plan, "again", NOW)


async def test_a_new_schedule_takes_the_place_of_the_one_that_runs(database: Database) -> None:
    async with database.write() as session:
        ana = await given_ana(session)
        first = await agree_installments(session, ana, "RON", TWO, NOW)
        second = await agree_installments(session, ana, "RON", [Part(date(2027, 2, 1), 300_00)], NOW)
        assert (await ended(session, first)) == (NOW, "replaced")
        assert (await ended(session, second)) == (None, None)
        total = await session.scalar(text("select sum(amount) from conditional_payments"))
        assert total == 300_00


async def pay(session: WriteSession, client: int, ref: str, amount: str) -> None:
    await receive(session, Received(ref, client, money(amount, "RON"), NOW, "billing"), NOW)


async def ended(session: WriteSession, plan: int) -> tuple[datetime | None, str | None]:
    row = await session.get_one(InstallmentPlan, plan, populate_existing=True)
    return row.ended_at, row.outcome
