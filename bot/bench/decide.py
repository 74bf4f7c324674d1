"""`amiable bench decide`: the daily run over a generated portfolio, beside what reading and writing alone would cost.

The portfolio has been worked until Friday. The first figure is the run of the Monday after, with payments of the
weekend: three days' stages at once. Then a Tuesday; the re-decision of clients who have just paid; the first run ever,
over a portfolio nobody has worked; and both days of SMALL clients as a naive program would decide them.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from time import perf_counter
from typing import Any, LiteralString

import psycopg

from bot.bench.address import name_of, plain
from bot.bench.baseline import copy_seconds, scan_seconds, transaction
from bot.bench.figures import Asked, Baseline, Figures
from bot.bench.gauge import Cost, cost_of
from bot.bench.naive.program import decide_naively
from bot.bench.outcome import Digests, digests, unbalanced
from bot.bench.paying import pay
from bot.bench.portfolio import DAY, make_portfolio
from bot.bench.profiling import profiled, tell_statements
from bot.bench.stores import Stores, bench_stores
from engine.calendar import Hours, SendWindow
from engine.daily import decide_day
from engine.full_run import Progress, decide_all
from engine.run import decide_changed
from engine.store.runs import Tally
from engine.store.session import Database

SEED = 1
SMALL, LARGE = 10_000, 100_000
"""What everything is compared with: growth from it, and the naive program on it. Up to LARGE a run is done again."""
TIMES, ROUNDS = 3, 5
HOURS = SendWindow(time(9), time(20))
FRIDAY = datetime.combine(DAY, time(6), UTC)
MONDAY, TUESDAY, WEDNESDAY = (FRIDAY + timedelta(days=days) for days in (3, 4, 5))
CHANGED = (10, 100, 1_000, 10_000)
UNWORK = "truncate cases, contacts, case_events, decisions, service_orders, tasks, rests cascade; analyze"


Program = Callable[[Database, datetime, Hours, Progress], Awaitable[None]]
"""What decides for everybody on a day."""


@dataclass(frozen=True, slots=True)
class Run:
    """One measured run, and its baselines in seconds: `scan` is S, `copy` is C over the `rows` it wrote."""

    tally: Tally
    cost: Cost
    scan: float
    copy: float
    rows: int

    def figures(self, size: int, name: str, **more: Any) -> Figures:
        """A line of the benchmark's output."""
        cost = self.cost
        told = {
            "run": name,
            "looked_at": self.tally.clients,
            "rows": self.rows,
            "changes": dict(self.tally.changes),
            "scan_seconds": round(self.scan, 4),
            "copy_seconds": round(self.copy, 4),
            "cpu_seconds": round(cost.cpu, 3),
            "cpu": {"own": round(cost.own_cpu, 3), "server": round(cost.server_cpu, 3)},
            "memory_mb": {"own": round(cost.own_mb, 1), "server": round(cost.server_mb, 1)},
            "log_mb": round(cost.log_bytes / 2**20, 1),
            "transactions": self.tally.batches,
            "lock_seconds": round(max(self.tally.longest, cost.longest_write), 4),
        }
        return Figures(
            "decide", size, cost.seconds, Baseline("S + C", self.scan + self.copy), cost.peak_mb, told | more
        )


async def bench(asked: Asked) -> AsyncIterator[Figures]:
    """The runs of one size, and beside them what SMALL clients cost the same engine and a naive program."""
    with bench_stores(asked.settings) as stores:
        small = min(asked.size, SMALL)
        least = await _mondays(stores, small, asked)
        again = await _mondays(stores, asked.size, asked) if small < asked.size <= LARGE else least
        with stores.copy(await _worked(stores, asked.size, asked)) as url:
            monday = await _monday(url, asked.size, asked, profile=asked.profile)
            best = again if asked.size <= LARGE else monday
            yield best.figures(asked.size, "after a weekend", **_growth(least, small, best, asked.size))
            pay(plain(url), asked.size // 100, 2, TUESDAY)
            tuesday = await _run(url, TUESDAY, asked, "Tuesday")
            yield tuesday.figures(asked.size, "the next day")
            async for figures in _changes(url, tuesday, asked):
                yield figures
            yield await _both_ways(stores, url, asked)
            yield await _first_run(url, asked)
        async for figures in _beside_naive(stores, small, asked):
            yield figures


async def _worked(stores: Stores, size: int, asked: Asked) -> str:
    """The database of a portfolio that has been worked until Friday; it is made once."""

    async def fill(url: str) -> None:
        await make_portfolio(url, size, SEED, asked.watch)
        async with _access(url) as database:
            await decide_day(database, FRIDAY.date(), FRIDAY, HOURS, _watching(asked, "the run of Friday"))
        _execute(url, "vacuum (analyze)")

    return await stores.kept("decide", size, fill)


async def _mondays(stores: Stores, size: int, asked: Asked) -> Run:
    """The quickest of several Mondays, each on a copy of its own: other work on the machine only ever adds."""
    name, runs = await _worked(stores, size, asked), []
    for _ in range(TIMES):
        with stores.copy(name) as url:
            runs.append(await _monday(url, size, asked))
    return min(runs, key=lambda run: run.cost.seconds)


async def _monday(url: str, size: int, asked: Asked, *, profile: bool = False) -> Run:
    pay(plain(url), size // 100, 1, MONDAY)
    return await _run(url, MONDAY, asked, f"the run of Monday, {size:,} clients", profile=profile)


async def _run(url: str, now: datetime, asked: Asked, what: str, *, profile: bool = False) -> Run:
    """The daily run as the clock starts it, with its lease and its ledger of what is done."""
    asked.watch("scanning", 0, 0)
    scan, since = scan_seconds(plain(url)), transaction(plain(url))
    async with _access(url) as database:
        with cost_of(url) as cost, profiled(wanted=profile):
            tally = await decide_day(database, now.date(), now, HOURS, _watching(asked, what))
    if profile:
        tell_statements(cost)
    asked.watch("copying", 0, 0)
    copy, rows = copy_seconds(plain(url), since)
    return Run(tally or Tally(), cost, scan, copy, rows)


async def _changes(url: str, whole: Run, asked: Asked) -> AsyncIterator[Figures]:
    """Clients who have just paid, decided for at once; the quickest of several rounds of other clients each."""
    async with _access(url) as database:
        await decide_changed(database, TUESDAY, HOURS)
        for place, count in enumerate(CHANGED):
            rounds = []
            for turn in range(min(ROUNDS, asked.size // (count * 30))):
                time = 1 + place * ROUNDS + turn
                at = TUESDAY + timedelta(minutes=time)
                pay(plain(url), count, 100 + time, at)
                began = perf_counter()
                tally = await decide_changed(database, at, HOURS)
                rounds.append((perf_counter() - began, tally.clients))
            if rounds:
                seconds, clients = min(rounds)
                baseline = Baseline("the whole run of that day", whole.cost.seconds)
                told = {"run": f"{count:,} changed", "changed": clients}
                yield Figures("decide", asked.size, seconds, baseline, None, told, done=clients)


async def _both_ways(stores: Stores, url: str, asked: Asked) -> Figures:
    """One in a hundred clients pays: on one copy only they are decided for, on another everybody is."""
    at, found, seconds = TUESDAY + timedelta(hours=6), [], []
    asked.watch("the changed beside everybody", 0, 0)
    # A cycle that ended with its last stage this morning is told of once more when it is looked at again.
    await _decide_for(decide_all, url, at - timedelta(minutes=1))
    with stores.copy(name_of(url)) as other:
        for address, decide in ((url, decide_changed), (other, decide_all)):
            changed = pay(plain(address), max(asked.size // 100, 1), 1000, at)
            seconds.append(await _decide_for(decide, address, at))
            found.append(digests(plain(address), at))
    told = {"run": "1 % changed, compared with everybody", "rows": sum(rows for rows, _ in found[0].values())}
    same, lost = found[0] == found[1], unbalanced(plain(url))
    return Figures(
        "decide",
        asked.size,
        seconds[0],
        Baseline("everybody", seconds[1]),
        None,
        told | {"same_decisions": same, "unbalanced": lost},
        holds=same and not lost,
        done=changed,
    )


async def _decide_for(decide: Callable[[Database, datetime, Hours], Awaitable[Tally]], url: str, at: datetime) -> float:
    """The seconds it took."""
    async with _access(url) as database:
        began = perf_counter()
        await decide(database, at, HOURS)
        return perf_counter() - began


async def _first_run(url: str, asked: Asked) -> Figures:
    """The day a portfolio is worked for the first time: every case begins."""
    _execute(url, UNWORK)
    first = await _run(url, WEDNESDAY, asked, "the first run")
    return first.figures(asked.size, "the first run ever")


async def _beside_naive(stores: Stores, size: int, asked: Asked) -> AsyncIterator[Figures]:
    """A Monday and the day after it, decided by the engine, and by a program that loads one client after the other."""
    name = await _worked(stores, size, asked)
    ours = [await _two_days(stores, name, size, _decide_day, asked, "the engine") for _ in range(TIMES)]
    naive = await _two_days(stores, name, size, decide_naively, asked, "the naive program")
    for day, (cost, found), *runs in zip(("after a weekend", "the next day"), naive, *ours, strict=True):
        best = min((one for one, _ in runs), key=lambda one: one.seconds)
        same = all(other == found for _, other in runs)
        told = {
            "run": f"beside a naive program, {day}",
            "times_as_fast": round(cost.seconds / best.seconds, 1),
            "times_less_cpu": round(cost.cpu / best.cpu, 1) if best.cpu else None,
            "same_decisions": same,
        }
        baseline = Baseline("one client after the other", cost.seconds)
        yield Figures("decide", size, best.seconds, baseline, best.peak_mb, told, holds=same)


async def _two_days(
    stores: Stores, name: str, size: int, decide: Program, asked: Asked, what: str
) -> list[tuple[Cost, Digests]]:
    """What a Monday and the next day cost a program that runs on, and what it came to on each."""
    days = []
    with stores.copy(name) as url:
        async with _access(url) as database:
            for number, now in enumerate((MONDAY, TUESDAY), start=1):
                pay(plain(url), size // 100, number, now)
                with cost_of(url) as cost:
                    await decide(database, now, HOURS, _watching(asked, what))
                days.append((cost, digests(plain(url), now)))
    return days


async def _decide_day(database: Database, now: datetime, hours: Hours, progress: Progress) -> None:
    await decide_day(database, now.date(), now, hours, progress)


@asynccontextmanager
async def _access(url: str) -> AsyncIterator[Database]:
    """Access with a connection at hand, as a process that has been running for a while has it."""
    database = Database(url)
    try:
        async with database.read() as reading, database.write() as writing:
            await reading.connection()
            await writing.connection()
        yield database
    finally:
        await database.close()


def _watching(asked: Asked, what: str) -> Progress:
    return lambda done, total: asked.watch(what, done, total)


def _execute(url: str, command: LiteralString) -> None:
    with psycopg.connect(plain(url), autocommit=True) as connection:
        for one in command.split(";"):
            connection.execute(one)


def _growth(least: Run, small: int, run: Run, size: int) -> dict[str, float]:
    """Exponents of growth: 1 is in proportion, 1.05 at a hundred times the clients is a quarter more for each."""
    if size == small:
        return {}
    grown = {"exponent": (run.cost.seconds, least.cost.seconds), "cpu_exponent": (run.cost.cpu, least.cost.cpu)}
    return {
        what: round(math.log(now / then) / math.log(size / small), 3) for what, (now, then) in grown.items() if then
    }
