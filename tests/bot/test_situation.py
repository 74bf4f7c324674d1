"""What a talk may speak of, read from the case store: what is agreed, what comes next, what a policy grants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest
from given import given_client, given_invoice, plan
from loop import Loop, running_loop
from sqlalchemy import select

from bot.situation import Situations
from dialogs.facts import AccountDue, Due, Facts
from engine.agreements.installments import agree_installments
from engine.agreements.promises import judge_promises, promise
from engine.calendar import AnyHour
from engine.courtesies import plan_courtesies
from engine.installment import Part
from engine.ledger import Received, receive
from engine.money import Money, money
from engine.promise import PromiseTerms
from engine.store.session import WriteSession, lock_clients
from engine.store.tables.casework import Contact
from engine.store.tables.portfolio import Client

NOW = datetime(2026, 3, 11, 9, tzinfo=UTC)
TODAY = date(2026, 3, 11)
PLAN = plan("""
    include: {services: [internet]}
    installments: {most_parts: 4, least_part: 60}
    courtesy: [{before_due: 3, send: courtesy_reminder, by: [sms]}]
    stages:
      - stage: reminder
        actions: [{send: reminder, by: [sms]}]
""")


def lei(amount: str | int) -> Money:
    return money(amount, "RON")


@pytest.fixture
async def loop(database_url: str) -> AsyncIterator[Loop]:
    async with running_loop(database_url, NOW, plan=PLAN) as running:
        yield running


async def stands(loop: Loop, client: int, now: datetime = NOW) -> Facts:
    app = loop.sandbox.wired.app
    async with app.database.read() as session:
        situations = await Situations.read(session, app, [client, loop.ana], now)
        return situations.facts(await session.get_one(Client, client), "RON")


async def pays(session: WriteSession, client: int, amount: str, now: datetime) -> None:
    await lock_clients(session, [client])
    await receive(session, Received(f"p{now}", client, lei(amount), now, "feed"), now)


async def test_a_client_without_any_debt_is_told_of_the_next_bill_that_counts(loop: Loop) -> None:
    async with loop.sandbox.wired.app.database.write() as session:
        vlad = await given_client(session, "vlad")
        await given_invoice(session, vlad, "T1", "15", TODAY + timedelta(days=1), account="T", service="tv")
        await given_invoice(session, vlad, "N1", "40", TODAY + timedelta(days=3), account="N")
        await given_invoice(session, vlad, "M1", "20", TODAY + timedelta(days=3), account="M")
        await given_invoice(session, vlad, "N2", "50", TODAY + timedelta(days=33), account="N")
    facts = await stands(loop, vlad)
    assert (facts.amount_due, facts.upcoming) == (lei(0), Due(lei(60), TODAY + timedelta(days=3)))
    assert facts.upcoming_accounts == (AccountDue("M", "internet", lei(20)), AccountDue("N", "internet", lei(40)))


async def test_a_contact_is_about_its_own_bill_and_not_a_nearer_one(loop: Loop) -> None:
    app = loop.sandbox.wired.app
    async with app.database.write() as session:
        vlad = await given_client(session, "vlad")
        await given_invoice(session, vlad, "N1", "40", TODAY + timedelta(days=1), account="N")
        await given_invoice(session, vlad, "M1", "20", TODAY + timedelta(days=3), account="M")
        await pays(session, vlad, "5", NOW)
    assert await plan_courtesies(app.database, NOW, AnyHour()) == 1
    async with app.database.read() as session:
        situations = await Situations.read(session, app, [vlad], NOW)
        contact = await session.scalar(select(Contact.id))
        facts = situations.facts(await session.get_one(Client, vlad), "RON", contact)
    assert facts.upcoming == Due(lei(20), TODAY + timedelta(days=3)), "what was paid ahead goes to the nearer one"


async def test_what_was_paid_ahead_is_not_asked_for(loop: Loop) -> None:
    async with loop.sandbox.wired.app.database.write() as session:
        vlad = await given_client(session, "vlad")
        await given_invoice(session, vlad, "N1", "40", TODAY + timedelta(days=3), account="N")
        await pays(session, vlad, "30", NOW)
    assert (await stands(loop, vlad)).upcoming == Due(lei(10), TODAY + timedelta(days=3))
    async with loop.sandbox.wired.app.database.write() as session:
        await pays(session, vlad, "10", NOW + timedelta(minutes=1))
    assert (await stands(loop, vlad)).upcoming is None


async def test_a_promise_is_known_by_what_is_missing_and_once_broken_until_the_next(loop: Loop) -> None:
    friday, database = date(2026, 3, 13), loop.sandbox.wired.app.database
    async with database.write() as session:
        await promise(session, loop.ana, lei(70), friday, NOW, PromiseTerms())
        await pays(session, loop.ana, "20", NOW + timedelta(hours=1))
    facts = await stands(loop, loop.ana)
    assert (facts.promise, facts.broken) == (Due(lei(50), friday), None)
    after = NOW + timedelta(days=3)
    async with database.write() as session:
        await judge_promises(session, after)
    facts = await stands(loop, loop.ana, after)
    assert (facts.promise, facts.broken) == (None, Due(lei(50), friday))
    async with database.write() as session:
        await promise(session, loop.ana, lei(180), date(2026, 3, 20), after + timedelta(hours=1), PromiseTerms())
    facts = await stands(loop, loop.ana, after + timedelta(hours=2))
    assert (facts.promise, facts.broken) == (Due(lei(180), date(2026, 3, 20)), None)


async def test_what_is_said_to_be_due_is_so_since_the_oldest_bill_that_is_not_frozen(loop: Loop) -> None:
    async with loop.sandbox.wired.app.database.write() as session:
        vlad = await given_client(session, "vlad")
        for number, (amount, day) in enumerate([("80", 1), ("50", 5), ("30", 9)]):
            await given_invoice(session, vlad, f"N{number}", amount, date(2026, 3, day), account="N")
    facts = await stands(loop, vlad)
    assert (facts.amount_due, facts.oldest_due, facts.days_past_due) == (lei(160), date(2026, 3, 1), 10)
    assert facts.all_due is None, "nothing is frozen"
    async with loop.sandbox.wired.app.database.write() as session:
        await promise(session, vlad, lei(100), date(2026, 3, 13), NOW, PromiseTerms())
    facts = await stands(loop, vlad)
    assert (facts.amount_due, facts.oldest_due, facts.days_past_due) == (lei(60), date(2026, 3, 5), 6)
    assert facts.all_due == lei(160)


async def test_the_next_installment_and_all_that_were_missed(loop: Loop) -> None:
    parts = [Part(date(2026, 3, 1 + 10 * number), 5000, interest=50) for number in range(3)]
    async with loop.sandbox.wired.app.database.write() as session:
        await agree_installments(session, loop.ana, "RON", [*parts, Part(date(2026, 3, 31), 5000)], NOW)
        await pays(session, loop.ana, "60", NOW + timedelta(minutes=1))
    facts = await stands(loop, loop.ana)
    assert (facts.installment, facts.missed) == (Due(lei("40.50"), TODAY), None)
    facts = await stands(loop, loop.ana, NOW + timedelta(days=11))
    assert facts.installment == Due(lei(50), date(2026, 3, 31))
    assert facts.missed == Due(lei(91), TODAY)


async def test_schedules_are_those_the_policy_grants_at_once(loop: Loop) -> None:
    facts = await stands(loop, loop.ana)
    assert facts.parts == 3, "four parts would be smaller than the plan grants"
    assert facts.schedules == {
        2: ((date(2026, 4, 13), lei(100)), (date(2026, 5, 11), lei(100))),
        3: ((date(2026, 4, 13), lei("66.68")), (date(2026, 5, 11), lei("66.66")), (date(2026, 6, 11), lei("66.66"))),
    }


async def test_beside_a_running_agreement_nothing_is_granted_at_once(loop: Loop) -> None:
    async with loop.sandbox.wired.app.database.write() as session:
        await agree_installments(session, loop.ana, "RON", [Part(date(2026, 3, 20), 5000)], NOW)
    assert (await stands(loop, loop.ana)).schedules == {}


async def test_a_schedule_read_back_and_confirmed_is_agreed(loop: Loop) -> None:
    await loop.decide()
    await loop.says("can I pay in 3 parts?")
    assert "66.68 RON by 13 April" in loop.heard()[-1]
    assert await loop.asks("select count(*) from installment_plans") == [(0,)]
    await loop.says("yes")
    agreed = "select i.due::text, i.amount from installments i order by i.due"
    assert await loop.asks(agreed) == [("2026-04-13", 6668), ("2026-05-11", 6666), ("2026-06-11", 6666)]
    assert "it is booked" in loop.heard()[-1]
