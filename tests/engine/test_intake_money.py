"""Invoices and payments out of files: the ledger follows, and a payment stops the work on a debt at once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from feeding import Desk
from given import given_client, given_invoice, given_plans
from sqlalchemy import func, select

from engine.calendar import AnyHour
from engine.full_run import decide_all
from engine.intake.importing import import_file, take
from engine.intake.rows import InvoiceRow, Kind, PaymentRow
from engine.intake.stage import UnknownOwner
from engine.ledger import Received, credits_of, receive
from engine.money import Money, money
from engine.store.session import Database
from engine.store.tables.casework import Case, Contact
from engine.store.tables.ledger import LedgerEntry, Payment
from engine.store.tables.portfolio import Client

BILLS = "invoice,account,issued,due,amount,balance\n"
PAID = "payment,account,invoice,paid_at,amount,status\n"
DUE = date(2026, 2, 1)


@pytest.fixture
async def desk(database: Database, tmp_path: Path, now: datetime) -> Desk:
    """Ana has the account A1 in RON with the invoice I1 of 300, long due; Bob has B1 in EUR with J1."""
    async with database.write() as session:
        await given_plans(session)
        ana = await given_client(session, "ana", sms="+40712345678")
        await given_invoice(session, ana, "I1", "300", DUE, account="A1")
        bob = await given_client(session, "bob", zone="Europe/Berlin")
        await given_invoice(session, bob, "J1", "80", DUE, account="B1", currency="EUR")
    return Desk(database, tmp_path, now)


async def entries(desk: Desk, kind: str) -> list[int]:
    async with desk.database.read() as session:
        rows = await session.scalars(
            select(LedgerEntry.amount).where(LedgerEntry.kind == kind).order_by(LedgerEntry.id)
        )
        return list(rows)


async def client(desk: Desk, ref: str) -> int:
    async with desk.database.read() as session:
        return (await session.scalars(select(Client.id).where(Client.ref == ref))).one()


async def test_a_bill_is_charged_and_what_was_settled_before_is_booked_apart(desk: Desk) -> None:
    rows = (
        "I2,A1,2026-02-01,2026-02-20,100.50,40\nI3,A1,2026-02-01,2026-02-20,70,\nI4,A1,2026-02-01,2026-02-20,60,0.00\n"
    )
    report = await desk.take(Kind.INVOICES, BILLS + rows)
    assert (report.read, report.added, report.changed, report.same) == (3, 3, 0, 0)
    assert await desk.balances() == {"I1": 30000, "I2": 4000, "I3": 7000, "I4": 0, "J1": 8000}
    assert sorted(await entries(desk, "prior")) == [-6050, -6000]


async def test_the_same_bills_again_change_nothing_and_a_new_balance_is_booked(desk: Desk) -> None:
    rows = BILLS + "I2,A1,2026-02-01,2026-02-20,100.50,40\n"
    await desk.take(Kind.INVOICES, rows)
    assert (await desk.take(Kind.INVOICES, rows)).same == 1
    assert (await desk.take(Kind.INVOICES, rows.replace(",40", ",15"))).changed == 1
    assert (await desk.balances())["I2"] == 1500
    assert (await desk.take(Kind.INVOICES, rows.replace(",40", ",90"))).changed == 1
    assert (await desk.balances())["I2"] == 9000
    assert (await desk.take(Kind.INVOICES, rows.replace(",40", ","))).same == 1


async def test_a_feed_that_has_not_heard_of_a_payment_does_not_undo_it(desk: Desk, now: datetime) -> None:
    rows = BILLS + "I2,A1,2026-02-01,2026-02-20,100,\n"
    await desk.take(Kind.INVOICES, rows)
    async with desk.database.write() as session:
        for ref, amount in (("p1", "30"), ("p2", "50")):
            payment = Received(
                ref, await client(desk, "ana"), money(amount, "RON"), now, "page", invoice=await _i2(desk)
            )
            await receive(session, payment, now)
    for stale in ("100", "70", "20"):
        assert (await desk.take(Kind.INVOICES, rows.replace("100,", f"100,{stale}"))).same == 1
    assert (await desk.balances())["I2"] == 2000
    assert (await desk.take(Kind.INVOICES, rows.replace("100,", "100,60"))).changed == 1
    assert (await desk.balances())["I2"] == 6000


async def test_credit_settles_a_new_bill_that_is_due(desk: Desk) -> None:
    await desk.take(Kind.PAYMENTS, PAID + "p1,A1,,2026-03-01,350,\n")
    ana = await client(desk, "ana")
    await desk.take(Kind.INVOICES, BILLS + "I2,A1,2026-02-01,2026-02-20,40,\nI9,A1,2026-02-01,2026-09-20,40,\n")
    assert await desk.balances() == {"I1": 0, "I2": 0, "I9": 4000, "J1": 8000}
    async with desk.database.read() as session:
        assert list(await credits_of(session, ana)) == [Money(1000, "RON")]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("I2,A9,2026-02-01,2026-02-20,10,,", "account: there is no account 'A9'; import the accounts first"),
        ("I2,A1,2026-02-21,2026-02-20,10,,", "due: 2026-02-20 is before the day of issue, 2026-02-21"),
        ("I2,A1,2026-02-30,2026-03-20,10,,", "issued: '2026-02-30' is not a day; write it as 2025-08-01"),
        (
            "I2,A1,0026-02-01,2026-03-20,10,,",
            "issued: 0026-02-01 cannot be right: the year is not between 1970 and 2099",
        ),
        ("I2,A1,2026-02-01,2026-02-20,10.005,,", "amount: 10.005 has more decimals than RON allows (2)"),
        ("I2,A1,2026-02-01,2026-02-20,0,,", "amount: 0.00 RON is not more than zero"),
        ("I2,A1,2026-02-01,2026-02-20,-5,,", "amount: -5.00 RON is not more than zero"),
        ("I2,A1,2026-02-01,2026-02-20,10,10.01,", "balance: 10.01 RON is more than the amount, 10.00 RON"),
        ("I2,A1,2026-02-01,2026-02-20,10,-1,", "balance: -1.00 RON is less than zero"),
        ("I2,A1,2026-02-01,2026-02-20,10,,EUR", "currency: is EUR, and the account is in RON"),
        ("I2,A1,2026-02-01,2026-02-20,,,", "amount: is empty"),
        (",A1,2026-02-01,2026-02-20,10,,", "invoice: is empty"),
    ],
)
async def test_a_bill_that_cannot_be_is_refused(desk: Desk, row: str, problem: str) -> None:
    header = BILLS.replace("balance", "balance,currency")
    assert await desk.problems(Kind.INVOICES, header + row) == [f"2 {problem}"]
    assert await desk.balances() == {"I1": 30000, "J1": 8000}


@pytest.mark.parametrize("amount", ["1e3", "1_000", "1,5", "12 000", "٣", "NaN", "99999999999999999999", "10.", "+5"])
async def test_an_amount_is_digits_with_a_point(desk: Desk, amount: str) -> None:
    problems = await desk.problems(Kind.INVOICES, f'{BILLS}I2,A1,2026-02-01,2026-02-20,"{amount}",\n')
    assert problems == [
        f"2 amount: '{amount}' is not an amount: write digits with a point for decimals, such as 120.50"
    ]


async def test_a_bill_that_was_imported_does_not_change(desk: Desk) -> None:
    problems = await desk.problems(Kind.INVOICES, BILLS + "I1,A1,2026-02-01,2026-02-02,299,\n")
    assert [problem.split(": a bill")[0] for problem in problems] == [
        "2 due: was 2026-02-01 and is now 2026-02-02",
        "2 amount: was 300.00 RON and is now 299.00 RON",
    ]


async def test_payments_are_booked_once_however_often_told(desk: Desk) -> None:
    rows = PAID + "p1,A1,I1,2026-03-01T10:00,100,confirmed\np2,B1,,2026-03-01,30,unconfirmed\n"
    assert (await desk.take(Kind.PAYMENTS, rows)).added == 2
    assert (await desk.take(Kind.PAYMENTS, rows)).same == 2
    assert await desk.balances() == {"I1": 20000, "J1": 8000}


async def test_a_time_without_a_zone_is_where_the_client_lives(desk: Desk) -> None:
    await desk.take(
        Kind.PAYMENTS, PAID + "p1,A1,,2026-03-01,1,\np2,B1,,2026-03-01T10:00,1,\np3,B1,,2026-03-01T10:00Z,1,\n"
    )
    async with desk.database.read() as session:
        rows = await session.scalars(select(Payment.paid_at).order_by(Payment.ref))
    assert list(rows) == [
        datetime(2026, 2, 28, 22, tzinfo=UTC),
        datetime(2026, 3, 1, 9, tzinfo=UTC),
        datetime(2026, 3, 1, 10, tzinfo=UTC),
    ]


async def test_an_announced_payment_is_confirmed_or_rejected_by_a_later_file(desk: Desk) -> None:
    rows = PAID + "p1,A1,,2026-03-01,100,unconfirmed\np2,B1,,2026-03-01,30,unconfirmed\n"
    await desk.take(Kind.PAYMENTS, rows)
    later = rows.replace("100,un", "100,").replace("30,unconfirmed", "30,rejected")
    assert (await desk.take(Kind.PAYMENTS, later)).changed == 2
    assert await desk.balances() == {"I1": 20000, "J1": 8000}
    assert (await desk.take(Kind.PAYMENTS, rows)).same == 2
    problems = await desk.problems(Kind.PAYMENTS, rows.replace("unconfirmed", "confirmed"))
    assert problems == [
        "3 status: is confirmed, but the payment was rejected; money that came after all needs a new name"
    ]


async def test_a_payment_the_bank_takes_back_is_owed_again_and_worked_at_once(desk: Desk, now: datetime) -> None:
    rows = PAID + "p1,A1,,2026-03-01,300,confirmed\np2,A1,,2026-03-01,20,unconfirmed\n"
    await desk.take(Kind.PAYMENTS, rows)
    assert (await desk.balances())["I1"] == 0
    taken_back = rows.replace("unconfirmed", "reversed").replace("confirmed", "reversed")
    report = await desk.take(Kind.PAYMENTS, taken_back)
    assert (report.added, report.changed, report.same) == (0, 2, 0)
    assert (await desk.balances())["I1"] == 30000
    async with desk.database.read() as session:
        case = (await session.scalars(select(Case))).one()
        assert (case.client_id, case.closed_at) == (await client(desk, "ana"), None)
    assert (await desk.take(Kind.PAYMENTS, taken_back)).same == 2, "reversed once, however often told"
    problems = await desk.problems(Kind.PAYMENTS, PAID + "p1,A1,,2026-03-01,300,confirmed\n")
    assert problems == [
        "2 status: is confirmed, but the payment was reversed; money that came after all needs a new name"
    ]


async def test_a_payment_may_name_its_client_alone(desk: Desk) -> None:
    header = "payment,client,paid_at,amount,currency\n"
    assert (await desk.take(Kind.PAYMENTS, header + "p1,ana,2026-03-01,100,\np2,bob,2026-03-01,80,eur\n")).added == 2
    assert await desk.balances() == {"I1": 20000, "J1": 0}
    problems = await desk.problems(Kind.PAYMENTS, header + "p3,ana,2026-03-01,100,USD\n")
    assert problems == ["2 currency: is USD, and the client is billed in RON"]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("p1,A9,,2026-03-01,10,", "account: there is no account 'A9'"),
        ("p1,,I9,2026-03-01,10,", "invoice: there is no invoice 'I9'"),
        ("p1,B1,I1,2026-03-01,10,", "account: the invoice 'I1' is of the account 'A1'"),
        ("p1,,,2026-03-01,10,", "account: is empty; name an account or an invoice"),
        ("p1,A1,,2026-03-01,0,", "amount: 0.00 RON is not more than zero"),
        ("p1,A1,,2026-03-13,10,", "paid_at: 2026-03-13 is yet to come"),
        ("p1,A1,,soon,10,", "paid_at: 'soon' is not a time; write it as 2025-08-01 or 2025-08-01T09:30"),
        ("p1,A1,,2026-03-01,10,lost", "status: 'lost' is not one of: confirmed, unconfirmed, rejected, reversed"),
        ("p1,A1,,2026-03-01,10,rejected", "status: is rejected, but no such payment was announced"),
        ("p1,A1,,2026-03-01,10,reversed", "status: is reversed, but no such payment was booked"),
        (
            "told,A1,,2026-03-01,4,reversed",
            "amount: is 4.00 RON, and this payment is booked with 5.00 RON; another needs its own name",
        ),
        (
            "told,A1,,2026-03-01,5,rejected",
            "status: is rejected, but the payment is confirmed; one that is taken back is reversed",
        ),
        (
            "told,A1,,2026-03-01,10,",
            "amount: is 10.00 RON, and this payment is booked with 5.00 RON; another needs its own name",
        ),
    ],
)
async def test_a_payment_that_cannot_be_is_refused(desk: Desk, row: str, problem: str) -> None:
    await desk.take(Kind.PAYMENTS, PAID + "told,A1,,2026-03-01,5,\n")
    assert await desk.problems(Kind.PAYMENTS, PAID + row) == [f"2 {problem}"]


async def test_a_payment_closes_a_running_case_at_once(desk: Desk, now: datetime) -> None:
    await decide_all(desk.database, now, AnyHour())
    await desk.take(Kind.PAYMENTS, PAID + "p1,A1,,2026-03-10,300,\n")
    ana = await client(desk, "ana")
    async with desk.database.read() as session:
        case = (await session.scalars(select(Case).where(Case.client_id == ana))).one()
        states = list(await session.scalars(select(Contact.state).where(Contact.client_id == ana)))
    assert case.closed_at == now
    assert states == ["superseded"]


async def test_an_import_begins_no_work_of_its_own(desk: Desk) -> None:
    await desk.take(Kind.INVOICES, BILLS + "I2,A1,2026-01-01,2026-01-20,900,\n")
    await desk.take(Kind.PAYMENTS, PAID + "p1,A1,,2026-03-10,10,\n")
    async with desk.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Case)) == 0


async def test_progress_is_told_while_reading_and_writing(desk: Desk, now: datetime) -> None:
    path = desk.directory / "payments.csv"
    path.write_text(PAID + "p1,A1,,2026-03-01,5,\np2,A1,,2026-03-01,5,\n")
    told: list[tuple[str, int]] = []
    await import_file(
        desk.database, Kind.PAYMENTS, path, now, AnyHour(), progress=lambda step, done, _: told.append((step, done))
    )
    assert told == [("reading", 2), ("writing", 0), ("writing", 1), ("writing", 2), ("writing", 2)]


async def test_rows_without_a_file_are_booked_too(desk: Desk, now: datetime) -> None:
    bill = InvoiceRow(invoice="I2", account="A1", issued=DUE, due=DUE + timedelta(days=3), amount=money("50", "RON"))
    payment = PaymentRow(payment="p1", invoice="I2", paid_at=now, amount=money("20", "RON"))
    lost = PaymentRow(payment="p2", account="A9", paid_at=now, amount=money("20", "RON"))
    async with desk.database.write() as session:
        taken = await take(session, Kind.INVOICES, [bill], now)
        assert (taken.added, taken.clients) == (1, (await client(desk, "ana"),))
        assert (await take(session, Kind.PAYMENTS, [payment], now)).added == 1
        with pytest.raises(UnknownOwner):
            await take(session, Kind.PAYMENTS, [lost], now)
    assert (await desk.balances())["I2"] == 3000


async def test_an_invoice_in_another_currency_than_its_account_is_never_relabelled(desk: Desk, now: datetime) -> None:
    bill = InvoiceRow(invoice="I2", account="A1", issued=DUE, due=DUE, amount=money("50", "EUR"))
    async with desk.database.write() as session:
        with pytest.raises(UnknownOwner):
            await take(session, Kind.INVOICES, [bill], now)


async def _i2(desk: Desk) -> int:
    async with desk.database.read() as session:
        statement = select(LedgerEntry.invoice_id).where(LedgerEntry.kind == "charge").order_by(LedgerEntry.id.desc())
        return (await session.scalars(statement)).first() or 0
