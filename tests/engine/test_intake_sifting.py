"""What an import does not read row by row: told from the rest by sets, and exactly as if every row had been read."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from feeding import Desk
from given import given_client, given_invoice, given_plans
from sqlalchemy import select, text

from engine.calendar import AnyHour
from engine.intake.importing import BadRows, import_file, take_file
from engine.intake.records import FeedError
from engine.intake.rows import ImportProblem, Kind
from engine.store.session import Database
from engine.store.tables.ledger import LedgerEntry
from engine.store.tables.portfolio import Account, Invoice

HEADER = "invoice,account,issued,due,amount,balance,currency\n"
DUE = date(2026, 2, 1)
FILES = 80
CURRENCIES = {"A1": "RON", "A2": "JPY", "A3": "KWD"}
BILLS = [
    [f"I{number}", account, "2026-01-10", "2026-02-01", amount, amount, ""]
    for number, (account, amount) in enumerate(
        [("A1", "100.50"), ("A1", "100"), ("A2", "5000"), ("A3", "20.125"), ("A3", "7.5"), ("A1", "0.30"), ("A2", "9")]
    )
]
ELSE = {
    "invoice": ("", "I1", " I2 ", "I99", '"I3"', "I\x07", "I" * 501),
    "account": ("A2", "", "A9", " A1 ", "a1"),
    "issued": ("2026-01-11", "20260110", "2026-02-30", "", "soon"),
    "due": ("2026-02-02", "2025-12-31", "1826-02-01"),
    "amount": ("100.5", "100.50 ", "5000.00", "1e3", "-1", "100.505", "0", "NaN"),
    "balance": (
        "",
        "0",
        "0.00",
        "1",
        "1.5",
        "1.555",
        "50.25",
        "50.2500",
        "101",
        "-1",
        "1e1",
        "0x1",
        "Infinity",
        "٣",
        "7.",
    ),
    "currency": ("RON", "jpy", "EUR", "XXX1"),
}


class RolledBack(Exception):
    """What an import did is not to stay."""


@pytest.fixture
async def desk(database: Database, tmp_path: Path, now: datetime) -> Desk:
    """Ana has an account in each of three currencies, of two, no and three decimals, and bills on all of them."""
    async with database.write() as session:
        await given_plans(session)
        ana = await given_client(session, "ana", sms="+40712345678")
        for account, currency in CURRENCIES.items():
            session.add(Account(ref=account, client_id=ana, provider="acme", service="tv", currency=currency))
    desk = Desk(database, tmp_path, now)
    assert (await desk.take(Kind.INVOICES, written(BILLS))).added == len(BILLS)
    return desk


def written(rows: list[list[str]]) -> str:
    return HEADER + "".join(",".join(row) + "\n" for row in rows)


def tomorrow_s(seed: int) -> list[list[str]]:
    """The file of the next day: some rows changed, some said twice, some cut short, most as they were."""
    random = Random(seed)  # noqa: S311 - repeatable, nothing secret
    rows = [list(row) for row in BILLS]
    columns = HEADER.strip().split(",")
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        column = random.choice((*columns, "balance", "balance", "balance"))
        random.choice(rows)[columns.index(column)] = random.choice(ELSE[column])
    if random.random() < 0.15:
        rows.append(list(random.choice(rows)))
    if random.random() < 0.1:
        random.choice(rows).pop()
    if random.random() < 0.2:
        rows.append([f"N{random.randrange(3)}", "A1", "2026-02-10", "2026-03-01", "12", random.choice(("", "3")), ""])
    random.shuffle(rows)
    return rows


def content(path: Path | None) -> str:
    return path.read_text() if path is not None and path.exists() else ""


async def outcome(desk: Desk, path: Path, rejects: Path | None, *, forgotten: bool) -> Any:
    """What an import of the file would do; `forgotten`: to a store that does not know its bills by their wording."""
    found: list[Any] = []
    try:
        async with desk.database.write() as session:
            if forgotten:
                await session.execute(text("update invoices set wording = null"))
            try:
                report, taken = await take_file(session, Kind.INVOICES, path, desk.now, rejects)
            except BadRows as refused:
                found = [*refused.problems]
                raise RolledBack from refused
            entries = await session.execute(
                select(Invoice.ref, LedgerEntry.kind, LedgerEntry.amount, LedgerEntry.currency)
                .join(Invoice, Invoice.id == LedgerEntry.invoice_id)
                .order_by(Invoice.ref, LedgerEntry.kind, LedgerEntry.amount)
            )
            bills = await session.execute(select(Invoice.ref, Invoice.balance).order_by(Invoice.ref))
            found = [report, taken, entries.all(), bills.all(), content(rejects)]
            raise RolledBack
    except RolledBack:
        return found


async def test_what_is_sifted_out_would_have_been_found_the_same(desk: Desk) -> None:
    """Over many files: the same problems, the same entries, the same balances, whether rows are sifted or all read."""
    path, rejects = desk.directory / "tomorrow.csv", desk.directory / "rejects.csv"
    good = bad = 0
    for seed in range(FILES):
        path.write_text(written(tomorrow_s(seed)), encoding="utf-8")
        for aside in (None, rejects) if seed % 2 else (None,):
            rejects.unlink(missing_ok=True)
            sifted = await outcome(desk, path, aside, forgotten=False)
            rejects.unlink(missing_ok=True)
            assert sifted == await outcome(desk, path, aside, forgotten=True), path.read_text()
            refused = bool(sifted) and isinstance(sifted[0], ImportProblem)
            good, bad = good + (not refused), bad + refused
    assert min(good, bad) > FILES / 3, "both kinds of files were met"


async def test_a_bill_worded_otherwise_is_known_by_its_new_words_the_next_time(desk: Desk) -> None:
    async with desk.database.write() as session:
        before = (await session.execute(select(Invoice.ref, Invoice.wording).order_by(Invoice.ref))).all()
        await session.execute(text("delete from changed_clients"))
    otherwise = written(BILLS).replace("100.50,100.50", "100.5,100.5")
    assert (await desk.take(Kind.INVOICES, otherwise)).same == len(BILLS)
    async with desk.database.read() as session:
        after = (await session.execute(select(Invoice.ref, Invoice.wording).order_by(Invoice.ref))).all()
        marked = await session.scalar(text("select count(*) from changed_clients"))
    assert [one.ref for one, other in zip(before, after, strict=True) if one != other] == ["I0"]
    assert marked == 0, "that is no new fact about a client"


async def test_bills_that_came_another_way_are_recognised_and_learned(desk: Desk) -> None:
    async with desk.database.write() as session:
        bob = await given_client(session, "bob")
        await given_invoice(session, bob, "J1", "80", DUE, account="B1", currency="EUR")
    row = "J1,B1,2026-02-01,2026-02-01,80,80,\n"
    for _ in range(2):
        assert (await desk.take(Kind.INVOICES, HEADER + row)).same == 1
        async with desk.database.read() as session:
            wording = select(Invoice.wording).where(Invoice.ref == "J1")
            assert await session.scalar(wording) is not None


async def test_accounts_that_are_stored_are_passed_over_and_others_are_not(desk: Desk) -> None:
    header = "account,client,provider,service,currency,status\n"
    stored = "A1,ana,acme,tv,RON,\nA2,ana,acme,tv,JPY,active\n"
    report = await desk.take(Kind.ACCOUNTS, header + stored + "A3,ana,acme,voice,KWD,\nA4,ana,acme,tv,RON,\n")
    assert (report.read, report.added, report.changed, report.same) == (4, 1, 1, 2)
    assert await desk.problems(Kind.ACCOUNTS, header + stored + "A1,ana,acme,tv,RON,\n") == [
        "4 account: 'A1' is already on line 2"
    ]


@pytest.mark.parametrize("name", ["bills.jsonl", "bills.csv"])
async def test_json_lines_and_csv_say_the_same(desk: Desk, name: str) -> None:
    columns = HEADER.strip().split(",")
    path = desk.directory / name
    rows = [*BILLS[1:], [*BILLS[0][:5], "50.25", "RON"], ["N1", "A1", "2026-02-10", "2026-03-01", "12", "", ""]]
    objects = [json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows]
    path.write_text("".join(objects) if name.endswith("jsonl") else written(rows))
    report = await import_file(desk.database, Kind.INVOICES, path, desk.now, AnyHour())
    assert (report.added, report.changed, report.same) == (1, 1, 6)
    assert (await desk.balances())["I0"] == 5025


async def test_what_the_database_cannot_keep_is_told_like_any_other_fault(desk: Desk) -> None:
    path = desk.directory / "bills.jsonl"
    path.write_text('{"invoice": "I\\u0000", "account": "A\\ud800", "issued": "2026-01-01", "due": "2026-01-02"}\n')
    with pytest.raises(BadRows) as refused:
        await import_file(desk.database, Kind.INVOICES, path, desk.now, AnyHour())
    assert [problem.column for problem in refused.value.problems] == ["invoice", "account", "amount"]


async def test_of_a_file_that_is_all_bad_some_problems_are_kept_and_all_are_counted(desk: Desk) -> None:
    rows = "".join(f"N{number},A9,2026-02-10,2026-03-01,,,\n" for number in range(11_000))
    with pytest.raises(BadRows) as refused:
        await desk.take(Kind.INVOICES, HEADER + rows)
    lines = str(refused.value).splitlines()
    assert lines[-2] == "and 21950 more problems"
    assert "11000 rows are bad and nothing was written" in lines[-1]
    assert len(refused.value.problems) < 11_000


async def test_a_file_that_breaks_far_down_leaves_nothing(desk: Desk) -> None:
    path = desk.directory / "bills.csv"
    rows = "".join(f"N{number},A1,2026-02-10,2026-03-01,5,,\n" for number in range(20_000))
    path.write_bytes((HEADER + rows).encode() + b"N\xff,A1,2026-02-10,2026-03-01,5,,\n")
    with pytest.raises(FeedError, match=r"bills\.csv:20002: is not UTF-8 text"):
        await import_file(desk.database, Kind.INVOICES, path, desk.now, AnyHour())
    assert len(await desk.balances()) == len(BILLS)
    assert (await desk.take(Kind.INVOICES, written(BILLS))).same == len(BILLS)
