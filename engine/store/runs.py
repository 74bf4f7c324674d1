"""The ledger of runs: which slices of a day's run are done, so that a killed run goes on where it stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from engine.store.session import ReadSession, WriteSession
from engine.store.tables.running import DailyRun, RunSlice


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


async def done_slices(session: ReadSession, job: str, day: date, width: int) -> dict[int, Tally]:
    """What a run of `day` in slices of `width` ids has done before, by the number of the slice."""
    rows = await session.scalars(select(RunSlice).filter_by(job=job, day=day, width=width))
    return {row.slice: Tally(row.clients, row.changes, row.batches, row.longest) for row in rows}


async def note_slice(
    session: WriteSession, job: str, day: date, width: int, number: int, tally: Tally, now: datetime
) -> None:
    """A slice is done: its last decisions are written in this transaction."""
    row = {"job": job, "day": day, "width": width, "slice": number, "done_at": now}
    told = {"clients": tally.clients, "changes": tally.changes, "batches": tally.batches, "longest": tally.longest}
    await session.execute(insert(RunSlice).values(row | told).on_conflict_do_nothing())


DONE = text("select exists (select from daily_runs where job = :job and day = :day)")


async def day_done(session: ReadSession, job: str, day: date) -> bool:
    """Whether the run of that day is over."""
    return bool(await session.scalar(DONE, {"job": job, "day": day}))


async def note_day(session: WriteSession, job: str, day: date, now: datetime) -> None:
    """The run of that day is over."""
    await session.execute(insert(DailyRun).values(job=job, day=day, done_at=now).on_conflict_do_nothing())
