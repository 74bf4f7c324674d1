"""Plans of statements for few of many: made once on a connection, whatever the values, and by indexes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from engine.store.session import STEADY, ReadSession, WriteSession

PLANNED_ONCE = text("""
select set_config('plan_cache_mode', 'force_generic_plan', :local), set_config('enable_seqscan', 'off', :local)
""")
USUALLY_PLANNED = text("""
select set_config('plan_cache_mode', 'auto', :local), set_config('enable_seqscan', 'on', :local)
""")


@asynccontextmanager
async def steadily(session: ReadSession) -> AsyncIterator[None]:
    """What the block asks is planned once on a connection, by indexes: for few of many, whatever the values.

    PostgreSQL would plan it anew for the values of each of its first five uses; and what it planned while a table was
    empty would go through all of it for each of many, once it is full. Not for statements of which an index must know
    the values, such as those that SQLAlchemy makes. One block within another ends both.
    """
    if isinstance(session, WriteSession):
        await session.send(PLANNED_ONCE, {"local": True})
        yield
        await session.send(USUALLY_PLANNED, {"local": True})  # what fails is rolled back
        return
    connection = await session.connection()
    connection.info[STEADY] = True
    try:
        await session.execute(PLANNED_ONCE, {"local": False})
        yield
    finally:
        await session.execute(USUALLY_PLANNED, {"local": False})
        del connection.info[STEADY]
