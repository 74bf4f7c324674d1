"""Courtesies: each once, on its day, only where a plan asks for them, and never about what is settled."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from given import given_client, given_invoice, given_plans, plan
from sqlalchemy import select, text

from engine.agreements.installments import agree_installments
from engine.agreements.pauses import pause
from engine.agreements.promises import judge_promises, promise
from engine.calendar import AnyHour
from engine.courtesies import plan_courtesies
from engine.daily import decide_day
from engine.installment import Part
from engine.ledger import Received, receive
from engine.money import money
from engine.store.session import Database
from engine.store.tables.casework import Contact

HOURS = AnyHour()
PLAN = plan("""
    include: {services: [internet]}
    courtesy:
      - {before_due: 7, send: courtesy_reminder, by: [email]}
      - {before_due: 2, send: courtesy_reminder, by: [sms]}
    follow_up: {promise_before: 1, promise_broken: true, installment_before: 2, installment_missed: true}
    stages:
      - stage: reminder
        actions: [{send: reminder, by: [sms, email]}]
      - stage: warning
        after_days: 30
        actions: [{send: warning, by: [voice]}]
""")


def at(day: int, hour: int = 6) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


@pytest.fixture
async def ana(database: Database) -> int:
    async with database.write() as session:
        await given_plans(session, PLAN)
        return await given_client(session, sms="+40712345678", email="ana@example.com")


async def day(database: Database, number: int) -> None:
    async with database.write() as session:
        await judge_promises(session, at(number))
    await decide_day(database, date(2026, 3, number), at(number), HOURS)


async def planned(database: Database) -> list[tuple[int, str, list[str]]]:
    """Courtesies so far: the day of March, the script, the channels."""
    rows = select(Contact).where(Contact.occasion != "stage").order_by(Contact.id)
    async with database.read() as session:
        return [(one.planned_at.day, one.script, one.channels) for one in await session.scalars(rows)]


async def moot(database: Database) -> int:
    async with database.read() as session:
        return await session.scalar(text("select count(*) from moot_contacts")) or 0


async def test_before_the_due_date_each_reminder_comes_once(database: Database, ana: int) -> None:
    async with database.write() as session:
        await given_invoice(session, ana, "I1", "80", date(2026, 3, 20))
        await given_invoice(session, ana, "W1", "80", date(2026, 3, 20), account="A2", service="water")
    for number in (12, 13, 14, 17, 18, 19, 20):
        await day(database, number)
    assert await planned(database) == [(13, "courtesy_reminder", ["email"]), (18, "courtesy_reminder", ["sms"])]
    assert await moot(database) == 0
    async with database.write() as session:
        await receive(session, Received("P1", ana, money("160", "RON"), at(20), "billing"), at(20))
    assert await moot(database) == 2, "what is paid is nobody's business any more"


async def test_bills_of_one_day_are_one_reminder_however_often_the_run_is_repeated(
    database: Database, ana: int
) -> None:
    async with database.write() as session:
        bill = await given_invoice(session, ana, "I1", "80", date(2026, 3, 20))
        await given_invoice(session, ana, "I2", "70", date(2026, 3, 20))
        await given_invoice(session, ana, "I3", "60", date(2026, 3, 20), account="A3")
    assert await plan_courtesies(database, at(13), HOURS) == 1
    async with database.read() as session:
        contact = (await session.scalars(select(Contact))).one()
    assert contact.invoice_id == bill, "the first stands for all"
    async with database.write() as session:
        await receive(session, Received("P1", ana, money("80", "RON"), at(13), "billing", invoice=bill), at(13))
    for number in (13, 14):
        assert await plan_courtesies(database, at(number), HOURS) == 0, "the others were spoken of as well"


async def test_bills_of_two_days_are_not_two_messages_on_one(database: Database, ana: int) -> None:
    async with database.write() as session:
        await given_invoice(session, ana, "I1", "80", date(2026, 3, 15))
        await given_invoice(session, ana, "I2", "80", date(2026, 3, 20))
        await given_invoice(session, ana, "E1", "80", date(2026, 3, 20), account="A4", currency="EUR")
    for number in (13, 13, 14, 14, 15):
        await day(database, number)
        assert await plan_courtesies(database, at(number), HOURS) == 0
    assert await planned(database) == [
        (13, "courtesy_reminder", ["sms"]),
        (13, "courtesy_reminder", ["email"]),
        (14, "courtesy_reminder", ["email"]),
    ], "the bill of the 20th waits a day, the one in another currency is its own matter"


async def test_a_bill_that_only_the_second_of_two_plans_includes_is_announced(database: Database) -> None:
    water = "  - plan: water\n" + PLAN.split("  - plan: standard\n")[1].replace("[internet]", "[water]")
    async with database.write() as session:
        await given_plans(session, PLAN + water.replace("standard: true", "standard: false"))
        ion = await given_client(session, "ion", plans=("standard", "water"), sms="+40712345670")
        await given_invoice(session, ion, "W1", "80", date(2026, 3, 20), account="A2", service="water")
    await day(database, 13)
    assert await planned(database) == [(13, "courtesy_reminder", ["email"])]


async def test_with_a_distance_between_contacts_a_day_has_one_courtesy(database: Database, ana: int) -> None:
    async with database.write() as session:
        await given_plans(session, PLAN.replace("follow_up:", "min_days_between_contacts: 1\n    follow_up:"))
        await promise(session, ana, money("80", "RON"), date(2026, 3, 14), at(8))
        await given_invoice(session, ana, "I1", "80", date(2026, 3, 20))
        await given_invoice(session, ana, "E1", "80", date(2026, 3, 20), account="A4", currency="EUR")
    await day(database, 13)
    assert await planned(database) == [(13, "promise_reminder", ["sms", "email", "voice"])], "an agreement goes first"
    await day(database, 14)
    assert (await planned(database))[1:] == [(14, "courtesy_reminder", ["email"])], "on another day a bill"


async def test_who_paid_in_advance_or_is_being_chased_is_not_reminded(database: Database, ana: int) -> None:
    async with database.write() as session:
        await receive(session, Received("P1", ana, money("100", "RON"), at(10), "billing"), at(10))
        await given_invoice(session, ana, "I1", "80", date(2026, 3, 20))
        dan = await given_client(session, "dan", sms="+40712345679")
        await given_invoice(session, dan, "I2", "80", date(2026, 3, 1), account="D1")
        await given_invoice(session, dan, "I3", "80", date(2026, 3, 20), account="D1")
    await day(database, 12)
    await day(database, 13)
    assert await planned(database) == []


async def test_a_promise_is_remembered_the_day_before_and_when_it_is_broken(database: Database, ana: int) -> None:
    async with database.write() as session:
        await given_invoice(session, ana, "I1", "80", date(2026, 3, 1))
        await promise(session, ana, money("80", "RON"), date(2026, 3, 12), at(8))
        await promise(session, ana, money("1", "RON"), date(2026, 3, 9), at(8))
    for number in (8, 9, 10, 11, 12):
        await day(database, number)
    by = ["sms", "email", "voice"]
    assert await planned(database) == [(10, "promise_broken", by), (11, "promise_reminder", by)]
    await day(database, 13)
    assert (await planned(database))[2:] == [(13, "promise_broken", by)]
    assert await moot(database) == 1, "the reminder of a promise that is judged"


async def test_installments_are_announced_and_asked_after(database: Database, ana: int) -> None:
    async with database.write() as session:
        await given_invoice(session, ana, "I1", "80", date(2026, 3, 1))
        parts = [Part(date(2026, 3, 10), 40_00), Part(date(2026, 3, 20), 40_00)]
        await agree_installments(session, ana, "RON", parts, at(6))
    for number in (7, 8, 9, 10, 11, 12, 18):
        await day(database, number)
    assert [(on, script) for on, script, _ in await planned(database)] == [
        (8, "installment_reminder"),
        (11, "installment_missed"),
        (18, "installment_reminder"),
    ]


async def test_a_pause_and_the_contact_budget_hold_courtesies_back(database: Database, ana: int) -> None:
    async with database.write() as session:
        await given_plans(session, PLAN.replace("follow_up:", "min_days_between_contacts: 3\n    follow_up:"))
        await given_invoice(session, ana, "I1", "80", date(2026, 3, 4))
        await promise(session, ana, money("10", "RON"), date(2026, 3, 11), at(8))
        dan = await given_client(session, "dan", sms="+40712345679")
        await given_invoice(session, dan, "I2", "80", date(2026, 3, 1), account="D1")
        await promise(session, dan, money("10", "RON"), date(2026, 3, 11), at(8))
        await pause(session, dan, 20, "in hospital", "olga", at(9))
    await day(database, 9)
    await day(database, 10)
    assert await planned(database) == [], "Ana's first reminder went out on the 9th, Dan is left in peace"
