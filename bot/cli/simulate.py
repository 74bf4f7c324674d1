"""`amiable simulate`: play scenario files and check what they expect."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.loop import run
from bot.settings import StoreSettings, load_settings
from bot.simulate.scenario import Scenario, load_scenario
from bot.store import Scratch, scratch_stores
from engine.document import DocumentError

if TYPE_CHECKING:
    from bot.simulate.play import Played


def simulate(
    files: Annotated[list[Path], typer.Argument(help="Scenario files; tests/scenarios has examples.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per file on stdout.")] = False,
) -> None:
    """Play scenarios through simulated time with the real engine, dialogs and channels, and check what must follow."""
    settings = load_settings(StoreSettings)
    worst = 0
    with ExitStack() as server:
        scratch: Scratch | None = None
        for file in files:
            try:
                scenario = load_scenario(file)
                # A file that is wrong is told before a server is started.
                scratch = scratch or server.enter_context(scratch_stores(settings))
                played = _played(scenario, scratch)
            except DocumentError as error:
                _report_error(file, error, as_json=as_json)
                worst = 2
                continue
            _report(played, as_json=as_json)
            worst = max(worst, 0 if played.passed else 1)
    raise typer.Exit(worst)


def _played(scenario: Scenario, scratch: Scratch) -> Played:
    from bot.simulate.play import play  # noqa: PLC0415 carriers' SDKs take seconds to load; a wrong file is told before

    with scratch() as url:
        return run(play(scenario, url))


def _report(played: Played, *, as_json: bool) -> None:
    if as_json:
        lines = [asdict(line) for line in played.timeline]
        report = {"scenario": played.scenario, "passed": played.passed, "timeline": lines, "failures": played.failures}
        typer.echo(json.dumps(report, ensure_ascii=False))
        return
    for line in played.timeline:
        typer.echo(f"{line.at}  {line.client:<10} {line.what:<22} {' '.join(line.text.split())}")
    for failure in played.failures:
        typer.echo(f"FAILED {failure}", err=True)
    typer.echo(f"{played.scenario}: {'passed' if played.passed else f'{len(played.failures)} expectations failed'}")


def _report_error(file: Path, error: DocumentError, *, as_json: bool) -> None:
    typer.echo(f"amiable: {error}", err=True)
    if as_json:
        wrong = {"file": error.file, "line": error.line, "message": error.message}
        report = {"scenario": file.stem, "passed": False, "timeline": [], "failures": [], "error": wrong}
        typer.echo(json.dumps(report, ensure_ascii=False))
