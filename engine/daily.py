"""The daily run: once a day of the deployment's, by one process at a time, and to its end whatever is killed."""

from __future__ import annotations

import os
import socket
from datetime import date, datetime

from engine.calendar import Hours
from engine.courtesies import plan_courtesies
from engine.full_run import WIDTH, Book, Progress, decide_all, quietly
from engine.store.leases import LeaseLost, give_back, take_lease
from engine.store.runs import Tally, day_done, note_day
from engine.store.session import Database

DAILY = "decide"
LEASE = 30.0
"""Seconds after its last write in which a run that died keeps others from going on with it."""


class RunUnderWay(RuntimeError):
    """Another process is deciding for this day. Should it have died, the run can be taken over half a minute later."""


async def decide_day(
    database: Database,
    day: date,
    now: datetime,
    hours: Hours,
    progress: Progress = quietly,
    lease_seconds: float = LEASE,
    width: int = WIDTH,
) -> Tally | None:
    """The daily run of `day`, a day of the deployment's zone; None when it is done already.

    A run that was killed is taken up at the first slice it had not done. Raises RunUnderWay, also when another process
    has taken this run over.
    """
    if await _done(database, day):
        return None
    lease = await take_lease(database, DAILY, f"{socket.gethostname()}:{os.getpid()}", lease_seconds)
    if lease is None:
        raise RunUnderWay(RunUnderWay.__doc__)
    if await _done(database, day):
        await give_back(database, lease)
        return None
    try:
        tally = await decide_all(database, now, hours, progress, Book(DAILY, day, lease), width)
        tally += Tally(changes={"courtesy": await plan_courtesies(database, now, hours, lease)})
        async with database.write() as session:
            await lease.keep(session)
            await note_day(session, DAILY, day, now)
    except LeaseLost as lost:
        raise RunUnderWay(RunUnderWay.__doc__) from lost
    await give_back(database, lease)
    return tally


async def _done(database: Database, day: date) -> bool:
    async with database.read() as session:
        return await day_done(session, DAILY, day)
