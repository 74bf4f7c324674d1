"""`amiable decide`: the daily decision run by hand, or what it would do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress as Bar
from rich.progress import TextColumn

from bot.answer import rehearsal_json, rehearsal_text
from bot.cli.days import BadDay, read_day
from bot.clock import real_clock
from bot.loop import run
from bot.settings import StoreSettings, load_settings
from bot.store import case_store
from engine.calendar import at_local, local_day, zone
from engine.daily import RunUnderWay, decide_day
from engine.day import turn_day
from engine.explaining.rehearsal import Rehearsal, rehearse
from engine.full_run import Progress
from engine.store.runs import Tally
from engine.store.session import Database

BAD_INPUT = 2


def decide(
    day: Annotated[str, typer.Option("--date", help="A day of the deployment's, as 2025-08-01; left out: today.")] = "",
    dry_run: Annotated[
        bool, typer.Option(help="Say what would happen for each client, and why; change nothing.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON objects on stdout, the last one with the counts.")
    ] = False,
) -> None:
    """Decide for every client who owes or is worked: the daily run of today, or a dry run of any day."""
    try:
        asked = read_day(day)
    except BadDay as error:
        raise _refused(str(error)) from error
    settings = load_settings(StoreSettings)
    now = real_clock()
    today = local_day(now, zone(settings.timezone))
    asked = asked or today
    if asked != today and not dry_run:
        raise _refused(f"a run decides for today, {today}; add --dry-run to see what would happen on {asked}")
    with case_store(settings) as url, _watched() as progress:
        if dry_run:
            at = now if asked == today else at_local(asked, settings.decide_at, zone(settings.timezone))
            rehearsal = run(_rehearse(url, at, progress))
            for line in _rehearsed(rehearsal, asked, as_json=as_json):
                typer.echo(line)
            return
        report = run(_decide(url, today, now, settings, progress))
    typer.echo(_told(report, today, as_json=as_json))


def _refused(message: str) -> typer.Exit:
    typer.echo(f"amiable: {message}", err=True)
    return typer.Exit(BAD_INPUT)


async def _rehearse(url: str, at: datetime, progress: Progress) -> Rehearsal:
    database = Database(url)
    try:
        async with database.read() as session:
            return await rehearse(session, at, progress)
    finally:
        await database.close()


async def _decide(url: str, day: date, now: datetime, settings: StoreSettings, progress: Progress) -> Tally | None:
    """Judgments of the day first, as the clock does; None when the day is done already.

    While another process is at it this one waits, and goes on in its place should it have died.
    """
    database = Database(url)
    try:
        await turn_day(database, now, settings.hours)
        while True:
            try:
                return await decide_day(database, day, now, settings.hours, progress)
            except RunUnderWay:
                await asyncio.sleep(1)
    finally:
        await database.close()


def _rehearsed(rehearsal: Rehearsal, day: date, *, as_json: bool) -> Iterator[str]:
    counts = _counts(rehearsal.tally)
    if as_json:
        for one in rehearsal_json(rehearsal):
            yield json.dumps(one, ensure_ascii=False)
        yield json.dumps({"day": day.isoformat(), "dry_run": True, **counts})
        return
    yield from rehearsal_text(rehearsal)
    yield f"{day}, dry run: {_summed(counts)}. Nothing was changed."


def _told(report: Tally | None, day: date, *, as_json: bool) -> str:
    if as_json:
        counts = _counts(report) if report else {}
        return json.dumps({"day": day.isoformat(), "dry_run": False, "done_before": report is None, **counts})
    if report is None:
        return (
            f"{day}: this day's run is done already; nothing was changed. `amiable why CLIENT` tells what it decided."
        )
    return f"{day}: {_summed(_counts(report))}."


def _counts(report: Tally) -> dict[str, Any]:
    return {
        "clients": report.clients,
        "changes": {kind: count for kind, count in sorted(report.changes.items()) if count},
    }


def _summed(counts: Mapping[str, Any]) -> str:
    changes = ", ".join(f"{count:,} x {kind.replace('_', ' ')}" for kind, count in counts["changes"].items())
    return f"{counts['clients']:,} clients looked at; {changes or 'nothing to change'}"


@contextmanager
def _watched() -> Iterator[Progress]:
    """A progress bar on a terminal, elsewhere a plain line for each chunk; both on stderr."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done, total: console.print(f"{done:,} of {total:,} clients", highlight=False)
        return
    with Bar(
        *Bar.get_default_columns(), TextColumn("{task.completed:,} clients"), console=console, transient=True
    ) as bar:
        task = bar.add_task("decided", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
