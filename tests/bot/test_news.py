"""What becomes of news of what has happened: its hours, who is told, what is said, and what is told no more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time

import pytest
from given import PLAN, given_invoice
from loop import ANA_PHONE, Loop, running_loop
from sqlalchemy import select, text

from bot.pay.booking import PaidOutcome
from bot.situation import Situations
from bot.thanks import thank
from dialogs.facts import Due, Facts
from engine.agreements.appropriation import keeps_a_promise
from engine.agreements.disputes import dispute
from engine.agreements.pauses import pause
from engine.agreements.promises import promise
from engine.calendar import SendWindow
from engine.ledger import Received, receive, reject, resolve
from engine.money import Money, money
from engine.run import decide_clients
from engine.store.session import WriteSession, lock_clients
from engine.store.tables.casework import Contact, OrderOutcome, ServiceOrder
from engine.store.tables.portfolio import Client
from engine.store.tables.talk import Conversation
from engine.work.orders import Acknowledgement, acknowledge

NEWS = "promise_kept: true, service_restored: true, dispute_opened: true, dispute_answered: true, payment_unclear: true"
TELLING = PLAN.replace("    stages:", f"    follow_up: {{{NEWS}, by: [sms]}}\n    stages:", 1)
STATES = "select occasion, state from contacts where occasion <> 'stage' order by id"
SAID = "select script from conversations order by id"
HOURS = SendWindow(time(9), time(20))
EVENING = datetime(2026, 3, 11, 19, tzinfo=UTC)
TODAY = date(2026, 3, 11)
"""21:00 in Bucharest."""


@pytest.fixture
async def loop(database_url: str) -> AsyncIterator[Loop]:
    """Ana in the evening, after her hours; the reminder of the day waits for the morning as well."""
    async with running_loop(database_url, EVENING, hours=HOURS, plan=TELLING, sms=ANA_PHONE) as running:
        yield running


def lei(amount: int) -> Money:
    return money(amount, "RON")


async def stands(loop: Loop, contact: int | None = None) -> Facts:
    app = loop.sandbox.wired.app
    async with app.database.read() as session:
        situations = await Situations.read(session, app, [loop.ana], loop.clock())
        return situations.facts(await session.get_one(Client, loop.ana), "RON", contact)


async def contests(loop: Loop, amount: int) -> int:
    async with loop.sandbox.wired.app.database.write() as session:
        await lock_clients(session, [loop.ana])
        return await dispute(session, loop.ana, lei(amount), "wrong tariff", loop.clock())


async def pays(session: WriteSession, loop: Loop, amount: int) -> None:
    await lock_clients(session, [loop.ana])
    await receive(session, Received(f"P{amount}", loop.ana, lei(amount), loop.clock(), "billing"), loop.clock())
    await decide_clients(session, [loop.ana], loop.clock(), HOURS)


async def test_news_of_the_evening_comes_in_the_morning(loop: Loop) -> None:
    await contests(loop, 30)
    await loop.decide()
    assert loop.heard() == []
    await loop.later(hours=13)
    assert await loop.asks(STATES) == [("dispute_opened", "opened")]
    assert await loop.asks("select count(*) from conversations where script = 'dispute_opened'") == [(1,)]
    assert any("30" in words for words in loop.heard())
    await loop.later(hours=1)
    assert await loop.asks("select count(*) from conversations where script = 'dispute_opened'") == [(1,)]


async def test_a_dispute_that_is_answered_before_the_morning_is_only_answered(loop: Loop) -> None:
    number = await contests(loop, 30)
    async with loop.sandbox.wired.app.database.write() as session:
        await resolve(session, number, 10_00, loop.clock())
    await loop.later(hours=13)
    assert await loop.asks(STATES) == [("dispute_opened", "superseded"), ("dispute_answered", "opened")]


@pytest.mark.parametrize(("days", "state"), [(2, "opened"), (5, "superseded")])
async def test_a_pause_holds_news_up_until_it_is_none_any_more(loop: Loop, days: int, state: str) -> None:
    await contests(loop, 30)
    async with loop.sandbox.wired.app.database.write() as session:
        await pause(session, loop.ana, days, "in hospital", "olga", loop.clock())
    await loop.later(hours=13)
    assert await loop.asks(STATES) == [("dispute_opened", "planned")]
    await loop.later(days=days - 1)
    assert await loop.asks(STATES) == [("dispute_opened", state)]


async def test_nobody_is_told_while_a_person_holds_the_talk(loop: Loop) -> None:
    await loop.says("operator")
    told = len(loop.heard())
    await contests(loop, 30)
    await loop.later(hours=13)
    assert await loop.asks(STATES) == [("dispute_opened", "planned")]
    assert len(loop.heard()) == told


async def test_who_has_opted_out_is_not_told(loop: Loop) -> None:
    await loop.says("STOP")
    told = len(loop.heard())
    await contests(loop, 30)
    await loop.later(hours=13)
    assert await loop.asks(STATES) == [("dispute_opened", "unreachable")]
    assert len(loop.heard()) == told


async def test_a_payment_not_found_is_asked_after_only_while_something_is_free_to_be_paid(loop: Loop) -> None:
    async with loop.sandbox.wired.app.database.write() as session:
        claim = Received("claim:1", loop.ana, lei(80), loop.clock(), "claim", confirmed=False)
        await receive(session, claim, loop.clock())
        await reject(session, "claim:1", loop.clock())
    assert (await stands(loop)).claim == Due(lei(80), TODAY)
    async with loop.sandbox.wired.app.database.write() as session:
        await promise(session, loop.ana, lei(200), date(2026, 3, 20), loop.clock())
    await loop.later(hours=13)
    assert await loop.asks(STATES) == [("payment_unclear", "superseded")]


async def test_a_service_is_off_and_on_again_in_the_facts(loop: Loop) -> None:
    app = loop.sandbox.wired.app
    async with app.database.write() as session:
        await session.execute(text("update clients set timezone = 'Asia/Vladivostok'"))
        await given_invoice(session, loop.ana, "I2", "150", date(2026, 3, 1), account="ACC-1002", service="tv")
        await decide_clients(session, [loop.ana], loop.clock(), HOURS)
    await loop.later(days=10)
    assert (await stands(loop)).restricted_on is None, "to order it off is not to have it off"
    async with app.database.write() as session:
        for order in await session.scalars(select(ServiceOrder).order_by(ServiceOrder.id)):
            await acknowledge(session, order.id, Acknowledgement(OrderOutcome.DONE), loop.clock())
        await pays(session, loop, 350)
    told = (await stands(loop)).restricted_on
    assert told == date(2026, 3, 22), "done on her day, which is ahead of ours; to order it on is not to have it on"
    async with app.database.write() as session:
        on = select(ServiceOrder).where(ServiceOrder.verb == "restore_service")
        for order in await session.scalars(on):
            await acknowledge(session, order.id, Acknowledgement(OrderOutcome.DONE), loop.clock())
    facts = await stands(loop)
    assert (facts.restored, facts.restricted_on) == ("ACC-1001 (internet), ACC-1002 (tv)", None)
    await loop.later(hours=13)
    assert ("service_restored", "opened") in await loop.asks(STATES)
    assert any("ACC-1001 (internet)" in words for words in loop.heard()), "its case is closed, and its plan asks for it"


LIMITING = TELLING.replace("{task: call}", "{send: restriction_notice, by: [sms]}")
NOTICES = "select state from contacts where script = 'restriction_notice'"


@pytest.mark.parametrize(("answer", "state"), [(OrderOutcome.DONE, "opened"), (OrderOutcome.REFUSED, "superseded")])
async def test_nobody_is_told_of_a_service_that_is_off_where_none_is(
    database_url: str, answer: OrderOutcome, state: str
) -> None:
    async with running_loop(database_url, EVENING, hours=HOURS, plan=LIMITING, sms=ANA_PHONE) as loop:
        await loop.decide()
        await loop.later(days=12)
        assert await loop.asks(NOTICES) == [("planned",)], "what is ordered is not done yet"
        async with loop.sandbox.wired.app.database.write() as session:
            for order in await session.scalars(select(ServiceOrder)):
                await acknowledge(session, order.id, Acknowledgement(answer), loop.clock())
        await loop.later(hours=13)
        assert await loop.asks(NOTICES) == [(state,)]


async def test_a_notice_names_only_the_accounts_that_are_off(database_url: str) -> None:
    async with running_loop(database_url, EVENING, hours=HOURS, plan=LIMITING, sms=ANA_PHONE) as loop:
        async with loop.sandbox.wired.app.database.write() as session:
            await given_invoice(session, loop.ana, "I2", "150", date(2026, 3, 1), account="ACC-1002", service="tv")
            await given_invoice(session, loop.ana, "I3", "120", date(2026, 3, 1), account="ACC-1003", service="mobile")
        await loop.decide()
        await loop.later(days=10)
        answers = (OrderOutcome.DONE, OrderOutcome.REFUSED, OrderOutcome.DONE)
        async with loop.sandbox.wired.app.database.write() as session:
            orders = list(await session.scalars(select(ServiceOrder).order_by(ServiceOrder.account_id)))
            for order, answer in zip(orders, answers, strict=True):
                await acknowledge(session, order.id, Acknowledgement(answer), loop.clock())
        await loop.later(hours=13)
        assert await loop.asks(NOTICES) == [("opened",)]
        notice = next(words for words in loop.heard() if "limitat" in words)
        assert [number for number in range(1, 4) if f"ACC-100{number}" in notice] == [1, 3]


async def test_a_promise_kept_early_is_told_by_the_day_that_was_agreed(loop: Loop) -> None:
    async with loop.sandbox.wired.app.database.write() as session:
        await promise(session, loop.ana, lei(150), date(2026, 3, 20), loop.clock())
        await pays(session, loop, 150)
    assert (await stands(loop)).kept == Due(lei(150), date(2026, 3, 20))


async def test_a_contact_speaks_of_its_own_day_before_the_latest(loop: Loop) -> None:
    app = loop.sandbox.wired.app
    first = await contests(loop, 30)
    second = await contests(loop, 20)
    await loop.later(days=1)
    third = await contests(loop, 10)
    facts = await stands(loop)
    assert facts.dispute == Due(lei(10), date(2026, 3, 12))
    async with app.database.read() as session:
        contact = await session.scalar(select(Contact.id).where(Contact.dispute_id == first))
    assert (await stands(loop, contact)).dispute == Due(lei(50), TODAY), "all of that day, in one message"
    async with app.database.write() as session:
        for number, granted in ((first, 5_00), (second, 0), (third, 0)):
            await resolve(session, number, granted, loop.clock())
    facts = await stands(loop)
    assert (facts.dispute, facts.answered, facts.granted) == (None, Due(lei(60), date(2026, 3, 12)), lei(5))


async def test_thanks_for_a_payment_by_link_are_the_news_of_the_promise_it_kept(loop: Loop) -> None:
    await loop.later(hours=13)
    app = loop.sandbox.wired.app
    async with app.database.write() as session:
        await promise(session, loop.ana, lei(150), date(2026, 3, 20), loop.clock())
    await loop.later(hours=1)
    for amount, keeps in ((100, False), (50, True)):
        async with app.database.write() as session:
            await pays(session, loop, amount)
            assert await keeps_a_promise(session, f"P{amount}", loop.clock()) is keeps
            talk = await session.scalar(select(Conversation.id).limit(1))
            paid = PaidOutcome(loop.ana, talk, lei(amount), lei(0), keeps)
            await thank(session, app, paid, f"payments:{amount}", loop.clock())
        await loop.later(hours=1)
    assert await loop.asks(SAID) == [("reminder",), ("payment_received",), ("promise_kept",)]
    assert await loop.asks(STATES) == [("promise_kept", "opened")]
    assert "150" in loop.heard()[-1]
