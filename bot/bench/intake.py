"""`amiable bench import`: a full file of open items, as a billing system leaves it every night, taken in once more.

The store knows the bills from the file before. In today's file no balance, 3 % or 30 % of them are others than
yesterday. The baseline is COPY of the same file into an empty, unlogged table with the file's own types, committed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from bot.bench.address import plain
from bot.bench.figures import Asked, Baseline, Figures
from bot.bench.gauge import Cost, cost_of
from bot.bench.portfolio import DAY, make_portfolio
from bot.bench.profiling import profiled, tell_statements
from bot.bench.stores import bench_stores
from engine.intake.importing import ImportReport, Step, take_file
from engine.intake.rows import Kind
from engine.store.session import Database

SEED = 1
NOW = datetime.combine(DAY, time(6), UTC)
SHARES = (0, 3, 30)
"""How many balances of a hundred have changed since the file before."""
OPEN_ITEMS_PER_CLIENT = 0.663
TIMES = 3
BLOCK = 1 << 17

ITEMS = """
copy (
  select i.ref as invoice, a.ref as account, i.issued, i.due,
         round(i.amount / 100.0, 2) as amount, round(today.balance / 100.0, 2) as balance
  from invoices i join accounts a on a.id = i.account_id
  cross join lateral (
    select case when abs(hashint8(i.id)) % 100 < {share} then i.balance / 2 else i.balance end as balance
  ) today
  where i.balance > 0 order by i.id
) to stdout (format csv, header)
"""
TABLE = """
create unlogged table bench_items
  (invoice text, account text, issued date, due date, amount numeric, balance numeric)
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """One import, and what its baseline cost."""

    report: ImportReport
    cost: Cost
    copy: Cost

    def figures(self, share: int) -> Figures:
        """A line of the benchmark's output."""
        report, cost = self.report, self.cost
        told = {
            "run": f"{share} % of the balances changed",
            "added": report.added,
            "changed": report.changed,
            "same": report.same,
            "cpu_seconds": round(cost.cpu, 3),
            "copy_cpu_seconds": round(self.copy.cpu, 3),
            "cpu": {"own": round(cost.own_cpu, 3), "server": round(cost.server_cpu, 3)},
            "memory_mb": {"own": round(cost.own_mb, 1), "server": round(cost.server_mb, 1)},
            "log_mb": round(cost.log_bytes / 2**20, 1),
        }
        return Figures("import", report.read, cost.seconds, Baseline("its COPY", self.copy.seconds), cost.peak_mb, told)


async def bench(asked: Asked) -> AsyncIterator[Figures]:
    """A file of about SIZE open items, unchanged and with changes; of each the quickest of several."""
    clients = round(asked.size / OPEN_ITEMS_PER_CLIENT)

    async def fill(url: str) -> None:
        await make_portfolio(url, clients, SEED, asked.watch)
        with _files(url) as (yesterday, *_):
            await _take(url, yesterday, asked, "the first file")
        with psycopg.connect(plain(url), autocommit=True) as connection:
            connection.execute("vacuum (analyze)")

    with bench_stores(asked.settings) as stores:
        name = await stores.kept("import", clients, fill)
        with stores.copy(name) as url, _files(url) as files:
            for share, file in zip(SHARES, files, strict=True):
                runs = [await _run(url, file, files[0], share, asked) for _ in range(TIMES)]
                yield min(runs, key=lambda one: one.cost.seconds).figures(share)


async def _run(url: str, file: Path, unchanged: Path, share: int, asked: Asked) -> Taken:
    """One measured import; after it everything is as it was before."""
    copy = min((_copied(url, file) for _ in range(TIMES)), key=lambda one: one.seconds)
    with cost_of(url) as cost, profiled(wanted=asked.profile):
        report = await _take(url, file, asked, f"{share} % changed")
    if asked.profile:
        tell_statements(cost)
    if share:
        await _take(url, unchanged, asked, "back again")
    return Taken(report, cost, copy)


@contextmanager
def _files(url: str) -> Iterator[list[Path]]:
    """Today's file for each share of changes."""
    with TemporaryDirectory() as folder, psycopg.connect(plain(url)) as connection:
        files = [Path(folder) / f"open-items-{share}.csv" for share in SHARES]
        for share, path in zip(SHARES, files, strict=True):
            with path.open("wb") as file, connection.cursor().copy(ITEMS.format(share=share).encode()) as copy:
                for block in copy:
                    file.write(block)
        connection.rollback()
        yield files


async def _take(url: str, file: Path, asked: Asked, what: str) -> ImportReport:
    """The import itself, without the decisions that follow it, which `bench decide` measures."""

    def progress(step: Step, done: int, total: int) -> None:
        asked.watch(f"{what}: {step}", done, total)

    async with _access(url) as database, database.write() as session:
        report, _ = await take_file(session, Kind.INVOICES, file, NOW, progress=progress)
    return report


@asynccontextmanager
async def _access(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        await database.close()


def _copied(url: str, file: Path) -> Cost:
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute(TABLE)
        with (
            cost_of(url) as cost,
            file.open("rb") as items,
            connection.cursor().copy("copy bench_items from stdin (format csv, header)") as copy,
        ):
            while block := items.read(BLOCK):
                copy.write(block)
        connection.execute("drop table bench_items")
    return cost
