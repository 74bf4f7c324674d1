"""News of what has happened: planned with the event, where a plan asks for it, once, and never of what is settled."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from given import given_client, given_invoice, given_plans, plan
from sqlalchemy import select, text

from engine.agreements.disputes import dispute
from engine.agreements.promises import judge_promises, promise
from engine.calendar import AnyHour, local_day, zone
from engine.ledger import Received, receive, reject, resolve
from engine.money import money
from engine.promise import PromiseTerms
from engine.refunds import reverse
from engine.run import decide_clients
from engine.store.session import Database, WriteSession
from engine.store.tables.casework import Contact, OrderOutcome, ServiceOrder
from engine.work.orders import Acknowledgement, acknowledge

ALL = (
    "{promise_kept: true, service_restored: true, dispute_opened: true, dispute_answered: true, payment_unclear: true}"
)
PLAN = plan(f"""
    min_days_between_contacts: 5
    follow_up: {ALL}
    stages:
      - stage: restriction
        actions: [{{do: suspend_service}}, {{send: restriction_notice, by: [sms, email]}}]
      - stage: warning
        after_days: 30
        actions: [{{send: warning, by: [sms]}}]
""")
BUCHAREST = zone("Europe/Bucharest")
DONE = Acknowledgement(OrderOutcome.DONE)


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


@pytest.fixture
async def ana(database: Database) -> int:
    async with database.write() as session:
        await given_plans(session, PLAN)
        ana = await given_client(session, sms="+40712345678")
        await given_invoice(session, ana, "I1", "80", date(2026, 3, 1))
        await given_invoice(session, ana, "I2", "70", date(2026, 3, 1), account="A2", service="tv")
        return ana


async def news(database: Database) -> list[tuple[int, str, int]]:
    """What is planned beside the stages: the day of the event, the script, the client's day from which it may go."""
    rows = select(Contact).where(Contact.occasion != "stage").order_by(Contact.id)
    async with database.read() as session:
        return [
            (one.planned_at.day, one.script, local_day(one.send_from, BUCHAREST).day)
            for one in await session.scalars(rows)
        ]


async def moot(database: Database) -> list[str]:
    query = text("select c.occasion from moot_contacts m join contacts c on c.id = m.id order by c.id")
    async with database.read() as session:
        return list(await session.scalars(query))


async def decided(session: WriteSession, ana: int, now: datetime) -> None:
    await decide_clients(session, [ana], now, AnyHour())


async def orders(session: WriteSession, verb: str) -> list[int]:
    """The open orders of that kind."""
    given = select(ServiceOrder.id).where(ServiceOrder.verb == verb, ServiceOrder.acknowledged_at.is_(None))
    return list(await session.scalars(given.order_by(ServiceOrder.id)))


async def suspended(database: Database, ana: int) -> None:
    """Both services are off, and ordered on again: all is paid."""
    async with database.write() as session:
        await decided(session, ana, at(8))
        for number in await orders(session, "suspend_service"):
            await acknowledge(session, number, DONE, at(8))
        await receive(session, Received("P1", ana, money("150", "RON"), at(9), "billing"), at(9))
        await decided(session, ana, at(9))


async def test_who_has_a_service_back_is_told_when_it_was_done_and_once_for_all_of_a_day(
    database: Database, ana: int
) -> None:
    await suspended(database, ana)
    assert await news(database) == [], "it is only ordered"
    async with database.write() as session:
        for number in await orders(session, "restore_service"):
            await acknowledge(session, number, DONE, at(10))
            await acknowledge(session, number, DONE, at(10, 13))
    assert await news(database) == [(10, "service_restored", 10)]
    assert await moot(database) == []


async def test_a_refused_order_and_a_service_that_was_never_off_are_no_news(database: Database, ana: int) -> None:
    async with database.write() as session:
        await decided(session, ana, at(8))
        off, other = await orders(session, "suspend_service")
        await acknowledge(session, off, Acknowledgement(OrderOutcome.REFUSED), at(8))
        await acknowledge(session, other, DONE, at(8))
        await receive(session, Received("P1", ana, money("150", "RON"), at(9), "billing"), at(9))
        await decided(session, ana, at(9))
        on, back = await orders(session, "restore_service")
        await acknowledge(session, on, DONE, at(10))
        await acknowledge(session, back, Acknowledgement(OrderOutcome.REFUSED), at(10))
    assert await news(database) == []


async def test_a_service_that_is_ordered_off_again_is_told_to_be_on_no_more(database: Database, ana: int) -> None:
    await suspended(database, ana)
    async with database.write() as session:
        for number in await orders(session, "restore_service"):
            await acknowledge(session, number, DONE, at(10))
        await given_invoice(session, ana, "I3", "90", date(2026, 3, 2))
        await decided(session, ana, at(10, 13))
    assert await moot(database) == [], "the other one is still on"
    async with database.write() as session:
        await given_invoice(session, ana, "I4", "90", date(2026, 3, 2), account="A2")
        await decided(session, ana, at(10, 14))
    assert await moot(database) == ["service_restored"]


async def test_a_promise_is_told_to_be_kept_by_payment_or_by_judgment(database: Database, ana: int) -> None:
    async with database.write() as session:
        await promise(session, ana, money("60", "RON"), date(2026, 3, 12), at(8))
        await promise(session, ana, money("50", "RON"), date(2026, 3, 9), at(8, 13), PromiseTerms(threshold=80))
        await receive(session, Received("P1", ana, money("100", "RON"), at(9), "billing"), at(9))
        await judge_promises(session, at(10), [ana])
    assert await news(database) == [(9, "promise_kept", 9), (10, "promise_kept", 11)], "a day brings one of a kind"
    async with database.write() as session:
        await reverse(session, "P1", at(10))
    assert await moot(database) == ["promise_kept", "promise_kept"]


async def test_a_dispute_is_told_when_it_opens_and_when_it_ends_but_not_to_who_said_it_in_writing(
    database: Database, ana: int
) -> None:
    async with database.write() as session:
        await dispute(session, ana, money("20", "RON"), "wrong tariff", at(8), told=True)
        number = await dispute(session, ana, money("30", "RON"), "wrong tariff", at(8))
    assert await news(database) == [(8, "dispute_opened", 8)]
    async with database.write() as session:
        await resolve(session, number, 10_00, at(9))
    assert await news(database) == [(8, "dispute_opened", 8), (9, "dispute_answered", 9)]
    assert await moot(database) == [], "another of that day is still open"
    async with database.write() as session:
        await resolve(session, number - 1, 0, at(9))
        await dispute(session, ana, money("5", "RON"), "once more", at(10))
    assert await moot(database) == ["dispute_opened", "dispute_answered"], "the answer is contested anew"


async def test_a_payment_that_was_not_found_is_asked_after_until_it_comes(database: Database, ana: int) -> None:
    async with database.write() as session:
        await receive(session, Received("claim:1", ana, money("80", "RON"), at(8), "claim", confirmed=False), at(8))
        await reject(session, "claim:1", at(9))
        await receive(session, Received("P1", ana, money("20", "RON"), at(10), "billing"), at(10))
    assert await news(database) == [(9, "payment_unclear", 9)]
    assert await moot(database) == []
    async with database.write() as session:
        await receive(session, Received("P2", ana, money("80", "RON"), at(10), "billing"), at(10))
    assert await moot(database) == ["payment_unclear"]


async def test_a_claim_that_another_payment_settles_is_not_asked_after(database: Database, ana: int) -> None:
    async with database.write() as session:
        await receive(session, Received("claim:1", ana, money("80", "RON"), at(8), "claim", confirmed=False), at(8))
        await receive(session, Received("P1", ana, money("80", "RON"), at(9), "billing"), at(9))
    assert await news(database) == []


async def test_nobody_is_asked_after_a_payment_that_only_billing_announced(database: Database, ana: int) -> None:
    async with database.write() as session:
        await receive(session, Received("B1", ana, money("80", "RON"), at(8), "import", confirmed=False), at(8))
        await reject(session, "B1", at(9))
    assert await news(database) == []


async def test_without_the_wish_of_a_plan_nothing_is_told(database: Database, ana: int) -> None:
    async with database.write() as session:
        await given_plans(session, PLAN.replace(ALL, "{promise_kept: false, promise_broken: true}"))
        number = await dispute(session, ana, money("30", "RON"), "wrong tariff", at(8))
        await resolve(session, number, 0, at(9))
        await promise(session, ana, money("60", "RON"), date(2026, 3, 12), at(8))
        await receive(session, Received("P1", ana, money("100", "RON"), at(9), "billing"), at(9))
    assert await news(database) == []


@pytest.mark.parametrize(("event", "waits"), [("opened", False), ("answered", True)])
async def test_news_waits_for_no_distance_and_only_what_asks_for_money_counts_for_it(
    database: Database, ana: int, event: str, waits: bool
) -> None:
    async with database.write() as session:
        if event == "opened":
            await dispute(session, ana, money("20", "RON"), "wrong tariff", at(7))
        else:
            number = await dispute(session, ana, money("20", "RON"), "wrong tariff", at(7), told=True)
            await resolve(session, number, 0, at(7))
        await decided(session, ana, at(8))
    assert [kind for _, kind, _ in await news(database)] == [f"dispute_{event}"]
    async with database.read() as session:
        stages = select(Contact).where(Contact.occasion == "stage")
        assert ((await session.scalars(stages)).first() is None) is waits


class Killed(Exception):
    """The process died."""


async def dies_with_a_dispute(database: Database, ana: int) -> None:
    async with database.write() as session:
        await dispute(session, ana, money("20", "RON"), "wrong tariff", at(8))
        raise Killed


async def test_an_event_whose_transaction_is_lost_is_not_told(database: Database, ana: int) -> None:
    with pytest.raises(Killed):
        await dies_with_a_dispute(database, ana)
    assert await news(database) == []
