"""`amiable why CLIENT`: what was decided about a client on a day, and on what grounds."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated

import typer

from bot.answer import as_json, as_text
from bot.cli.days import BadDay, read_day
from bot.clock import real_clock
from bot.loop import run
from bot.settings import StoreSettings, load_settings
from bot.store import case_store
from engine.explaining.why import NotYet, UnknownClient, Why
from engine.explaining.why import why as ask
from engine.store.session import Database

BAD_INPUT = 2


def why(
    client: Annotated[str, typer.Argument(help="The client, by the reference of the billing system.")],
    day: Annotated[str, typer.Option("--date", help="A day of the client's, as 2025-08-01; left out: today.")] = "",
    as_one_object: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Say why a client was contacted on a day, or why nobody was: debts, terms, contacts, and what people did."""
    try:
        asked = read_day(day)
        with case_store(load_settings(StoreSettings)) as url:
            answer = run(_ask(url, client, asked))
    except (BadDay, UnknownClient, NotYet) as error:
        typer.echo(f"amiable: {error}", err=True)
        raise typer.Exit(BAD_INPUT) from error
    if as_one_object:
        typer.echo(json.dumps(as_json(answer), ensure_ascii=False))
        return
    for line in as_text(answer):
        typer.echo(line)


async def _ask(url: str, client: str, day: date | None) -> Why:
    database = Database(url)
    try:
        async with database.read() as session:
            return await ask(session, client, day, real_clock())
    finally:
        await database.close()
