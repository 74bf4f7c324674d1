"""`amiable understand`: what the bot makes of replies, and why; how well, and what edited examples would change."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import track

from bot.cli.days import BadDay, read_day
from bot.clock import real_clock
from bot.settings import StoreSettings, load_settings
from bot.understood import as_json, as_text
from dialogs.reading.evaluation import changes, judged_by
from dialogs.reading.examples import BadExample, Example, laid_over, packaged
from dialogs.reading.model import model, model_of, use
from dialogs.reading.nearest import nearest
from dialogs.reading.reader import read
from dialogs.reading.reading import LANGUAGES, Asked, Intent
from dialogs.reading.scorecard import scorecard
from engine.calendar import local_day, zone

Item = TypeVar("Item")
BAD_INPUT, NOT_TRUE = 2, 1


class _AskedFor(StrEnum):
    DATE = "date"
    AMOUNT = "amount"
    CONFIRM = "confirm"


class BadTable(ValueError):
    """The table of replies cannot be read; the message names file, line, and what it should be."""


@dataclass(frozen=True, slots=True)
class _Reply:
    text: str
    language: str
    today: date


def understand(  # noqa: PLR0913, PLR0917 one option each
    texts: Annotated[list[str] | None, typer.Argument(help="Replies, as a subscriber would write them.")] = None,
    lang: Annotated[str, typer.Option(help="Language of the profile; left out: unknown.")] = "",
    today: Annotated[str, typer.Option(help="The subscriber's day, as 2026-03-11; left out: today.")] = "",
    asked: Annotated[_AskedFor | None, typer.Option(help="What the bot has just asked for.")] = None,
    as_lines: Annotated[bool, typer.Option("--json", help="One JSON object for each text on stdout.")] = False,
    tsv: Annotated[Path | None, typer.Option(help="A table with the column text, and perhaps lang and today.")] = None,
    near: Annotated[bool, typer.Option("--nearest", help="Show the example that is most alike.")] = False,
    evaluate: Annotated[
        Path | None, typer.Option(help="Score against a table with the columns lang, intent, text.")
    ] = None,
    compare: Annotated[
        Path | None, typer.Option(help="A folder of examples, laid over the packaged ones: which answers would change.")
    ] = None,
) -> None:
    """What the bot makes of a reply, and why."""
    settings = load_settings(StoreSettings)
    try:
        if settings.examples:
            use(model_of(laid_over(packaged(), packaged(settings.examples))))
        if evaluate is not None:
            typer.echo(scorecard(list(judged_by(_watched(_known(evaluate))))))
            return
        if compare is not None:
            _compare(compare)
            return
        day = read_day(today) or local_day(real_clock(), zone(settings.timezone))
        replies = [*_given(texts or (), lang, day), *(_rows(tsv, lang, day) if tsv else ())]
    except (BadDay, BadExample, BadTable) as error:
        raise _refused(str(error)) from error
    if not replies:
        raise _refused("name a text, or a table with --tsv FILE")
    for reply in _watched(replies) if tsv else replies:
        reading = read(reply.text, reply.language, reply.today, Asked(asked or ""))
        if as_lines:
            typer.echo(json.dumps(as_json(reading, settings.lei), ensure_ascii=False))
        else:
            typer.echo(as_text(reading, settings.lei, nearest(reading.text, model(), packaged()) if near else None))


def _refused(message: str) -> typer.Exit:
    typer.echo(f"amiable: {message}", err=True)
    return typer.Exit(BAD_INPUT)


def _given(texts: Iterable[str], lang: str, day: date) -> Iterator[_Reply]:
    for text in texts:
        yield _Reply(text, _language(lang, "--lang"), day)


def _rows(path: Path, lang: str, day: date) -> Iterator[_Reply]:
    """The replies of a table; what a row leaves empty is what the options say. Raises BadTable."""
    for number, row in _table(path, ("text",)):
        try:
            today = read_day(row.get("today") or "") or day
        except BadDay as error:
            raise BadTable(f"{path}:{number}: {error}") from error
        yield _Reply(row["text"] or "", _language(row.get("lang") or lang, f"{path}:{number}"), today)


def _known(path: Path) -> list[tuple[Example, str]]:
    """Replies whose meaning is known, with their style. Raises BadTable."""
    rows = []
    for number, row in _table(path, ("lang", "intent", "text")):
        try:
            example = Example(_language(row["lang"], f"{path}:{number}"), Intent(row["intent"]), row["text"])
        except ValueError as error:
            raise BadTable(f"{path}:{number}: {error}") from error
        rows.append((example, row.get("style") or ""))
    return rows


def _table(path: Path, wanted: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
            missing = [name for name in wanted if name not in (reader.fieldnames or ())]
            if missing:
                raise BadTable(f"{path}:1: the column {missing[0]} is missing; columns are set off by tabs")
            for row in reader:
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError) as error:
        raise BadTable(f"{path}: cannot be read as a table in UTF-8: {error}") from error


def _language(code: str, place: str) -> str:
    if code and code not in LANGUAGES:
        raise BadTable(f"{place}: '{code}' is no language of the product; write one of {', '.join(LANGUAGES)}")
    return code


def _compare(folder: Path) -> None:
    """Every known reply that examples laid over the packaged ones answer otherwise; ends with 1 where there is one."""
    edited = packaged(folder)
    if not edited:
        raise BadExample(
            f"{folder}: there are no examples; write them as {folder}/en.tsv, with columns intent and text"
        )
    wanted = laid_over(packaged(), edited)
    every = sorted({*packaged(), *wanted})
    found = list(changes(_watched(every), model(), model_of(wanted)))
    for change in found:
        typer.echo(change.line)
    typer.echo(f"{len(found):,} of {len(every):,} answers change.")
    if found:
        raise typer.Exit(NOT_TRUE)


def _watched(items: Sequence[Item]) -> Iterable[Item]:
    """A progress bar on a terminal; elsewhere nothing, for every reply has a line of its own."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return items
    return track(items, "understanding", console=console, transient=True)
