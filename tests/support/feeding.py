"""A desk where texts are imported as if they were files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from engine.calendar import AnyHour
from engine.intake.importing import BadRows, ImportReport, import_file
from engine.intake.rows import Kind
from engine.store.session import Database
from engine.store.tables.portfolio import Address, Client, Invoice


class Desk:
    """Imports texts as files of a directory, at `now`, which a test may move."""

    def __init__(self, database: Database, directory: Path, now: datetime) -> None:
        self.database, self.directory, self.now = database, directory, now

    async def take(self, kind: Kind, text: str, rejects: Path | None = None) -> ImportReport:
        path = self.directory / f"{kind}.csv"
        path.write_text(text, encoding="utf-8")
        return await import_file(self.database, kind, path, self.now, AnyHour(), rejects)

    async def balances(self) -> dict[str, int]:
        async with self.database.read() as session:
            rows = await session.execute(select(Invoice.ref, Invoice.balance).order_by(Invoice.ref))
            return {row.ref: row.balance for row in rows}

    async def problems(self, kind: Kind, text: str) -> list[str]:
        with pytest.raises(BadRows) as refused:
            await self.take(kind, text)
        return [f"{problem.line} {problem}" for problem in refused.value.problems]

    async def addresses(self, client: str) -> dict[str, Address]:
        async with self.database.read() as session:
            rows = await session.scalars(
                select(Address).join(Client, Client.id == Address.client_id).where(Client.ref == client)
            )
            return {f"{row.channel} {row.sealed}": row for row in rows}
