"""The ledger of runs: how far a day's run has come, by the ids of clients, so that a killed one goes on from there."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from engine.store.session import ReadSession, WriteSession
from engine.store.tables.running import DailyRun


@dataclass(frozen=True, slots=True)
class Tally:
    """What was decided: clients looked at, changes by kind, transactions, and the longest of them in seconds."""

    clients: int = 0
    changes: Mapping[str, int] = field(default_factory=Counter[str])
    batches: int = 0
    longest: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.clients + other.clients,
            Counter(self.changes) + Counter(other.changes),
            self.batches + other.batches,
            max(self.longest, other.longest),
        )


SO_FAR = text("select through, clients, changes, batches, longest from run_slices where job = :job and day = :day")
NOTE = text("""
insert into run_slices (job, day, through, clients, changes, batches, longest, done_at)
values (:job, :day, :through, :clients, cast(cast(:changes as text) as jsonb), :batches, :longest, :now)
on conflict do nothing
""")


async def done_before(session: ReadSession, job: str, day: date) -> tuple[int, Tally]:
    """The client through whom a run of `day` is done, 0 if it has not begun, and what the slices it ended came to.

    What was written of slices under way when it was killed stands, and is in no tally.
    """
    rows = (await session.execute(SO_FAR, {"job": job, "day": day})).all()
    tallies = [Tally(row.clients, row.changes, row.batches, row.longest) for row in rows]
    return max((row.through for row in rows), default=0), sum(tallies, Tally())


async def note_slice(session: WriteSession, job: str, day: date, through: int, tally: Tally, now: datetime) -> None:
    """A slice is done through this client: its last decisions are written in this transaction."""
    key = {"job": job, "day": day, "through": through, "now": now}
    told = {"clients": tally.clients, "batches": tally.batches, "longest": tally.longest}
    await session.execute(NOTE, key | told | {"changes": json.dumps(tally.changes)})


DONE = text("select exists (select from daily_runs where job = :job and day = :day)")


async def day_done(session: ReadSession, job: str, day: date) -> bool:
    """Whether the run of that day is over."""
    return bool(await session.scalar(DONE, {"job": job, "day": day}))


async def note_day(session: WriteSession, job: str, day: date, now: datetime) -> None:
    """The run of that day is over."""
    await session.execute(insert(DailyRun).values(job=job, day=day, done_at=now).on_conflict_do_nothing())
