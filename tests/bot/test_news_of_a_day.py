"""One message speaks of all of a day: of whatever still stands, and of it alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta

import pytest
from given import PLAN
from loop import ANA_PHONE, Loop, running_loop

from bot.pay.booking import PaidOutcome
from bot.situation import Situations
from bot.thanks import thank
from dialogs.facts import Due, Facts
from engine.agreements.disputes import dispute
from engine.agreements.promises import promise
from engine.calendar import SendWindow
from engine.ledger import Received, receive, reject, resolve
from engine.money import Money, money
from engine.refunds import reverse
from engine.store.session import WriteSession, lock_clients
from engine.store.tables.portfolio import Client

NEWS = "promise_kept: true, dispute_answered: true, payment_unclear: true"
TELLING = PLAN.replace("    stages:", f"    follow_up: {{{NEWS}, by: [sms]}}\n    stages:", 1)
STATES = "select occasion, state from contacts where occasion <> 'stage' order by id"
EVENING = datetime(2026, 3, 11, 19, tzinfo=UTC)
"""21:00 in Bucharest."""
TODAY = date(2026, 3, 11)


@pytest.fixture
async def loop(database_url: str) -> AsyncIterator[Loop]:
    """Ana in the evening, after her hours."""
    async with running_loop(
        database_url, EVENING, hours=SendWindow(time(9), time(20)), plan=TELLING, sms=ANA_PHONE
    ) as running:
        yield running


def lei(amount: int) -> Money:
    return money(amount, "RON")


async def pays(session: WriteSession, loop: Loop, amount: int) -> None:
    await receive(session, Received(f"P{amount}", loop.ana, lei(amount), loop.clock(), "billing"), loop.clock())


async def claims(session: WriteSession, loop: Loop, amount: int, *, days_ago: int = 0) -> None:
    """Ana said so many days ago that she had paid; it was not found this evening."""
    said = loop.clock() - timedelta(days=days_ago)
    await lock_clients(session, [loop.ana])
    await receive(session, Received(f"claim:{amount}", loop.ana, lei(amount), said, "claim", confirmed=False), said)
    await reject(session, f"claim:{amount}", loop.clock())


async def told(loop: Loop) -> Facts:
    """The facts of the first news of all."""
    app = loop.sandbox.wired.app
    ((contact,),) = await loop.asks("select min(id) from contacts where occasion <> 'stage'")
    assert isinstance(contact, int)
    async with app.database.read() as session:
        situations = await Situations.read(session, app, [loop.ana], loop.clock())
        return situations.facts(await session.get_one(Client, loop.ana), "RON", contact)


async def test_claims_of_different_days_that_were_rejected_on_one_are_asked_after_together(loop: Loop) -> None:
    async with loop.sandbox.wired.app.database.write() as session:
        await claims(session, loop, 30, days_ago=5)
        await claims(session, loop, 70, days_ago=2)
    assert (await told(loop)).claim == Due(lei(100), date(2026, 3, 6))
    await loop.later(hours=13)
    assert await loop.asks(STATES) == [("payment_unclear", "opened")]
    assert "100" in loop.heard()[-1]


async def test_a_claim_is_asked_after_however_long_it_took_to_look_for_the_payment(loop: Loop) -> None:
    async with loop.sandbox.wired.app.database.write() as session:
        await claims(session, loop, 30, days_ago=61)
    await loop.later(hours=13)
    assert await loop.asks(STATES) == [("payment_unclear", "opened")]
    assert "30" in loop.heard()[-1]


async def test_of_two_claims_the_one_that_is_found_is_not_asked_after(loop: Loop) -> None:
    async with loop.sandbox.wired.app.database.write() as session:
        await claims(session, loop, 30)
        await claims(session, loop, 70)
        await pays(session, loop, 30)
    assert (await told(loop)).claim == Due(lei(70), TODAY)
    await loop.later(hours=13)
    assert await loop.asks(STATES) == [("payment_unclear", "opened")]


async def test_of_two_promises_kept_the_one_whose_payment_was_taken_back_is_not_thanked_for(loop: Loop) -> None:
    async with loop.sandbox.wired.app.database.write() as session:
        await lock_clients(session, [loop.ana])
        for amount in (50, 60):
            await promise(session, loop.ana, lei(amount), TODAY, EVENING)
            await pays(session, loop, amount)
        await reverse(session, "P50", EVENING)
    assert (await told(loop)).kept == Due(lei(60), TODAY)
    await loop.later(hours=13)
    assert await loop.asks(STATES) == [("promise_kept", "opened")]


async def test_a_contact_whose_own_event_is_settled_speaks_of_no_other_day(loop: Loop) -> None:
    async with loop.sandbox.wired.app.database.write() as session:
        await claims(session, loop, 30)
    loop.clock.advance(EVENING + timedelta(days=1))
    async with loop.sandbox.wired.app.database.write() as session:
        await claims(session, loop, 70)
        await pays(session, loop, 30)
    assert (await told(loop)).claim is None
    await loop.decide()
    await loop.later(hours=13)
    assert await loop.asks(STATES) == [("payment_unclear", "superseded"), ("payment_unclear", "opened")]
    assert "70" in loop.heard()[-1]


async def test_of_two_answers_the_one_after_which_nothing_was_contested_is_told(loop: Loop) -> None:
    async with loop.sandbox.wired.app.database.write() as session:
        await lock_clients(session, [loop.ana])
        for minutes, amount in ((0, 30), (2, 20)):
            at = EVENING + timedelta(minutes=minutes)
            number = await dispute(session, loop.ana, lei(amount), "wrong tariff", at, told=True)
            if amount == 30:
                await resolve(session, number, 5_00, at)
        await resolve(session, number, 0, at)
        await dispute(session, loop.ana, lei(10), "once more", EVENING + timedelta(minutes=1), told=True)
    facts = await told(loop)
    assert (facts.answered, facts.granted) == (Due(lei(20), TODAY), lei(0))
    await loop.later(hours=13)
    assert await loop.asks(STATES) == [("dispute_answered", "opened")]


async def test_thanks_for_a_payment_are_no_news_of_the_promise_of_another_day(loop: Loop) -> None:
    await loop.later(hours=13)
    app = loop.sandbox.wired.app
    loop.clock.advance(EVENING + timedelta(days=1))
    for days, amount in ((1, 50), (2, 60)):
        loop.clock.advance(EVENING + timedelta(days=days))
        async with app.database.write() as session:
            await lock_clients(session, [loop.ana])
            await promise(session, loop.ana, lei(amount), date(2026, 3, 20), loop.clock())
            await pays(session, loop, amount)
    ((talk,),) = await loop.asks("select id from conversations")
    assert isinstance(talk, int)
    async with app.database.write() as session:
        await thank(session, app, PaidOutcome(loop.ana, talk, lei(60), lei(0), True), "payments:1", loop.clock())
    assert await loop.asks(STATES) == [("promise_kept", "planned"), ("promise_kept", "opened")]
