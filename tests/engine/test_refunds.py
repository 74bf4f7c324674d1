"""Money taken back: refunds and charge-backs make a debt due again, and nothing is ever taken back twice."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from given import given_client, given_invoice, given_plans
from sqlalchemy import select, text

from engine.agreements.installments import agree_installments
from engine.agreements.promises import promise
from engine.calendar import AnyHour
from engine.installment import Part
from engine.ledger import Received, confirm, credit_memo, credits_of, receive, settle_credit
from engine.money import money
from engine.refunds import NoSuchPayment, refund_invoice, reverse
from engine.run import decide_clients
from engine.store.session import Database, WriteSession
from engine.store.tables.casework import Case, CaseEvent
from engine.store.tables.ledger import EntryKind, InstallmentPlan, LedgerEntry, Payment, Promise
from engine.store.tables.portfolio import Invoice

DUE = date(2026, 2, 1)
HOURS = AnyHour()


@pytest.fixture
async def ana(database: Database) -> int:
    """Ana owes 100 on I1 and 60 on I2, both long due, and 40 on I3 in a month."""
    async with database.write() as session:
        await given_plans(session)
        client = await given_client(session, "ana", sms="+40712345678")
        await given_invoice(session, client, "I1", "100", DUE)
        await given_invoice(session, client, "I2", "60", DUE + timedelta(days=1))
        await given_invoice(session, client, "I3", "40", date(2026, 4, 11))
    return client


async def pay(session: WriteSession, client: int, ref: str, amount: str, now: datetime, **of: int) -> None:
    assert await receive(session, Received(ref, client, money(amount, "RON"), now, "billing", **of), now)


async def number(session: WriteSession, ref: str) -> int:
    return (await session.scalars(select(Invoice.id).where(Invoice.ref == ref))).one()


async def balances(session: WriteSession) -> list[int]:
    return list(await session.scalars(select(Invoice.balance).order_by(Invoice.ref)))


async def owed_in(session: WriteSession, client: int) -> int:
    return sum(credit.minor for credit in await credits_of(session, client))


async def test_a_refund_takes_back_payments_and_used_credit_but_no_credit_memo(
    database: Database, ana: int, now: datetime
) -> None:
    async with database.write() as session:
        first = await number(session, "I1")
        await credit_memo(session, first, 10_00, now)
        await pay(session, ana, "p1", "30", now, invoice=first)
        await pay(session, ana, "p2", "80", now, invoice=await number(session, "I3"))
        assert await balances(session) == [20_00, 60_00, 0], "40 of the second payment were credit"
        assert await refund_invoice(session, first, now) == 70_00
        assert await balances(session) == [90_00, 60_00, 0]
        assert await refund_invoice(session, first, now) == 0, "what is taken back is gone"
        assert await owed_in(session, ana) == 0
        kinds = list(await session.scalars(select(CaseEvent.kind).where(CaseEvent.client_id == ana)))
    assert kinds == ["refund"]


async def test_what_was_settled_before_we_knew_the_invoice_stays(database: Database, ana: int, now: datetime) -> None:
    async with database.write() as session:
        first = await number(session, "I1")
        entry = LedgerEntry(
            at=now, client_id=ana, currency="RON", invoice_id=first, kind=EntryKind.PRIOR, amount=-55_00
        )
        session.add(entry)
        await pay(session, ana, "p1", "45", now, invoice=first)
        assert await refund_invoice(session, first, now) == 45_00
        assert (await balances(session))[0] == 45_00


async def test_a_feed_that_raised_the_balance_first_is_not_followed_twice(
    database: Database, ana: int, now: datetime
) -> None:
    async with database.write() as session:
        first = await number(session, "I1")
        await promise(session, ana, money("120", "RON"), date(2026, 3, 20), now)
        await pay(session, ana, "p1", "100", now, invoice=first)
        entry = LedgerEntry(at=now, client_id=ana, currency="RON", invoice_id=first, kind=EntryKind.PRIOR, amount=80_00)
        session.add(entry)
        await session.flush()
        assert await reverse(session, "p1", now)
        assert (await balances(session))[0] == 100_00, "no more is owed than was billed"
        assert await frozen(session, ana) == {"promise": 120_00}, "all of the payment is gone, whoever told of it"


async def test_other_credit_settles_what_a_refund_makes_due(database: Database, ana: int, now: datetime) -> None:
    async with database.write() as session:
        first = await number(session, "I1")
        await pay(session, ana, "p1", "160", now)
        await pay(session, ana, "p2", "25", now)
        assert await owed_in(session, ana) == 25_00
        assert await refund_invoice(session, first, now) == 100_00
        assert await balances(session) == [75_00, 0, 40_00]
        assert await owed_in(session, ana) == 0


async def test_a_refund_starts_a_new_cycle_with_the_old_due_date(database: Database, ana: int, now: datetime) -> None:
    async with database.write() as session:
        await decide_clients(session, [ana], now, HOURS)
        await pay(session, ana, "p1", "160", now)
        await decide_clients(session, [ana], now, HOURS)
    later = now + timedelta(days=3)
    async with database.write() as session:
        await refund_invoice(session, await number(session, "I1"), later)
        await decide_clients(session, [ana], later, HOURS)
    async with database.read() as session:
        cases = (await session.execute(select(Case.cycle, Case.closed_at).order_by(Case.cycle))).all()
        assert [tuple(case) for case in cases] == [(1, now), (2, None)]


async def test_a_reversed_payment_takes_its_settlements_and_its_credit_with_it(
    database: Database, ana: int, now: datetime
) -> None:
    async with database.write() as session:
        await pay(session, ana, "p1", "190", now)
        assert await balances(session) == [0, 0, 40_00]
        assert await owed_in(session, ana) == 30_00
        assert await reverse(session, "p1", now)
        assert await balances(session) == [100_00, 60_00, 40_00]
        assert await owed_in(session, ana) == 0
        assert not await reverse(session, "p1", now), "a second word of it changes nothing"
        assert (await session.scalars(select(Payment.status))).one() == "reversed"
        assert await balances(session) == [100_00, 60_00, 40_00]


async def test_credit_that_was_used_elsewhere_goes_with_its_payment(
    database: Database, ana: int, now: datetime
) -> None:
    later = now + timedelta(days=40)
    async with database.write() as session:
        await pay(session, ana, "p1", "160", now)
        await pay(session, ana, "p2", "25", now)
        await pay(session, ana, "p3", "25", now)
        await settle_credit(session, ana, later)
        assert await balances(session) == [0, 0, 0]
        assert await owed_in(session, ana) == 10_00
        assert await reverse(session, "p2", later)
        assert await balances(session) == [0, 0, 15_00], "what the third payment has left is used in its place"
        assert await owed_in(session, ana) == 0
        assert await reverse(session, "p3", later)
        assert await balances(session) == [0, 0, 40_00]
        assert await owed_in(session, ana) == 0


async def test_what_a_refund_took_is_not_taken_again_by_the_bank(database: Database, ana: int, now: datetime) -> None:
    async with database.write() as session:
        await pay(session, ana, "p1", "160", now)
        await refund_invoice(session, await number(session, "I1"), now)
        await pay(session, ana, "p2", "100", now)
        assert await reverse(session, "p1", now)
        assert await balances(session) == [0, 60_00, 40_00]


async def test_a_payment_only_announced_freezes_nothing_longer_once_reversed(
    database: Database, ana: int, now: datetime
) -> None:
    async with database.write() as session:
        announced = Received("p1", ana, money("50", "RON"), now, "billing", confirmed=False)
        await receive(session, announced, now)
        assert await reverse(session, "p1", now)
        assert await balances(session) == [100_00, 60_00, 40_00]
        assert (await session.scalars(select(Payment.status))).one() == "reversed"
        with pytest.raises(LookupError):
            await confirm(session, "p1", now)
        with pytest.raises(NoSuchPayment):
            await reverse(session, "p9", now)


async def test_an_open_promise_is_less_fulfilled_and_a_kept_one_stays_kept(
    database: Database, ana: int, now: datetime
) -> None:
    async with database.write() as session:
        older = await promise(session, ana, money("40", "RON"), date(2026, 3, 20), now)
        newer = await promise(session, ana, money("100", "RON"), date(2026, 3, 25), now)
        await pay(session, ana, "p1", "100", now, invoice=await number(session, "I1"))
        assert await frozen(session, ana) == {"promise": 40_00}
        await refund_invoice(session, await number(session, "I1"), now)
        assert (await session.get_one(Promise, older)).state == "kept"
        assert (await session.get_one(Promise, newer)).state == "open"
        assert await frozen(session, ana) == {"promise": 100_00}


async def test_installments_are_taken_back_latest_first(database: Database, ana: int, now: datetime) -> None:
    async with database.write() as session:
        plan = await agree_installments(
            session, ana, "RON", [Part(date(2026, 3, 20), 80_00), Part(date(2026, 4, 20), 80_00)], now
        )
        await pay(session, ana, "p1", "100", now, invoice=await number(session, "I1"))
        await pay(session, ana, "p2", "20", now, invoice=await number(session, "I2"))
        assert await frozen(session, ana) == {"installment": 40_00}
        assert await reverse(session, "p1", now)
        assert await frozen(session, ana) == {"installment": 140_00}
        assert (await session.get_one(InstallmentPlan, plan)).ended_at is None


async def test_a_paid_plan_stays_paid(database: Database, ana: int, now: datetime) -> None:
    async with database.write() as session:
        plan = await agree_installments(session, ana, "RON", [Part(date(2026, 3, 20), 80_00)], now)
        await pay(session, ana, "p1", "100", now)
        assert await reverse(session, "p1", now)
        row = await session.get_one(InstallmentPlan, plan, populate_existing=True)
        assert (row.outcome, row.ended_at) == ("paid", now)
        assert await frozen(session, ana) == {}


async def frozen(session: WriteSession, client: int) -> dict[str, int]:
    rows = await session.execute(
        text(
            "select kind, sum(amount)::bigint from conditional_payments where client_id = :c and amount > 0 group by 1"
        ),
        {"c": client},
    )
    return {kind: int(total) for kind, total in rows}
