"""`amiable import KIND FILE`: a billing feed, or the plans, into the case store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress as Bar
from rich.progress import TextColumn

from bot.clock import real_clock
from bot.loop import run
from bot.settings import StoreSettings, load_settings
from bot.store import case_store
from dialogs.script import load_scripts
from engine.calendar import Hours
from engine.document import read
from engine.intake.importing import BadRows, ImportReport, Progress, Step, import_file
from engine.intake.records import FeedError
from engine.intake.rows import Kind
from engine.store.plans import publish_plans, read_plans, unknown_scripts
from engine.store.session import Database

BAD_INPUT = 2
PLAIN_EVERY = 100_000
TWO_DECIMALS = "EUR"
"""Plans are checked as if in a currency of two decimals; each case reads its plan's sums in its own currency."""


class What(StrEnum):
    """What a file holds."""

    CLIENTS = "clients"
    ACCOUNTS = "accounts"
    INVOICES = "invoices"
    PAYMENTS = "payments"
    PLANS = "plans"


def import_feed(
    kind: Annotated[What, typer.Argument(help="What the file holds.")],
    file: Annotated[
        Path, typer.Argument(help="CSV (.csv), JSON lines (.jsonl, .ndjson) or Parquet (.parquet); plans in YAML.")
    ],
    rejects: Annotated[
        Path | None, typer.Option(help="Let the good rows in and write the others, with the reason, to this file.")
    ] = None,
) -> None:
    """Take plans, clients, accounts, invoices or payments in from a file: all of it, or nothing."""
    settings = load_settings(StoreSettings)
    with case_store(settings) as url:
        try:
            told = run(_import(Database(url), kind, file, settings, rejects))
        except (BadRows, FeedError) as error:
            typer.echo(f"amiable: {error}", err=True)
            raise typer.Exit(BAD_INPUT) from error
    typer.echo(told)


async def _import(database: Database, kind: What, file: Path, settings: StoreSettings, rejects: Path | None) -> str:
    try:
        if kind is What.PLANS:
            return await import_plans(database, file)
        report = await run_import(database, Kind(kind), file, real_clock(), settings.hours, rejects)
        return summary(report, rejects)
    finally:
        await database.close()


async def import_plans(database: Database, path: Path) -> str:
    """Put the plans of a file in force; cases under way finish on the version they began with. Raises DocumentError."""
    root = read(path)
    plans = read_plans(root, TWO_DECIMALS)
    for unknown in unknown_scripts(plans, load_scripts()):
        raise unknown
    async with database.write() as session:
        fresh = await publish_plans(session, root.mapping(("groups", "plans"))["groups"].texts(), plans)
    return f"plans: {len(plans)} read, {fresh} put in force, {len(plans) - fresh} the same"


async def run_import(
    database: Database, kind: Kind, path: Path, now: datetime, hours: Hours, rejects: Path | None
) -> ImportReport:
    """Import a file, showing on stderr how far it is. Raises FeedError or BadRows, having written nothing."""
    with _shown(Console(stderr=True)) as progress:
        return await import_file(database, kind, path, now, hours, rejects, progress)


def summary(report: ImportReport, rejects: Path | None) -> str:
    """What became of the rows, in one line."""
    told = f"{report.kind}: {report.read} read, {report.added} added, {report.changed} changed, {report.same} the same"
    return f"{told}, {report.rejected} rejected and written to {rejects}" if report.rejected else told


@contextmanager
def _shown(console: Console) -> Iterator[Progress]:
    """A progress bar on a terminal, elsewhere a plain line now and then."""
    if not console.is_terminal:
        yield _plainly(console)
        return
    with Bar(*Bar.get_default_columns(), TextColumn("{task.completed:,} rows"), console=console, transient=True) as bar:
        tasks = {step: bar.add_task(step.value, total=None, start=False) for step in Step}

        def show(step: Step, done: int, total: int) -> None:
            bar.start_task(tasks[step])
            bar.update(tasks[step], completed=done, total=total)

        yield show


def _plainly(console: Console) -> Progress:
    told = dict.fromkeys(Step, 0)

    def show(step: Step, done: int, total: int) -> None:
        if done // PLAIN_EVERY > told[step]:
            told[step] = done // PLAIN_EVERY
            console.print(f"{step.value}: {done:,} of about {total:,} rows", highlight=False)

    return show
