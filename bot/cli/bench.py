"""`amiable bench`: the benchmarks. Each is a module of `bot.bench`; this names them and prints what they measure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, cast

import typer

from bot.bench.figures import Asked, Bench, Figures
from bot.bench.table import PLACE, tables
from bot.cli.progress import watched
from bot.loop import run
from bot.markdown import NoPlace, put
from bot.settings import StoreSettings, load_settings

NOT_TRUE, BAD_INPUT = 1, 2


@dataclass(frozen=True, slots=True)
class Entry:
    """A benchmark by the module whose `bench` it is, loaded only when it is asked for; `size` where none is given."""

    module: str
    size: int
    help: str


BENCHES = {
    "understand": Entry("bot.bench.understand", 2_000, "Reading SIZE replies, each by itself."),
    "turn": Entry("bot.bench.turn", 5_000, "SIZE turns of talks, each a reply of the golden talks."),
    "decide": Entry("bot.bench.decide", 10_000, "The decision run over SIZE generated clients."),
    "import": Entry("bot.bench.intake", 65_000, "The import of a file of about SIZE open items."),
    "dispatch": Entry("bot.bench.dispatch", 20_000, "Claiming and acknowledging SIZE messages of the queue."),
    "reply": Entry("bot.bench.reply", 1_000, "SIZE replies, 200 a second: from the inbox to the sender's claim."),
    "inbound": Entry("bot.bench.inbound", 5_000, "SIZE verified webhooks into durable rows."),
}

bench = typer.Typer(
    help="Benchmarks, each with its baseline measured in the same run.", no_args_is_help=True, rich_markup_mode=None
)


def _command(entry: Entry) -> Callable[[int, bool, bool], None]:
    def command(
        size: Annotated[int, typer.Option(min=1, help="How many clients, texts or rows.")] = entry.size,
        as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout, one object a line.")] = False,
        profile: Annotated[bool, typer.Option(help="Tell on stderr where the time goes.")] = False,
    ) -> None:
        settings = load_settings(StoreSettings)
        with watched() as watch:
            holds = run(_print(entry, Asked(settings, size, profile, watch), as_json=as_json))
        if not holds:
            raise typer.Exit(NOT_TRUE)

    return command


for name, entry in BENCHES.items():
    bench.command(name, help=entry.help)(_command(entry))


@bench.command()
def table(
    files: Annotated[list[Path], typer.Argument(help="What benchmarks printed with --json.", exists=True)],
    into: Annotated[Path | None, typer.Option(help="A page of Markdown that keeps figures.", exists=True)] = None,
) -> None:
    """Figures as tables in Markdown: printed, or put into a page instead of those it has."""
    try:
        figures = [json.loads(line) for file in files for line in file.read_text().splitlines()]
        page = put(into.read_text(), PLACE, tables(figures)) if into else ""
    except (NoPlace, json.JSONDecodeError, KeyError) as error:
        typer.echo(f"amiable: {error}", err=True)
        raise typer.Exit(BAD_INPUT) from error
    if into:
        into.write_text(page)
    else:
        typer.echo(tables(figures))


async def _print(entry: Entry, asked: Asked, *, as_json: bool) -> bool:
    """Print each figure when it is there; whether all that was checked holds."""
    measure, holds = cast("Bench", import_module(entry.module).bench), True
    async for figures in measure(asked):
        typer.echo(json.dumps(figures.as_json(), ensure_ascii=False) if as_json else _told(figures))
        holds &= figures.holds
    return holds


def _told(figures: Figures) -> str:
    said = figures.as_json()
    peak = f", peak {figures.peak_mb:.0f} MB" if figures.peak_mb is not None else ""
    line = (
        f"{figures.bench} {figures.size:,}: {figures.seconds:.3f} s, {figures.per_second:,.0f}/s, "
        f"{figures.ratio:.2f} x {figures.baseline.what} ({figures.baseline.seconds:.3f} s){peak}"
    )
    return "\n".join([line, *(f"  {key}: {said[key]}" for key in (*figures.more, "holds"))])
