"""An amnesty from its acceptance: the part is promised, the rest frozen until a person cancels it or it lapses."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from given import PLAN, given_client, given_invoice, given_plans
from sqlalchemy import select, text

from engine.agreements.promises import judge_promises, promise, withdraw_promise
from engine.apply import Source, apply, unfrozen
from engine.calendar import AnyHour
from engine.debt import HoldKind
from engine.explaining.grounds import grounds
from engine.ledger import MemoTooLarge, Received, receive
from engine.money import money
from engine.outcome import CallbackWanted, OfferAccepted, OfferKind, PaymentClaimed, PromiseMade
from engine.remission import NoSuchAmnesty, RemissionTooLarge, remit
from engine.run import decide_clients
from engine.store.facts import facts_of
from engine.store.session import Database, ReadSession, WriteSession
from engine.store.tables.casework import Task
from engine.store.tables.ledger import Promise

TERMS = "    offers: {amnesty: {pay: 60, within: 14}, prepayment: {months: 11, free: 1, price: 150, within: 20}}\n"
OFFERING = PLAN.replace("    standard: true\n", f"    standard: true\n    promise_threshold: 80\n{TERMS}")
ACCEPTED = OfferAccepted(OfferKind.AMNESTY)


def at(day: int) -> datetime:
    return datetime(2026, 3, day, 8, tzinfo=UTC)


@pytest.fixture
async def ana(database: Database) -> int:
    """Ana owes 200, long due, on a plan that takes 60 percent for the whole."""
    async with database.write() as session:
        await given_plans(session, OFFERING)
        client = await given_client(session, "ana", sms="+40712345678")
        await given_invoice(session, client, "I1", "200", date(2026, 2, 1))
    return client


def source(client: int, event: str = "event:1") -> Source:
    return Source(client, 0, "sms", "RON", event, talk=7)


async def says(session: WriteSession, client: int, day: int, *outcomes: OfferAccepted | PromiseMade) -> None:
    await apply(session, outcomes, source(client, f"event:{day}"), at(day))


async def pays(session: WriteSession, client: int, amount: str, day: int) -> None:
    await receive(session, Received(f"p{day}{amount}", client, money(amount, "RON"), at(day), "billing"), at(day))


async def promises(session: ReadSession) -> list[tuple[object, ...]]:
    rows = await session.scalars(select(Promise).order_by(Promise.id))
    return [(row.state, row.amount, row.remits, row.until.day) for row in rows]


async def tasks(session: ReadSession) -> list[tuple[str, str, date | None]]:
    rows = await session.scalars(select(Task).order_by(Task.id))
    return [(row.kind, row.reason, row.due_on) for row in rows]


async def free(session: ReadSession, client: int, day: int) -> str:
    return str(await unfrozen(session, client, "RON", at(day)))


async def test_an_accepted_amnesty_promises_the_part_and_freezes_the_rest(database: Database, ana: int) -> None:
    async with database.write() as session:
        await says(session, ana, 1, ACCEPTED)
        await says(session, ana, 2, ACCEPTED)
        assert await promises(session) == [("open", 120_00, 80_00, 15)]
        assert await free(session, ana, 2) == "0.00 RON"
        assert await tasks(session) == [], "nobody has anything to do before the part has come"


async def test_a_day_named_in_the_time_of_the_offer_keeps_the_amnesty_and_a_later_one_gives_it_up(
    database: Database, ana: int
) -> None:
    async with database.write() as session:
        await says(session, ana, 1, ACCEPTED)
        await says(session, ana, 1, PromiseMade(money("120", "RON"), date(2026, 3, 5)))
        await says(session, ana, 2, PromiseMade(money("120", "RON"), date(2026, 3, 12)))
        assert (await promises(session))[1:] == [("replaced", 120_00, 80_00, 5), ("open", 120_00, 80_00, 12)]
        await says(session, ana, 3, PromiseMade(money("120", "RON"), date(2026, 3, 16)))
        assert (await promises(session))[-1] == ("open", 120_00, None, 16)
        assert await free(session, ana, 3) == "80.00 RON"


async def test_a_day_for_the_part_is_one_though_a_new_bill_has_come(database: Database, ana: int) -> None:
    async with database.write() as session:
        await says(session, ana, 1, ACCEPTED)
        await given_invoice(session, ana, "I2", "300", date(2026, 3, 2))
        await says(session, ana, 3, PromiseMade(money("120", "RON"), date(2026, 3, 5)))
        assert await promises(session) == [("replaced", 120_00, 80_00, 15), ("open", 120_00, 80_00, 5)]
        assert await free(session, ana, 3) == "300.00 RON"


async def test_a_rest_that_was_paid_all_the_same_freezes_no_later_bill(database: Database, ana: int) -> None:
    async with database.write() as session:
        await decide_clients(session, [ana], at(1), AnyHour())
        await says(session, ana, 1, ACCEPTED)
        await pays(session, ana, "200", 5)
        await decide_clients(session, [ana], at(5), AnyHour())
        await given_invoice(session, ana, "I2", "300", date(2026, 3, 6))
        assert await free(session, ana, 7) == "300.00 RON"


async def test_a_kept_amnesty_asks_a_person_who_cancels_the_rest(database: Database, ana: int) -> None:
    async with database.write() as session:
        await says(session, ana, 1, ACCEPTED)
        number = int(await session.scalar(text("select id from promises")))
        with pytest.raises(NoSuchAmnesty):
            await remit(session, number, 80_00, at(4))
        await pays(session, ana, "120", 5)
        (asked,) = await tasks(session)
        assert asked[:2] == (
            "review",
            "the part agreed by an amnesty has come: cancel the remaining 80.00 RON by a credit memo",
        )
        assert await free(session, ana, 30) == "0.00 RON"
        with pytest.raises(RemissionTooLarge):
            await remit(session, number, 80_01, at(6))
        await remit(session, number, 80_00, at(6), by="Olga", reason="as agreed")
        assert await session.scalar(text("select balance from invoices")) == 0
        with pytest.raises(NoSuchAmnesty):
            await remit(session, number, 80_00, at(7))


async def test_why_the_rest_is_frozen_is_told(database: Database, ana: int) -> None:
    async with database.write() as session:
        await says(session, ana, 1, ACCEPTED)
        for day in (2, 6):
            held = [hold async for facts, _ in facts_of(session, [ana], at(day)) for hold in facts.holds]
            rest = next(hold for hold in held if hold.kind is HoldKind.AMNESTY)
            behind = [one.reason for one in await grounds(session, ana) if one.explains(rest, at(day))]
            assert behind == ["once 120.00 RON has come"]
            await pays(session, ana, "120", 5)


async def test_a_refused_remission_makes_the_rest_collectable(database: Database, ana: int) -> None:
    async with database.write() as session:
        await says(session, ana, 1, ACCEPTED)
        await pays(session, ana, "120", 5)
        number = int(await session.scalar(text("select id from promises")))
        await remit(session, number, 0, at(6), by="Olga", reason="a second account was found")
        assert await free(session, ana, 6) == "80.00 RON"


async def test_who_paid_all_has_nothing_cancelled(database: Database, ana: int) -> None:
    async with database.write() as session:
        await says(session, ana, 1, ACCEPTED)
        await pays(session, ana, "200", 5)
        with pytest.raises(MemoTooLarge):
            await remit(session, int(await session.scalar(text("select id from promises"))), 80_00, at(6))


async def test_a_part_that_came_almost_in_full_keeps_no_amnesty(database: Database, ana: int) -> None:
    async with database.write() as session:
        await says(session, ana, 1, ACCEPTED)
        await pays(session, ana, "119", 5)
        await judge_promises(session, at(17))
        assert (await promises(session))[0][0] == "partly_kept"
        assert await free(session, ana, 17) == "81.00 RON"
        assert await tasks(session) == []


async def test_an_amnesty_called_off_freezes_nothing(database: Database, ana: int) -> None:
    async with database.write() as session:
        await says(session, ana, 1, ACCEPTED)
        await withdraw_promise(session, int(await session.scalar(text("select id from promises"))), "a mistake", at(2))
        assert await free(session, ana, 2) == "200.00 RON"


async def test_an_amnesty_over_nothing_goes_to_a_person_once(database: Database, ana: int) -> None:
    async with database.write() as session:
        await promise(session, ana, money("200", "RON"), date(2026, 3, 20), at(1))
        for event in ("event:1", "event:2"):
            await apply(session, [ACCEPTED], source(ana, event), at(2))
        assert [one[1] for one in await tasks(session)] == [
            "wishes to take the amnesty, 60 percent of the debt for the whole: agree on it"
        ]


async def test_months_paid_ahead_are_billed_by_a_person_once(database: Database, ana: int) -> None:
    async with database.write() as session:
        for event in ("event:1", "event:2"):
            await apply(session, [OfferAccepted(OfferKind.PREPAYMENT)], source(ana, event), at(2))
        assert [one[1] for one in await tasks(session)] == [
            "pays ahead: send the bill of 150.00 RON for 11 months, and give 1 more free"
        ]


async def test_a_callback_is_due_on_its_day_and_moves_with_it(database: Database, ana: int) -> None:
    async with database.write() as session:
        for day, place in ((9, "pay_point"), (9, "pay_point"), (12, "bank"), (12, "bank")):
            await apply(session, [CallbackWanted(date(2026, 3, day), place)], source(ana), at(2))
        assert await tasks(session) == [
            ("callback", "agreed to be called on this day, means to pay at: bank", date(2026, 3, 12))
        ]


async def test_what_is_told_of_a_payment_is_in_the_reason_and_bounded(database: Database, ana: int) -> None:
    async with database.write() as session:
        await apply(session, [PaymentClaimed("on Monday, at the bank")], source(ana), at(2))
        await apply(session, [PaymentClaimed("word " * 200)], source(ana, "event:2"), at(3))
        first, second = [one[1] for one in await tasks(session)]
        assert first == "says it is paid already: on Monday, at the bank"
        assert len(second) <= 330
        assert second.endswith(" ...")
