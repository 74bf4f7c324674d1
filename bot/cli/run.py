"""`amiable run`: everything in one process; `web`, `sender` and `clock`: one role of a deployment of many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from bot.clock import real_clock
from bot.loop import run
from bot.port import bind
from bot.settings import Settings, address, load_settings
from bot.store import case_store

if TYPE_CHECKING:
    from bot.running import Part


def run_all() -> None:
    """Run the whole application with the settings of the environment: web, mailbox, engine and sender."""
    settings = load_settings(Settings)
    with case_store(settings, typer.echo) as url:
        run(_serve(settings, url, *_parts()))


def run_web() -> None:
    """Serve the web application and the mailbox, and handle what comes in. Run as many as wanted."""
    settings = load_settings(Settings)
    with case_store(settings, typer.echo) as url:
        run(_serve(settings, url, *_parts("inbox")))


def run_sender() -> None:
    """Send what is queued and settle what is in doubt. Run as many as wanted."""
    _work("sender")


def run_clock() -> None:
    """Turn the days, decide, and open the contacts that are due. One is enough; more do no harm."""
    _work("clock")


def _work(part: str) -> None:
    settings = load_settings(Settings)
    with case_store(settings, typer.echo) as url:
        run(_working(settings, url, *_parts(part)))


def _parts(*names: str) -> tuple[Part, ...]:
    from bot.running import Part  # noqa: PLC0415 carriers' SDKs take seconds to load

    return tuple(Part(name) for name in names) or tuple(Part)


async def _serve(settings: Settings, url: str, *parts: Part) -> None:
    from bot.running import until_stopped  # noqa: PLC0415 carriers' SDKs take seconds to load
    from bot.server import serving  # noqa: PLC0415 carriers' SDKs take seconds to load
    from bot.wiring import wire  # noqa: PLC0415 carriers' SDKs take seconds to load

    listening = bind(*address(settings.listen))
    wired = wire(settings, url, real_clock, settings.hours)
    try:
        async with serving(wired, listening, address(settings.mail_listen), settings.mail_domain):
            typer.echo(f"Amiable is running at {settings.public_url} (Ctrl+C stops it).")
            await until_stopped(wired.app, parts)
    finally:
        await wired.close()


async def _working(settings: Settings, url: str, *parts: Part) -> None:
    from bot.running import until_stopped  # noqa: PLC0415 carriers' SDKs take seconds to load
    from bot.wiring import wire  # noqa: PLC0415 carriers' SDKs take seconds to load

    wired = wire(settings, url, real_clock, settings.hours)
    try:
        typer.echo(f"Amiable's {', '.join(parts)} is at work (Ctrl+C stops it).")
        await until_stopped(wired.app, parts)
    finally:
        await wired.close()
