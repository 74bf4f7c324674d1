"""Engines as processes of their own, which a test may start beside one another and kill."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, time
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from engine.calendar import SendWindow
from engine.daily import RunUnderWay, decide_day
from engine.full_run import decide_all
from engine.store.session import Database

HOURS = SendWindow(time(9), time(20))
SHORT = 0.05
"""A lease of so many seconds is soon free when its holder was killed."""
AGAIN = 0.01

# Forked from one process that has everything loaded: a start costs as much as a connection.
PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(["engine.daily", "pytest"])


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the day of `now` over slices of `width` ids; without a `lease` it keeps no book and asks nobody."""

    url: str
    now: datetime
    width: int
    lease: float | None = SHORT


@dataclass(frozen=True, slots=True)
class Engine:
    """A process that is at a run, and tells of each slice."""

    process: BaseProcess
    told: Connection

    def passed(self, slices: int) -> bool:
        """Wait until it is past so many slices; False if it was done before."""
        with suppress(EOFError):
            for _ in range(slices):
                self.told.recv()
            return True
        return False

    def kill(self) -> None:
        """As `kill -9` does."""
        self.process.kill()
        self.process.join()

    def finished(self) -> bool:
        """Wait for its end; whether it has done its run."""
        while self.passed(1):
            continue
        self.process.join()
        return self.process.exitcode == 0


@contextmanager
def started(run: Run) -> Iterator[Engine]:
    """An engine at work; it does not outlive the block."""
    told, telling = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_work, args=(run, telling))
    process.start()
    telling.close()
    try:
        yield Engine(process, told)
    finally:
        process.kill()
        process.join()
        told.close()


def _work(run: Run, telling: Connection) -> None:
    with asyncio.Runner() as runner:
        runner.run(_decide(run, telling))


async def _decide(run: Run, telling: Connection) -> None:
    def progress(done: int, _total: int) -> None:
        telling.send(done)

    database, waiting = Database(run.url), True
    while waiting:
        try:
            if run.lease is None:
                await decide_all(database, run.now, HOURS, progress, width=run.width)
            else:
                await decide_day(database, run.now.date(), run.now, HOURS, progress, run.lease, run.width)
            waiting = False
        except RunUnderWay:
            await asyncio.sleep(AGAIN)
    await database.close()
