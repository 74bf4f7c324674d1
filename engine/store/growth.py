"""Tables that grow while a run writes: their statements are planned anew, for a plan suits the size it was made for."""

from __future__ import annotations

from typing import Self

from sqlalchemy import text

from engine.store.session import Database

GROWTH = 4
CASES = text("select greatest(reltuples, 0)::bigint from pg_class where oid = 'cases'::regclass")


class Growth:
    """Has statements planned anew once more clients were written than there were cases, and whenever it is GROWTH times
    as many as at the last time.
    """

    def __init__(self, database: Database, planned_for: int) -> None:
        self._database, self._written, self._planned_for = database, 0, planned_for

    @classmethod
    async def of(cls, database: Database) -> Self:
        """From as many cases as the planner takes there to be."""
        async with database.read() as session:
            return cls(database, int(await session.scalar(CASES)))

    def add(self, clients: int) -> None:
        """So many more were written, at most."""
        self._written += clients
        if self._written > self._planned_for:
            self._database.plan_anew()
            self._planned_for = GROWTH * self._written
