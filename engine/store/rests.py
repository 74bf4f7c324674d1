"""Who need not be looked at before a day: written once they are decided for, void as soon as there is news.

Nobody has to take a rest back. It names the snapshot its facts were read in and the newest plan version there was then,
and holds only for whom no mark has been made or settled that this snapshot cannot see (`engine.store.feed`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from engine.store.session import ReadSession, WriteSession


@dataclass(frozen=True, slots=True)
class Seen:
    """What facts are at least as new as: a snapshot as PostgreSQL writes it, and the newest plan version."""

    snapshot: str
    newest_plan: int


SEEN = text("select pg_current_snapshot()::text, coalesce((select max(id) from plans), 0)")
REST = text("""
insert into rests (client_id, until, snapshot, newest_plan)
select quiet.client_id, least(quiet.until, bill.due, part.missed), :snapshot, :newest_plan
from unnest(cast(:clients as bigint[]), cast(:days as date[]), cast(:untils as date[])) quiet(client_id, today, until)
cross join lateral (
  select min(i.due) as due from invoices i
  where i.client_id = quiet.client_id and i.balance > 0 and i.due > quiet.today
) bill
cross join lateral (
  -- Also one in a currency in which nothing is owed yet.
  select min(i.due) + 1 as missed from installment_plans p join installments i on i.plan_id = p.id
  where p.client_id = quiet.client_id and p.ended_at is null and i.due >= quiet.today
) part
order by quiet.client_id
on conflict (client_id) do update
set until = excluded.until, snapshot = excluded.snapshot, newest_plan = excluded.newest_plan,
    written_by = excluded.written_by
""")


async def seen_by(session: ReadSession) -> Seen:
    """What later questions of this session see at least."""
    return Seen(*(await session.execute(SEEN)).one())


async def rest(session: WriteSession, rests: Mapping[int, tuple[date, date]], of: Seen) -> None:
    """Leave clients alone from a day of theirs to another, or until a bill falls due or an installment is missed.

    In the transaction that writes what was decided for them, if anything was.
    """
    days: Sequence[tuple[date, date]] = list(rests.values())
    await session.send(
        REST,
        {
            "clients": list(rests),
            "days": [today for today, _ in days],
            "untils": [until for _, until in days],
            "snapshot": of.snapshot,
            "newest_plan": of.newest_plan,
        },
    )
