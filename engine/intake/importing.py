"""A feed into the case store: a file is screened row by row and goes in as a whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import cast

from engine.calendar import Hours
from engine.intake.accounts import take_accounts
from engine.intake.clients import take_clients
from engine.intake.feed import Feed, Record, write_rejects
from engine.intake.invoices import take_invoices
from engine.intake.known import Known, known, known_plans
from engine.intake.payments import take_payments
from engine.intake.rows import COLUMNS, AccountRow, ClientRow, ImportProblem, InvoiceRow, Kind, PaymentRow, Row
from engine.intake.screening import Screening
from engine.intake.stage import Taken, import_alone
from engine.run import CHUNK, decide_clients
from engine.store.session import Database, ReadSession, WriteSession, driver

SLICE = 5000
SHOWN = 50

REFERENCES = ("client", "account", "invoice", "payment")
RUNNING = """
select distinct client_id from cases where closed_at is null and client_id = any(%s) order by client_id
"""


class Step(StrEnum):
    """What an import is doing."""

    READING = "reading"
    WRITING = "writing"


Progress = Callable[[Step, int, int], None]
"""Told the step, how many rows of it are done, and about how many there are."""


class BadRows(ValueError):
    """Some rows of a file cannot go in, so none did: each with its line, column and reason."""

    def __init__(self, path: Path, problems: Sequence[ImportProblem]) -> None:
        self.path, self.problems = path, tuple(problems)
        bad = len({problem.line for problem in problems})
        shown = [f"{path}:{problem.line}: {problem}" for problem in problems[:SHOWN]]
        more = [f"and {len(problems) - SHOWN} more problems"] if len(problems) > SHOWN else []
        counted = "1 row is" if bad == 1 else f"{bad} rows are"
        remedy = "correct the file, or use --rejects FILE to let the good rows in"
        super().__init__("\n".join([*shown, *more, f"{path}: {counted} bad and nothing was written; {remedy}"]))


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
    read: int = 0
    rows: list[Row] = field(default_factory=list)
    problems: list[ImportProblem] = field(default_factory=list)

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
    progress: Progress = lambda step, done, total: None,
) -> ImportReport:
    """Take a file in, in one transaction. Raises FeedError or BadRows, having written nothing.

    With `rejects`, the good rows go in and the others are written to that file. Clients who are being worked are
    decided anew, and those whose payment was taken back; any other cycle of work only ever begins in the daily run.
    """
    feed = Feed(path, COLUMNS[kind])
    async with database.write() as session:
        await import_alone(session)
        screened = await _screen(session, feed, kind, now, progress)
        if screened.problems and rejects is None:
            raise BadRows(path, screened.problems)
        taken = await take(session, kind, screened.rows, now, progress)
        worked = sorted({*await _worked(session, taken.clients), *taken.reopened})
        await decide_clients(session, worked[:CHUNK], now, hours)
        reasons = screened.reasons
        if rejects is not None and reasons:
            write_rejects(feed, reasons, rejects)
    for start in range(CHUNK, len(worked), CHUNK):
        async with database.write() as session:
            await decide_clients(session, worked[start : start + CHUNK], now, hours)
    return ImportReport(kind, screened.read, taken.added, taken.changed, taken.same, len(reasons))


async def take(
    session: WriteSession,
    kind: Kind,
    rows: Sequence[Row],
    now: datetime,
    progress: Progress = lambda step, done, total: None,
) -> Taken:
    """Write rows of one kind, which are trusted to be good; nothing is decided. Raises UnknownOwner."""
    progress(Step.WRITING, 0, len(rows))
    match kind:
        case Kind.CLIENTS:
            taken = await take_clients(session, cast("Sequence[ClientRow]", rows), now)
        case Kind.ACCOUNTS:
            taken = await take_accounts(session, cast("Sequence[AccountRow]", rows))
        case Kind.INVOICES:
            taken = await take_invoices(session, cast("Sequence[InvoiceRow]", rows), now)
        case Kind.PAYMENTS:
            payments = cast("Sequence[PaymentRow]", rows)
            taken = await take_payments(session, payments, now, lambda done: progress(Step.WRITING, done, len(rows)))
    progress(Step.WRITING, len(rows), len(rows))
    return taken


async def _screen(session: ReadSession, feed: Feed, kind: Kind, now: datetime, progress: Progress) -> _Screened:
    total = feed.lines()
    screening = Screening(kind, now)
    plans = await known_plans(session) if kind is Kind.CLIENTS else None
    screened = _Screened()
    for records in _slices(feed.records()):
        there = plans or await _known(session, kind, records)
        rows, problems = screening.screen(records, there)
        screened.rows += rows
        screened.problems += problems
        screened.read += len(records)
        progress(Step.READING, screened.read, max(total, screened.read))
    return screened


def _slices(records: Iterator[Record]) -> Iterator[list[Record]]:
    while part := list(islice(records, SLICE)):
        yield part


async def _known(session: ReadSession, kind: Kind, records: Sequence[Record]) -> Known:
    columns = {*COLUMNS[kind].required, *COLUMNS[kind].optional}.intersection(REFERENCES)
    return await known(
        session, {column: {cell for one in records if (cell := one.cells.get(column))} for column in columns}
    )


async def _worked(session: ReadSession, clients: Sequence[int]) -> list[int]:
    """Those of the clients who have a running case."""
    connection = await driver(session)
    async with connection.cursor() as cursor:
        await cursor.execute(RUNNING, (list(clients),))
        return [row[0] for row in await cursor.fetchall()]
