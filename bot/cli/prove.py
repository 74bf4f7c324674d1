"""`amiable prove`: senders are killed, carriers fail, and the books must agree with what the carriers really took."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot.cli.progress import watched
from bot.loop import run
from bot.prove.trial import Trial
from bot.settings import StoreSettings, load_settings
from bot.store import scratch_stores

if TYPE_CHECKING:
    from bot.prove.verdict import Verdict

NOT_TRUE = 1


def prove(
    seed: Annotated[int, typer.Option(help="What is drawn is drawn from this.")] = 1,
    kills: Annotated[
        int,
        typer.Option(min=0, help="How often a process is killed with kill -9."),
    ] = 200,
    contacts: Annotated[int, typer.Option(min=1, help="How many clients are to be written to.")] = 20_000,
    control: Annotated[bool, typer.Option(help="A naive sender instead of ours: it must be caught.")] = False,
    log: Annotated[
        Path | None, typer.Option(help="Where the processes of the trial may say what they have to.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON alone on stdout.")] = False,
) -> None:
    """Prove that nothing is sent twice or lost: kill senders, have carriers fail, and compare the books."""
    settings = load_settings(StoreSettings)
    trial = Trial(seed, kills, contacts, control)
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}"), TimeElapsedColumn()
    with watched(*columns) as watch, scratch_stores(settings) as scratch, scratch() as url:
        from bot.prove.run import prove as hold  # noqa: PLC0415 - carriers' SDKs take seconds to load

        verdict = run(hold(trial, url, watch, log))
    if not as_json:
        Console().print(_table(verdict))
    typer.echo(json.dumps(verdict.as_json()))
    if not verdict.holds:
        raise typer.Exit(NOT_TRUE)


def _table(verdict: Verdict) -> Table:
    table = Table(show_header=False, title="The control: a naive sender" if verdict.trial.control else None)
    left = verdict.left
    open_ = left.waiting + left.ready + left.in_doubt + left.unread
    rows: list[tuple[str, int, bool | None]] = [
        ("clients to write to", verdict.trial.contacts, None),
        ("processes killed with kill -9", verdict.kills, None),
        *((f"messages taken: {channel}", count, None) for channel, count in sorted(verdict.taken.items())),
        ("refused by the guards", verdict.refused, None),
        ("failed, with a reason", verdict.failed, None),
        ("expired", verdict.expired, None),
        ("in doubt for a while", verdict.unknown, None),
        ("  settled", verdict.resolved, verdict.resolved == verdict.unknown),
        ("  sent again: the carrier never had them", verdict.resent, None),
        ("  left unknown in the open: no carrier can tell", verdict.never_known, None),
        ("webhooks that never came, found in the carrier's records", verdict.gaps, None),
        ("  that the store can make nothing of", verdict.unmended, not verdict.unmended),
        ("  that are not mended", left.untold, not left.untold),
        ("lost", verdict.lost, not verdict.lost),
        ("doubled", verdict.duplicated, not verdict.duplicated),
        ("taken, and denied by the store", verdict.denied, not verdict.denied),
        ("claimed after STOP", verdict.after_stop, not verdict.after_stop),
        ("claimed after payment", verdict.after_payment, not verdict.after_payment),
        ("attempts deleted or rewritten", verdict.rewritten, not verdict.rewritten),
        ("left undone", open_, not open_),
        ("processes that fell by themselves", verdict.fallen, None),
    ]
    for what, count, holds in rows:
        table.add_row(what, f"{count:,}", "" if holds is None else "ok" if holds else "WRONG")
    return table
