"""An amnesty from its acceptance: the part is promised, the rest frozen until a person cancels it or it lapses."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from given import PLAN, given_client, given_invoice, given_plans
from reached import given_talk
from sqlalchemy import func, select, text

from engine.agreements.promises import judge_promises, promise, withdraw_promise
from engine.apply import Source, apply, unfrozen
from engine.calendar import AnyHour
from engine.debt import HoldKind
from engine.explaining.grounds import grounds
from engine.ledger import Received, receive
from engine.money import money
from engine.outcome import CallbackWanted, OfferAccepted, OfferKind, PaymentClaimed, PromiseMade
from engine.refunds import refund_invoice, reverse
from engine.remission import NoSuchAmnesty, RemissionTooLarge, remit
from engine.run import decide_clients
from engine.store.facts import facts_of
from engine.store.session import Database, ReadSession, WriteSession
from engine.store.tables.casework import Case, Task
from engine.store.tables.ledger import Promise
from engine.store.tables.portfolio import Account, Address

TERMS = "    offers: {amnesty: {pay: 60, within: 14}, prepayment: {months: 11, free: 1, price: 150, within: 20}}\n"
OFFERING = PLAN.replace("    standard: true\n", f"    standard: true\n    promise_threshold: 80\n{TERMS}")
BOTH = "groups: [individuals]\nplans:\n" + "".join(
    f"""  - plan: {name}
    group: individuals
    standard: {str(name == "net").lower()}
    include: {{services: [{service}]}}
    start: {{after_days: 0, min_debt: 10}}
    offers: {{amnesty: {{pay: 60, within: 14}}}}
    stages:
      - stage: reminder
        actions: [{{send: reminder, by: [sms]}}]
"""
    for name, service in (("net", "internet"), ("tv", "tv"))
)
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


async def pays(session: WriteSession, client: int, amount: str, day: int, account: str | None = None) -> None:
    of = await session.scalar(select(Account.id).where(Account.ref == account)) if account else None
    await receive(session, Received(f"p{day}{amount}", client, money(amount, "RON"), at(day), "billing", of), at(day))


async def kept(session: ReadSession) -> int:
    """The newest promise."""
    return int(await session.scalar(select(func.max(Promise.id))) or 0)


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
        await given_invoice(session, ana, "I2", "300", date(2026, 3, 6))
        assert await tasks(session) == [], "nothing is left to approve"
        assert await free(session, ana, 6) == "300.00 RON"
        with pytest.raises(NoSuchAmnesty):
            await remit(session, await kept(session), 1, at(6))


async def test_what_is_paid_beyond_the_part_is_not_cancelled_and_newer_bills_never_are(
    database: Database, ana: int
) -> None:
    async with database.write() as session:
        await says(session, ana, 1, ACCEPTED)
        await says(session, ana, 3, PromiseMade(money("120", "RON"), date(2026, 3, 12)))
        await given_invoice(session, ana, "I2", "100", date(2026, 3, 2))
        await pays(session, ana, "150", 4)
        assert (await promises(session))[-1] == ("kept", 120_00, 50_00, 12)
        assert "cancel the remaining 50.00 RON" in (await tasks(session))[0][1]
        assert await free(session, ana, 4) == "100.00 RON"
        await pays(session, ana, "20", 5)
        with pytest.raises(RemissionTooLarge, match=r"at most 30.00 RON"):
            await remit(session, await kept(session), 30_01, at(6))
        await remit(session, await kept(session), 30_00, at(6))
        assert list(await session.scalars(text("select balance from invoices order by id"))) == [0, 100_00]


@pytest.mark.parametrize("named", ["70", "120"])
async def test_another_day_for_what_is_missing_of_the_part_keeps_the_amnesty(
    database: Database, ana: int, named: str
) -> None:
    async with database.write() as session:
        await says(session, ana, 1, ACCEPTED)
        await pays(session, ana, "50", 2)
        await says(session, ana, 3, PromiseMade(money(named, "RON"), date(2026, 3, 12)))
        assert await promises(session) == [("replaced", 120_00, 80_00, 15), ("open", 120_00, 80_00, 12)]
        assert await free(session, ana, 3) == "0.00 RON"
        await pays(session, ana, "69.99", 4)
        assert (await promises(session))[-1][0] == "open"
        await pays(session, ana, "0.01", 4)
        assert (await promises(session))[-1][0] == "kept"
        assert "cancel the remaining 80.00 RON" in (await tasks(session))[0][1]


async def test_less_than_what_is_missing_of_the_part_gives_the_amnesty_up(database: Database, ana: int) -> None:
    async with database.write() as session:
        await says(session, ana, 1, ACCEPTED)
        await pays(session, ana, "50", 2)
        await says(session, ana, 3, PromiseMade(money("69.99", "RON"), date(2026, 3, 12)))
        assert (await promises(session))[-1] == ("open", 69_99, None, 12)


async def test_a_day_for_what_is_missing_is_one_though_a_new_bill_has_come(database: Database, ana: int) -> None:
    async with database.write() as session:
        await says(session, ana, 1, ACCEPTED)
        await pays(session, ana, "50", 2)
        await given_invoice(session, ana, "I2", "300", date(2026, 3, 2))
        await says(session, ana, 3, PromiseMade(money("70", "RON"), date(2026, 3, 5)))
        assert (await promises(session))[-1] == ("open", 120_00, 80_00, 5)
        said = (money("70", "RON"), date(2026, 3, 5))
        await says(session, ana, 3, PromiseMade(money("75", "RON"), date(2026, 3, 6), instead=said))
        assert (await promises(session))[-2:] == [("replaced", 120_00, 80_00, 5), ("open", 120_00, 80_00, 6)]
        await says(session, ana, 3, PromiseMade(money("370", "RON"), date(2026, 3, 9)))
        assert (await promises(session))[-1] == ("open", 420_00, 80_00, 9), "the 50 that came are not promised again"
        assert await free(session, ana, 3) == "0.00 RON"


@pytest.mark.parametrize("ref", ["p250", "p470"])
async def test_a_payment_taken_back_undoes_the_amnesty_that_it_kept(database: Database, ana: int, ref: str) -> None:
    async with database.write() as session:
        await says(session, ana, 1, ACCEPTED)
        await pays(session, ana, "50", 2)
        await says(session, ana, 3, PromiseMade(money("70", "RON"), date(2026, 3, 12)))
        await pays(session, ana, "70", 4)
        await reverse(session, ref, at(5))
        assert await free(session, ana, 5) == {"p250": "130.00 RON", "p470": "150.00 RON"}[ref]
        (asked,) = await session.scalars(select(Task).execution_options(populate_existing=True))
        assert (asked.done_at, asked.note) == (at(5), f"payment {ref}, which kept it, was taken back")
        with pytest.raises(NoSuchAmnesty):
            await remit(session, await kept(session), 1, at(6))


async def test_a_part_taken_back_before_it_is_whole_has_to_come_again(database: Database, ana: int) -> None:
    async with database.write() as session:
        await says(session, ana, 1, ACCEPTED)
        await pays(session, ana, "50", 2)
        await says(session, ana, 3, PromiseMade(money("70", "RON"), date(2026, 3, 12)))
        await reverse(session, "p250", at(4))
        await pays(session, ana, "70", 5)
        assert (await promises(session))[-1] == ("open", 120_00, 80_00, 12)
        await pays(session, ana, "50", 6)
        assert (await promises(session))[-1] == ("kept", 120_00, 80_00, 12)


async def test_a_refund_undoes_an_amnesty_only_where_its_part_is_given_back(database: Database, ana: int) -> None:
    async with database.write() as session:
        beside = await given_invoice(session, ana, "I2", "30", date(2026, 4, 1), account="B")
        await says(session, ana, 1, ACCEPTED)
        await pays(session, ana, "120", 2)
        await pays(session, ana, "30", 2, account="B")
        assert await refund_invoice(session, beside, at(3)) == 30_00
        assert await free(session, ana, 3) == "0.00 RON"
        first = int(await session.scalar(text("select id from invoices where ref = 'I1'")))
        assert await refund_invoice(session, first, at(4), by="Olga") == 120_00
        assert await free(session, ana, 4) == "200.00 RON"


async def test_an_amnesty_over_two_plans_outlives_the_case_that_closes_first(database: Database) -> None:
    async with database.write() as session:
        await given_plans(session, BOTH)
        bob = await given_client(session, "bob", plans=("net", "tv"), sms="+40712345679")
        await given_invoice(session, bob, "N1", "120", date(2026, 2, 1))
        await given_invoice(session, bob, "T1", "80", date(2026, 2, 2), account="A2", service="tv")
        await decide_clients(session, [bob], at(1), AnyHour())
        await says(session, bob, 1, ACCEPTED)
        await pays(session, bob, "120", 3)
        await decide_clients(session, [bob], at(3), AnyHour())
        assert list(await session.scalars(select(Case.ending).order_by(Case.plan_name))) == ["paid", None]
        assert await free(session, bob, 3) == "0.00 RON"
        await remit(session, await kept(session), 80_00, at(4))


async def test_an_offer_taken_in_a_talk_of_no_contact_counts_from_that_talk(database: Database, ana: int) -> None:
    old = datetime(2025, 1, 1, tzinfo=UTC)
    async with database.write() as session:
        await given_client(session, "zoe", sms="+40712345679")
        addresses = await session.scalars(select(Address).order_by(Address.client_id.desc()))
        talks = [
            given_talk(address, opened, "inbound") for address, opened in zip(addresses, (old, at(1)), strict=True)
        ]
        session.add_all(talks)
        await session.flush()
        await apply(session, [ACCEPTED], Source(ana, 0, "sms", "RON", "event:1", talk=talks[1].id), at(3))
        assert await promises(session) == [("open", 120_00, 80_00, 15)]


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
        for day, place in ((9, "Online"), (9, "Online"), (12, "At the bank"), (12, "At the bank")):
            await apply(session, [CallbackWanted(date(2026, 3, day), place)], source(ana), at(2))
        assert await tasks(session) == [
            ("callback", "agreed to be called on this day, means to pay: At the bank", date(2026, 3, 12))
        ]


async def test_what_is_told_of_a_payment_is_in_the_reason_and_bounded(database: Database, ana: int) -> None:
    async with database.write() as session:
        await apply(session, [PaymentClaimed("on Monday, at the bank")], source(ana), at(2))
        await apply(session, [PaymentClaimed("word " * 200)], source(ana, "event:2"), at(3))
        first, second = [one[1] for one in await tasks(session)]
        assert first == "says it is paid already: on Monday, at the bank"
        assert len(second) <= 330
        assert second.endswith(" ...")
