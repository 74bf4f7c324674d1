"""Dunning pauses: a person's promise of some days of peace, with a reason. In the caller's transaction, who re-decides.

A pause that overlaps another is kept beside it and the days both cover count once, so that none has to be refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from engine.debt import Pause
from engine.store.days import client_day
from engine.store.history import note
from engine.store.session import ReadSession, WriteSession
from engine.store.tables.casework import DunningPause

LONGEST = 366
"""Days; a longer peace is an exemption, which shows as frozen money and not as a forgotten clock."""


class BadPause(ValueError):
    """A pause lasts from 1 to 366 days."""


class NoSuchPause(LookupError):
    """There is no such pause, or it is over."""


async def pause(session: WriteSession, client: int, days: int, reason: str, by: str, now: datetime) -> int:
    """Pause from the client's today for so many days; no stage is entered and no contact started. The pause's id."""
    if not 1 <= days <= LONGEST:
        raise BadPause(f"a pause lasts from 1 to {LONGEST} days, not {days}")
    today = await client_day(session, client, now)
    ends = today + timedelta(days=days)
    row = DunningPause(client_id=client, starts=today, ends=ends, reason=reason, made_by=by, made_at=now)
    session.add(row)
    note(session, client, now, "paused", until=ends.isoformat(), reason=reason, by=by)
    await session.flush()
    return row.id


async def end_pause(session: WriteSession, number: int, by: str, now: datetime, *, reason: str = "") -> int:
    """End a pause today: the days before count as paused. The client. Raises NoSuchPause."""
    row = await session.get(DunningPause, number, populate_existing=True)
    if row is None or row.ends <= (today := await client_day(session, row.client_id, now)):
        raise NoSuchPause(f"no pause {number} is running")
    row.ends = max(today, row.starts)
    note(session, row.client_id, now, "pause_ended", by=by, reason=reason or None)
    await session.flush()
    return row.client_id


async def pauses_of(session: ReadSession, clients: Sequence[int]) -> dict[int, list[Pause]]:
    """The pauses of these clients, past ones too; a client without any is not among them."""
    found: dict[int, list[Pause]] = {}
    rows = select(DunningPause).where(DunningPause.client_id.in_(clients)).order_by(DunningPause.starts)
    for row in await session.scalars(rows):
        found.setdefault(row.client_id, []).append(Pause(row.starts, row.ends))
    return found
