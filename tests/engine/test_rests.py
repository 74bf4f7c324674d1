"""Who has nothing to wait for but the calendar is left alone until then, and not a day longer."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from given import THREE_STAGES, given_client, given_invoice, given_plans
from reached import given_opened
from sqlalchemy import select, text

from engine.agreements.installments import agree_installments
from engine.agreements.pauses import pause
from engine.agreements.promises import promise
from engine.calendar import AnyHour
from engine.contact import ChannelKind, Delivery
from engine.full_run import decide_all
from engine.installment import Part
from engine.ledger import Received, receive
from engine.money import Money
from engine.rest import LONGEST
from engine.run import decide_changed
from engine.store.feed import changed_clients
from engine.store.runs import Tally
from engine.store.session import Database, WriteSession
from engine.store.tables.casework import Contact
from engine.work.deviations import Deviator, change_version

HOURS = AnyHour()
DUE = date(2026, 3, 1)
STRICT = """
groups: [individuals]
plans:
  - plan: strict
    group: individuals
    standard: true
    advance: strictest
    start: {after_days: 0, min_debt: 10}
    stages:
      - {stage: mild, actions: [{send: reminder, by: [sms]}]}
      - {stage: double, min_unpaid_invoices: 2, actions: [{send: warning, by: [sms]}]}
      - {stage: old, days_past_due: 12, actions: [{do: credit_hold}]}
"""
NOTIFIES = """
groups: [individuals]
plans:
  - plan: notifies
    group: individuals
    standard: true
    start: {after_days: 1, min_debt: 10}
    stages:
      - {stage: notice, actions: [{send: reminder, by: [sms]}]}
      - {stage: restriction, needs_delivered: notice, actions: [{do: suspend_service}]}
"""
SUSPENDS = """
groups: [individuals]
plans:
  - plan: suspends
    group: individuals
    standard: true
    start: {after_days: 2, min_debt: 10}
    stages: [{stage: restriction, actions: [{do: suspend_service, min_account_debt: 120}]}]
"""


def at(day: int) -> datetime:
    return datetime(2026, 3, 1, 8, tzinfo=UTC) + timedelta(days=day - 1)


@pytest.fixture
async def ana(database: Database) -> int:
    """Owes 100 since the first of March: reminded on the 6th, warned on the 11th, restricted on the 21st."""
    async with database.write() as session:
        await given_plans(session, THREE_STAGES)
        number = await given_client(session)
        await given_invoice(session, number, "I1", "100", DUE)
    return number


async def day_by_day(database: Database, first: int, last: int) -> dict[int, Tally]:
    """The daily runs, each followed by what is done for who has changed."""
    runs = {}
    for day in range(first, last + 1):
        runs[day] = await decide_all(database, at(day), HOURS)
        await decide_changed(database, at(day) + timedelta(hours=1), HOURS)
    return runs


def looked_at(runs: dict[int, Tally]) -> list[int]:
    return [day for day, tally in runs.items() if tally.clients]


def entered(runs: dict[int, Tally]) -> list[int]:
    return [day for day, tally in runs.items() if tally.changes["stage entered"]]


async def test_between_the_stages_nobody_looks(database: Database, ana: int) -> None:
    runs = await day_by_day(database, 2, 23)
    assert entered(runs) == [6, 11, 21]
    turns = [day for day in range(2, 24) if (at(day).toordinal() + ana) % LONGEST == 0]
    assert set(looked_at(runs)) == {2, 6, 11, 21, *turns}, "on the first, on the days of the stages, and by turns"


async def test_a_bill_that_falls_due_ends_the_rest(database: Database, ana: int) -> None:
    async with database.write() as session:
        await given_invoice(session, ana, "I2", "50", date(2026, 3, 9))
    assert 9 in looked_at(await day_by_day(database, 2, 9))


async def test_an_installment_is_missed_on_its_day(database: Database, ana: int) -> None:
    async with database.write() as session:
        parts = [Part(date(2026, 3, 9), 50_00), Part(date(2026, 3, 13), 50_00)]
        await agree_installments(session, ana, "RON", parts, at(2))
    runs = await day_by_day(database, 2, 15)
    assert [day for day, tally in runs.items() if tally.changes["task call"]] == [10, 14]


async def test_an_installment_is_missed_in_a_currency_in_which_nothing_is_due_yet(database: Database) -> None:
    """Somebody owes too little to be worked, and pays the parts of a bill to come in another currency."""
    async with database.write() as session:
        await given_plans(session, THREE_STAGES)
        for number in range(3):
            client = await given_client(session, f"c{number}")
            await given_invoice(session, client, f"I{number}", "40", DUE, account=f"A{number}")
            await given_invoice(
                session, client, f"E{number}", "90", date(2026, 4, 20), account=f"B{number}", currency="EUR"
            )
            await agree_installments(session, client, "EUR", [Part(date(2026, 3, 6), 90_00)], at(1))
    runs = await day_by_day(database, 1, 8)
    assert {day: tally.changes["task call"] for day, tally in runs.items() if tally.changes["task call"]} == {7: 3}


async def test_an_old_rest_does_not_come_back_once_its_end_is_forgotten(database: Database) -> None:
    """Who has paid is not looked at; the mark of that is forgotten; a new bill has to be worked from its day on."""
    async with database.write() as session:
        await given_plans(session, THREE_STAGES.replace("after_days: 5, min_debt", "after_days: 0, min_debt", 1))
        clients = [await given_client(session, f"c{number}") for number in range(14)]
        for client in clients:
            await given_invoice(session, client, f"I{client}", "40", DUE, account=f"A{client}")
    await day_by_day(database, 1, 2)
    async with database.write() as session:
        for client in clients:
            await receive(session, Received(f"P{client}", client, Money(40_00, "RON"), at(2), "billing"), at(2))
    await day_by_day(database, 3, 3)
    async with database.write() as session:
        for client in clients:
            await given_invoice(session, client, f"J{client}", "60", date(2026, 3, 6), account=f"A{client}")
    runs = await day_by_day(database, 4, 7)
    assert {day: tally.changes["stage entered"] for day, tally in runs.items()} == {4: 0, 5: 0, 6: 14, 7: 0}


async def test_the_strictest_stage_comes_on_its_day_though_another_is_waited_for(database: Database) -> None:
    async with database.write() as session:
        await given_plans(session, STRICT)
        await given_invoice(session, await given_client(session), "I1", "100", DUE)
    runs = await day_by_day(database, 1, 14)
    assert entered(runs) == [1, 13]
    assert len(looked_at(runs)) < len(runs)


async def given_notified(database: Database, by: ChannelKind, plans: str = NOTIFIES) -> int:
    """On the second somebody was sent the notice of the first stage, an hour after that day's run. Their number."""
    async with database.write() as session:
        await given_plans(session, plans)
        client = await given_client(session, sms="+40712345678")
        await given_invoice(session, client, "I1", "100", DUE)
    assert entered(await day_by_day(database, 2, 2)) == [2]
    async with database.write() as session:
        contact = (await session.scalars(select(Contact))).one()
        await given_opened(session, contact, Delivery.SENT, at(2) + timedelta(hours=1), by)
    await decide_changed(database, at(2) + timedelta(hours=1), HOURS)
    return client


async def test_who_waits_for_a_delivery_is_left_alone_until_it_is_reported(database: Database) -> None:
    client = await given_notified(database, ChannelKind.SMS)
    assert looked_at(await day_by_day(database, 3, 3)) == [3], "one stage a day"
    looked = looked_at(await day_by_day(database, 4, 9))
    assert [day for day in looked if (at(day).toordinal() + client) % LONGEST] == []
    async with database.write() as session:
        await session.execute(text("update outbound set state = 'delivered'"))
    assert (await decide_changed(database, at(9), HOURS)).changes["stage entered"] == 1


async def test_a_delivery_is_news_for_whom_another_version_of_the_plan_waits(database: Database) -> None:
    """The notice went out when nothing waited for it; the case has been put on a version since that does."""
    client = await given_notified(
        database, ChannelKind.SMS, NOTIFIES.replace("needs_delivered: notice, ", "after_days: 9, ")
    )
    async with database.write() as session:
        await given_plans(session, NOTIFIES)
    async with database.write() as session:
        case = await session.scalar(text("select id from cases"))
        await change_version(session, case, Deviator("olga", "she asked", at(3), HOURS))
    assert entered(await day_by_day(database, 4, 5)) == []
    async with database.write() as session:
        await session.execute(text("update outbound set state = 'delivered'"))
        assert await changed_clients(session, 10) == [client]
    assert entered(await day_by_day(database, 6, 6)) == [6]


async def test_mail_that_does_not_come_back_counts_after_a_day(database: Database) -> None:
    """The run of the third comes 23 hours after it."""
    await given_notified(database, ChannelKind.EMAIL)
    assert entered(await day_by_day(database, 3, 6)) == [4]


async def test_what_a_pause_holds_back_comes_when_it_ends(database: Database) -> None:
    async with database.write() as session:
        await given_plans(session, SUSPENDS)
        client = await given_client(session)
        await given_invoice(session, client, "I1", "100", DUE)
        await given_invoice(session, client, "I2", "50", date(2026, 3, 6))
    await day_by_day(database, 2, 4)
    async with database.write() as session:
        await pause(session, client, 5, "on holiday", "olga", at(4))
    runs = await day_by_day(database, 5, 10)
    assert [day for day, tally in runs.items() if tally.changes["suspend_service"]] == [9]


@pytest.mark.parametrize("change", ["promise", "pause", "bill"])
async def test_news_end_the_rest_at_once(database: Database, ana: int, change: str) -> None:
    await day_by_day(database, 2, 8)
    assert (await decide_all(database, at(8), HOURS)).clients == 0
    async with database.write() as session:
        await _happen(session, ana, change)
    assert (await decide_all(database, at(8), HOURS)).clients == 1


async def _happen(session: WriteSession, client: int, change: str) -> None:
    if change == "promise":
        await promise(session, client, Money(100_00, "RON"), date(2026, 3, 15), at(8))
    elif change == "pause":
        await pause(session, client, 3, "on holiday", "olga", at(8))
    else:
        await given_invoice(session, client, "I2", "50", date(2026, 3, 7))


async def test_a_new_version_of_a_plan_ends_every_rest(database: Database, ana: int) -> None:
    await day_by_day(database, 2, 8)
    async with database.write() as session:
        await given_plans(session, THREE_STAGES.replace("min_debt: 50", "min_debt: 60"))
    assert (await decide_all(database, at(8), HOURS)).clients == 1


async def test_everybody_may_be_looked_at(database: Database, ana: int) -> None:
    await day_by_day(database, 2, 8)
    assert (await decide_all(database, at(8), HOURS, everybody=True)).clients == 1


async def test_rests_of_a_restored_database_count_for_nothing(database: Database, ana: int) -> None:
    """There the numbers of transactions begin again: marks to come would look older than a rest of before."""
    await day_by_day(database, 2, 8)
    async with database.write() as session:
        await session.execute(text("update rests set snapshot = '900000000:900000000:'"))
    assert (await decide_all(database, at(8), HOURS)).clients == 1
