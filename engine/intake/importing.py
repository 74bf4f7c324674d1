"""A feed into the case store: a file is screened row by row and goes in as a whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import Any

from sqlalchemy import text

from engine.calendar import Hours
from engine.intake.accounts import accounts
from engine.intake.clients import clients
from engine.intake.feed import Feed, write_rejects
from engine.intake.invoices import invoices
from engine.intake.known import Known, known, known_plans
from engine.intake.payments import payments
from engine.intake.records import SLICE, Record
from engine.intake.rows import COLUMNS, ImportProblem, Kind, Row
from engine.intake.screening import Screening
from engine.intake.sheet import lay_out
from engine.intake.stage import Taken, Taking
from engine.run import BATCH, decide_clients
from engine.store.session import Database, ReadSession, WriteSession, driver

SHOWN = 50
KEPT = 1000

REFERENCES = ("client", "account", "invoice", "payment")
RUNNING = text("""
select distinct client_id from cases where closed_at is null and client_id = any(:clients) order by client_id
""")


class Step(StrEnum):
    """What an import is doing."""

    READING = "reading"
    CHECKING = "checking"
    WRITING = "writing"


Progress = Callable[[Step, int, int], None]
"""Told the step, how many rows of it are done, and about how many there are."""


def quietly(_step: Step, _done: int, _total: int) -> None:
    """Nobody watches."""


class BadRows(ValueError):
    """Some rows of a file cannot go in, so none did: each with its line, column and reason.

    `more` problems were counted and not kept; `rows` are bad in all, those of `problems` where it is not given.
    """

    def __init__(self, path: Path, problems: Sequence[ImportProblem], more: int = 0, rows: int = 0) -> None:
        self.path, self.problems = path, tuple(problems)
        bad, left = rows or len({problem.line for problem in problems}), len(problems) + more - SHOWN
        shown = [f"{path}:{problem.line}: {problem}" for problem in problems[:SHOWN]]
        unshown = [f"and {left} more problems"] if left > 0 else []
        counted = "1 row is" if bad == 1 else f"{bad} rows are"
        remedy = "correct the file, or use --rejects FILE to let the good rows in"
        super().__init__("\n".join([*shown, *unshown, f"{path}: {counted} bad and nothing was written; {remedy}"]))


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the rows of a file."""

    kind: Kind
    read: int
    added: int
    changed: int
    same: int
    rejected: int


@dataclass(slots=True)
class _Screened:
    """What came of a file: its rows, how many of them are bad, and what is wrong with them.

    Of the problems no more than `most` are kept, the others counted: a whole file may be bad.
    """

    read: int
    most: float
    bad: int = 0
    problems: list[ImportProblem] = field(default_factory=list)
    more: int = 0

    def note(self, problems: Sequence[ImportProblem]) -> None:
        """Of some more rows."""
        kept = len(self.problems)
        self.bad += len({problem.line for problem in problems})
        self.problems += problems if kept < self.most else ()
        self.more += len(problems) - (len(self.problems) - kept)

    @property
    def reasons(self) -> dict[int, str]:
        """Per bad line, all that is wrong with it."""
        reasons: dict[int, list[str]] = {}
        for problem in self.problems:
            reasons.setdefault(problem.line, []).append(str(problem))
        return {line: "; ".join(said) for line, said in reasons.items()}


async def import_file(
    database: Database,
    kind: Kind,
    path: Path,
    now: datetime,
    hours: Hours,
    rejects: Path | None = None,
    progress: Progress = quietly,
) -> ImportReport:
    """Take a file in, in one transaction. Raises FeedError or BadRows, having written nothing.

    With `rejects`, the good rows go in and the others are written to that file. Clients who are being worked are
    decided anew at once, and those whose payment was taken back; any other cycle of work begins with the next look at
    what has changed, or with the daily run.
    """
    async with database.write() as session:
        report, taken = await take_file(session, kind, path, now, rejects, progress)
        worked = sorted({*await _worked(session, taken.clients), *taken.reopened})
        await decide_clients(session, worked[:BATCH], now, hours)
    for start in range(BATCH, len(worked), BATCH):
        async with database.write() as session:
            await decide_clients(session, worked[start : start + BATCH], now, hours)
    return report


async def take_file(
    session: WriteSession,
    kind: Kind,
    path: Path,
    now: datetime,
    rejects: Path | None = None,
    progress: Progress = quietly,
) -> tuple[ImportReport, Taken]:
    """Take a file in as `import_file` does, in the caller's transaction; nobody is decided for."""
    feed, total = Feed(path, COLUMNS[kind]), 0
    taking = await _taking(session, kind, now, lambda done: progress(Step.WRITING, done, total))
    screened = await _screen(
        session, feed, Screening(kind, now), taking, progress, most=KEPT if rejects is None else inf
    )
    if screened.bad and rejects is None:
        raise BadRows(path, screened.problems, screened.more, screened.bad)
    total = screened.read - screened.bad
    progress(Step.WRITING, 0, total)
    taken = await taking.write()
    progress(Step.WRITING, total, total)
    if rejects is not None and screened.bad:
        write_rejects(feed, screened.reasons, rejects)
    same = total - taken.added - taken.changed
    return ImportReport(kind, screened.read, taken.added, taken.changed, same, screened.bad), taken


async def take(session: WriteSession, kind: Kind, rows: Sequence[Row], now: datetime) -> Taken:
    """Write rows of one kind, which are trusted to be good; nothing is decided. Raises UnknownOwner."""
    taking = await _taking(session, kind, now)
    await taking.gather(rows)
    return await taking.write()


async def _taking(
    session: WriteSession, kind: Kind, now: datetime, booked: Callable[[int], None] = lambda _: None
) -> Taking[Any]:
    taking: Taking[Any]
    match kind:
        case Kind.CLIENTS:
            taking = await clients(session, now)
        case Kind.ACCOUNTS:
            taking = await accounts(session)
        case Kind.INVOICES:
            taking = await invoices(session, now)
        case Kind.PAYMENTS:
            taking = await payments(session, now, booked)
    return taking


async def _screen(
    session: WriteSession, feed: Feed, screening: Screening, taking: Taking[Any], progress: Progress, *, most: float
) -> _Screened:
    """Lay the file out in the sheet, read of it what says anything new, and gather what is good of that."""
    total, kind = feed.lines(), screening.kind
    connection = await driver(session)
    async with connection.cursor() as cursor:
        sheet = await lay_out(cursor, feed, lambda read: progress(Step.READING, read, max(total, read)))
    screened, checked = _Screened(sheet.rows, most), 0
    plans = await known_plans(session) if kind is Kind.CLIENTS else None
    async with aclosing(sheet.records(connection, await taking.sift())) as unread:
        async for records in unread:
            there = plans or await _known(session, kind, records)
            rows, problems = screening.screen(records, there)
            screened.note(problems)
            await taking.gather(rows)
            checked += len(records)
            if len(records) == SLICE:
                progress(Step.CHECKING, checked, sheet.rows)
    return screened


async def _known(session: ReadSession, kind: Kind, records: Sequence[Record]) -> Known:
    columns = {*COLUMNS[kind].required, *COLUMNS[kind].optional}.intersection(REFERENCES)
    return await known(
        session, {column: {cell for one in records if (cell := one.cells.get(column))} for column in columns}
    )


async def _worked(session: ReadSession, clients: Sequence[int]) -> list[int]:
    """Those of the clients who have a running case."""
    return list(await session.scalars(RUNNING, {"clients": list(clients)}))
