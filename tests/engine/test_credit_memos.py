"""Invoices written down: what is granted was contested, and credit comes only from what was really paid."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from given import given_client, given_invoice, given_plans
from sqlalchemy import select

from engine.agreements.disputes import GrantTooLarge, NoSuchDispute, dispute
from engine.ledger import MemoTooLarge, Received, credit_memo, credits_of, receive, resolve
from engine.money import Money, money
from engine.refunds import refund_invoice, reverse
from engine.store.session import Database, WriteSession
from engine.store.tables.ledger import Dispute
from engine.store.tables.portfolio import Invoice

DUE = date(2026, 2, 1)


@pytest.fixture
async def ana(database: Database) -> int:
    """Ana owes 100 on I1 and 60 on I2, both long due."""
    async with database.write() as session:
        await given_plans(session)
        client = await given_client(session, "ana")
        await given_invoice(session, client, "I1", "100", DUE)
        await given_invoice(session, client, "I2", "60", DUE + timedelta(days=1))
    return client


async def number(session: WriteSession, ref: str) -> int:
    return (await session.scalars(select(Invoice.id).where(Invoice.ref == ref))).one()


async def balances(session: WriteSession) -> list[int]:
    return list(await session.scalars(select(Invoice.balance).order_by(Invoice.ref)))


async def pay(session: WriteSession, client: int, ref: str, amount: str, now: datetime, invoice: int) -> None:
    assert await receive(session, Received(ref, client, money(amount, "RON"), now, "billing", invoice=invoice), now)


async def test_a_memo_on_an_unpaid_invoice_never_wipes_out_another(database: Database, ana: int, now: datetime) -> None:
    async with database.write() as session:
        first = await number(session, "I1")
        with pytest.raises(MemoTooLarge, match=r"at most 100\.00 RON can be credited on invoice I1"):
            await credit_memo(session, first, 600_00, now)
        assert await balances(session) == [100_00, 60_00]
        await credit_memo(session, first, 100_00, now)
        assert await balances(session) == [0, 60_00]
        with pytest.raises(MemoTooLarge):
            await credit_memo(session, first, 1, now)


async def test_what_was_paid_on_the_invoice_becomes_credit_of_its_payment(
    database: Database, ana: int, now: datetime
) -> None:
    async with database.write() as session:
        first = await number(session, "I1")
        await pay(session, ana, "p1", "70", now, first)
        await credit_memo(session, first, 80_00, now)
        assert await balances(session) == [0, 10_00], "30 were unpaid, and 50 of the payment pay the next bill"
        with pytest.raises(MemoTooLarge, match=r"at most 20\.00 RON"):
            await credit_memo(session, first, 20_01, now)
        await credit_memo(session, first, 20_00, now)
        assert await balances(session) == [0, 0]
        assert await credits_of(session, ana) == [Money(10_00, "RON")]
        assert await reverse(session, "p1", now), "the bank takes all of it back, wherever it went"
        assert await balances(session) == [0, 60_00]
        assert await credits_of(session, ana) == []


async def test_a_refund_after_a_memo_takes_back_only_what_still_pays_the_invoice(
    database: Database, ana: int, now: datetime
) -> None:
    async with database.write() as session:
        first = await number(session, "I1")
        await pay(session, ana, "p1", "100", now, first)
        await credit_memo(session, first, 40_00, now)
        assert await balances(session) == [0, 20_00]
        assert await refund_invoice(session, first, now) == 60_00
        assert await balances(session) == [60_00, 20_00]
        with pytest.raises(MemoTooLarge, match=r"at most 60\.00 RON"):
            await credit_memo(session, first, 100_00, now)


async def test_no_more_is_granted_than_was_disputed(database: Database, ana: int, now: datetime) -> None:
    async with database.write() as session:
        one = await dispute(session, ana, money("30", "RON"), "why", now, await number(session, "I1"))
        with pytest.raises(GrantTooLarge, match=r"at most 30\.00 RON"):
            await resolve(session, one, 600_00, now)
        await resolve(session, one, 30_00, now)
        assert await balances(session) == [70_00, 60_00]
        with pytest.raises(NoSuchDispute):
            await resolve(session, one, 0, now)


async def test_two_disputes_of_one_invoice_grant_no_more_than_it(database: Database, ana: int, now: datetime) -> None:
    async with database.write() as session:
        first = await number(session, "I1")
        one, two = [await dispute(session, ana, money("80", "RON"), "why", now, first) for _ in range(2)]
        await resolve(session, one, 80_00, now)
        with pytest.raises(MemoTooLarge, match=r"at most 20\.00 RON"):
            await resolve(session, two, 80_00, now)
        assert (await session.get_one(Dispute, two)).resolved_at is None, "a dispute refused is still open"
        await resolve(session, two, 20_00, now)
        assert await balances(session) == [0, 60_00]


async def test_a_dispute_of_the_whole_debt_grants_what_is_due_at_most(
    database: Database, ana: int, now: datetime
) -> None:
    async with database.write() as session:
        one = await dispute(session, ana, money("200", "RON"), "why", now)
        with pytest.raises(MemoTooLarge, match=r"at most 160\.00 RON can be credited on what is due now"):
            await resolve(session, one, 200_00, now)
        assert await balances(session) == [100_00, 60_00]
        await resolve(session, one, 130_00, now)
        assert await balances(session) == [0, 30_00]
