"""The feed of changed clients: triggers mark whose facts have changed, deciding settles the marks.

A mark names the transaction that made it, so that what a snapshot could not see yet is known (migration 0009). A
settled mark is kept a while: who has changed and been decided for meanwhile must not be decided for on older facts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import psycopg
from sqlalchemy import text

from engine.store.arrays import numbers
from engine.store.session import Database, ReadSession, WriteSession

NEXT = "cast(cast(pg_snapshot_xmax(pg_current_snapshot()) as text) as bigint)"
"""The number of the next transaction, in SQL: what is numbered so or higher is of a database restored from a dump."""
WAITING = text("select distinct client_id from changed_clients order by client_id limit :most")
SNAPSHOT = text("select pg_current_snapshot()::text")
SINCE = text(f"""
select client_id from (
  select client_id, at from changed_clients where client_id = any(:clients)
  union all
  select client_id, at from settled_marks where client_id = any(:clients)
  union all
  -- A run settles no marks: the rest it writes says so. That of a database restored from a dump says nothing.
  select client_id, written_by from rests
  where client_id = any(:clients)
    and written_by < {NEXT}
) marks
where not pg_visible_in_snapshot(cast(cast(at as text) as xid8), cast(:snapshot as pg_snapshot))
""")
SETTLE = text("delete from changed_clients where client_id = any(:clients)")
DECIDED = text("insert into settled_marks (client_id) select unnest(cast(:clients as bigint[]))")
FORGET_SEEN = text(f"""
with void as (
  -- A rest that a mark ends must not count again once the mark is forgotten.
  select t.client_id from rests t
  where exists (
    select from settled_marks m
    where m.client_id = t.client_id and m.at <> t.written_by
      and not pg_visible_in_snapshot(cast(cast(m.at as text) as xid8), cast(t.snapshot as pg_snapshot)))
  order by t.client_id for update
), gone as (
  delete from rests where client_id in (select client_id from void)
)
delete from settled_marks
where pg_visible_in_snapshot(cast(cast(at as text) as xid8), cast(:snapshot as pg_snapshot))
  or at >= {NEXT}
""")
SETTLE_SEEN = text("""
with seen as (
  -- What somebody else holds they are settling themselves.
  select ctid from changed_clients
  where pg_visible_in_snapshot(cast(cast(at as text) as xid8), cast(:snapshot as pg_snapshot))
  limit :most for update skip locked
), settled as (
  delete from changed_clients where ctid = any(array(select ctid from seen)) returning client_id, at
), kept as (
  insert into settled_marks (client_id, at) select distinct client_id, at from settled
)
select count(*) from settled
""")
MARKING = "select set_config('amiable.deciding', %s, true)"
PORTION = 10_000
"""Marks settled in one transaction: who is being decided for meanwhile does not wait long for one of theirs."""


@asynccontextmanager
async def unmarked(cursor: psycopg.AsyncCursor[Any]) -> AsyncIterator[None]:
    """What the cursor's transaction writes in the block changes no facts: it makes no marks."""
    await cursor.execute(MARKING, ("on",))
    yield
    await cursor.execute(MARKING, ("",))


async def changed_clients(session: ReadSession, most: int) -> list[int]:
    """Up to `most` clients with marks, by id."""
    return list(await session.scalars(WAITING, {"most": most}))


async def snapshot(session: ReadSession) -> str:
    """What later questions of this session see at least, for `changed_since`."""
    return cast("str", await session.scalar(SNAPSHOT))


async def changed_since(session: ReadSession, clients: Sequence[int], seen: str) -> set[int]:
    """Which of these clients have changed, or been decided for, since the snapshot `seen`."""
    return set(await session.scalars(SINCE, {"clients": numbers(clients), "snapshot": seen}))


async def settle_marks(session: WriteSession, clients: Sequence[int]) -> None:
    """These clients are being decided for, in this transaction, which holds them: their marks are done with."""
    await session.send(SETTLE, {"clients": numbers(clients)})
    await note_decided(session, clients)


async def note_decided(session: WriteSession, clients: Sequence[int]) -> None:
    """Something was decided about these clients, in this transaction, which holds them: no rest of theirs stands."""
    await session.send(DECIDED, {"clients": numbers(clients)})


async def settle_seen(database: Database, seen: str) -> None:
    """Everybody has been decided for on facts at least as new as the snapshot `seen`."""
    async with database.write() as session:
        await session.execute(FORGET_SEEN, {"snapshot": seen})
    settled = PORTION
    while settled == PORTION:
        async with database.write() as session:
            settled = cast("int", await session.scalar(SETTLE_SEEN, {"snapshot": seen, "most": PORTION}))
