"""Who need not be looked at before a day: written once they are decided for, void as soon as there is news.

Nobody has to take a rest back. It names the snapshot its facts were read in and the newest plan version there was then,
and holds only for whom no mark has been made or settled that this snapshot cannot see (`engine.store.feed`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from engine.store.arrays import days, numbers
from engine.store.feed import NEXT
from engine.store.session import ReadSession, WriteSession


@dataclass(frozen=True, slots=True)
class Seen:
    """What facts are at least as new as: a snapshot as PostgreSQL writes it, and the newest plan version."""

    snapshot: str
    newest_plan: int


SEEN = text("select pg_current_snapshot()::text, coalesce((select max(id) from plans), 0)")
WRITE = """
insert into rests (client_id, until, snapshot, newest_plan)
select client_id, until, :snapshot, :newest_plan
from unnest(cast(:clients as bigint[]), cast(:untils as date[])) quiet(client_id, until)
order by client_id
on conflict (client_id) do update
set until = excluded.until, snapshot = excluded.snapshot, newest_plan = excluded.newest_plan,
    written_by = excluded.written_by
"""
REST, REST_UNLESS_DECIDED = (
    text(WRITE),
    text(f"""{WRITE}
where rests.written_by >= {NEXT}
  or pg_visible_in_snapshot(cast(cast(rests.written_by as text) as xid8), cast(:snapshot as pg_snapshot))
"""),
)
"""The second leaves the rest of whom somebody has decided for meanwhile as it is."""


async def seen_by(session: ReadSession) -> Seen:
    """What later questions of this session see at least."""
    return Seen(*(await session.execute(SEEN)).one())


async def rest(session: WriteSession, rests: Mapping[int, date], of: Seen, *, held: bool) -> None:
    """Leave clients alone until a day: those `held` in the transaction that writes what was decided for them; others,
    for whom there is nothing to write, unless somebody has decided for them since.
    """
    await session.send(
        REST if held else REST_UNLESS_DECIDED,
        {
            "clients": numbers(rests),
            "untils": days(rests.values()),
            "snapshot": of.snapshot,
            "newest_plan": of.newest_plan,
        },
    )
