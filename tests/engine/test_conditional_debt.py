"""Conditional payments suspend the work; only the end of real debt ends it (A8-A10)."""

from __future__ import annotations

from datetime import UTC, date, datetime

from given import given_client, given_invoice, given_plans
from sqlalchemy import select

from engine.agreements.disputes import dispute
from engine.agreements.promises import judge_promises, promise
from engine.calendar import AnyHour
from engine.decision import CaseStatus
from engine.full_run import decide_all
from engine.ledger import Received, receive, resolve
from engine.money import money
from engine.run import decide_clients
from engine.store.session import Database
from engine.store.tables.casework import Case, Contact, ServiceOrder, Task
from engine.store.tables.ledger import Promise

HOURS = AnyHour()


def at(day: int, hour: int = 6, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


async def test_the_worked_example(database: Database) -> None:
    async with database.write() as session:
        await given_plans(session)
        ana = await given_client(session, sms="+40712345678")
        await given_invoice(session, ana, "I1", "60", date(2026, 3, 1), account="A1", service="tv")
        disputed = await given_invoice(session, ana, "I3", "140", date(2026, 3, 1), account="A3")

    await decide_all(database, at(5), HOURS)
    async with database.read() as session:
        assert (await session.scalars(select(Case))).all() == []

    await decide_all(database, at(6), HOURS)
    async with database.read() as session:
        contacts = (await session.scalars(select(Contact))).all()
        assert [(contact.script, contact.channels) for contact in contacts] == [("reminder", ["sms", "email"])]

    async with database.write() as session:
        number = await dispute(session, ana, money(140, "RON"), "not mine", at(10, 10), disputed)
        [decision] = await decide_clients(session, [ana], at(10, 10), HOURS) or [None]
        assert decision is None, "60 RON is still enough for the next stage, so nothing changes"
    async with database.write() as session:
        await promise(session, ana, money(60, "RON"), date(2026, 3, 20), at(12, 10))
        [decision] = await decide_clients(session, [ana], at(12, 10), HOURS)
        assert decision.status is CaseStatus.SUSPENDED
        assert decision.standing.real == 200_00
        assert decision.standing.conditional == 0

    await decide_all(database, at(16), HOURS)
    async with database.write() as session:
        assert await judge_promises(session, at(20, 21)) == 0, "the last day is not over in Bucharest"
        assert await judge_promises(session, at(20, 22)) == 1
    async with database.read() as session:
        assert (await session.scalars(select(Promise.state))).all() == ["broken"]

    await decide_all(database, at(21), HOURS)
    async with database.read() as session:
        case = (await session.scalars(select(Case))).one()
        assert (case.stage, case.told) == (1, "open")
        assert (await session.scalars(select(ServiceOrder))).all() == []
        assert (await session.scalars(select(Task.kind))).all() == ["call"]

    async with database.write() as session:
        await resolve(session, number, 0, at(25, 10))
        [decision] = await decide_clients(session, [ana], at(25, 10), HOURS)
        assert [order.verb for order in decision.instructions] == ["suspend_service"]

    async with database.write() as session:
        payment = Received("P1", ana, money(200, "RON"), at(10, 9, 4), "billing")
        assert await receive(session, payment, at(10, 9, 4))
        assert not await receive(session, payment, at(10, 9, 4)), "told twice, booked once"
        [decision] = await decide_clients(session, [ana], at(10, 9, 4), HOURS)
        assert decision.status is CaseStatus.CLOSED
        assert [order.verb for order in decision.instructions] == ["restore_service"]


async def test_a_run_repeated_changes_nothing(database: Database) -> None:
    async with database.write() as session:
        await given_plans(session)
        ana = await given_client(session, sms="+40712345678")
        await given_invoice(session, ana, "I1", "60", date(2026, 3, 1))
    first = await decide_all(database, at(6), HOURS)
    again = await decide_all(database, at(6), HOURS)
    assert first.changes["contact"] == 1
    assert again.changes.total() == 0
