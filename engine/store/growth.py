"""Tables that grow: what was planned for a small one is planned anew, for a plan suits the size it was made for."""

from __future__ import annotations

from sqlalchemy import text

from engine.store.session import Database

GROWTH = 4
SMALL = 1 << 19
"""Bytes of a table that any plan is good enough for."""
SIZES = text("""
select relname, pg_relation_size(oid) from pg_class
where relkind = 'r' and relnamespace = current_schema()::regnamespace
""")


async def plan_anew_if_grown(database: Database) -> None:
    """Has statements planned anew where a table is more than GROWTH times as large as when they last were."""
    async with database.read() as session:
        sizes = {row.relname: row.pg_relation_size for row in await session.execute(SIZES)}
    planned_for = database.planned_for
    if any(size > max(SMALL, GROWTH * planned_for.get(name, 0)) for name, size in sizes.items()):
        database.plan_anew(sizes)
