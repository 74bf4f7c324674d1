"""A whole portfolio, as billing would leave it: four files in, and in again."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from sqlalchemy import func, select

from engine import document
from engine.calendar import AnyHour
from engine.intake.importing import import_file
from engine.intake.rows import Kind
from engine.sample.portfolio import PLANS, portfolio, write_csv
from engine.store.plans import publish_plans, read_plans
from engine.store.session import Database
from engine.store.tables.ledger import LedgerEntry
from engine.store.tables.portfolio import Invoice


async def test_four_files_go_in_once_and_change_nothing_the_second_time(
    database: Database, tmp_path: Path, now: datetime
) -> None:
    root = document.read(PLANS)
    async with database.write() as session:
        await publish_plans(session, root.mapping(("groups", "plans"))["groups"].texts(), read_plans(root, "RON"))
    sample = portfolio(3, 120, date(2026, 3, 11))
    write_csv(sample, tmp_path)
    first = [await import_file(database, kind, tmp_path / f"{kind}.csv", now, AnyHour()) for kind in Kind]
    assert [report.added for report in first] == [
        len(rows) for rows in (sample.clients, sample.accounts, sample.invoices, sample.payments)
    ]
    assert sample.payments
    booked = await _entries(database)
    again = [await import_file(database, kind, tmp_path / f"{kind}.csv", now, AnyHour()) for kind in Kind]
    assert [(report.added, report.changed, report.rejected) for report in again] == [(0, 0, 0)] * 4
    assert await _entries(database) == booked
    async with database.read() as session:
        open_balances = await session.scalar(select(func.sum(Invoice.balance)))
        settled = await session.scalar(
            select(func.sum(LedgerEntry.amount)).where(LedgerEntry.kind.in_(("payment", "credit")))
        )
    assert open_balances == sum(row.balance.minor for row in sample.invoices) + int(settled or 0)


async def _entries(database: Database) -> int:
    async with database.read() as session:
        return await session.scalar(select(func.count()).select_from(LedgerEntry)) or 0
