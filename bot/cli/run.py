"""`amiable run`: everything in one process."""

from __future__ import annotations

import typer

from bot.clock import real_clock
from bot.loop import run
from bot.port import bind
from bot.settings import Settings, address, load_settings
from bot.store import case_store


def run_all() -> None:
    """Run the whole application with the settings of the environment: web, mailbox, engine and sender."""
    settings = load_settings(Settings)
    with case_store(settings, typer.echo) as url:
        run(_run(settings, url))


async def _run(settings: Settings, url: str) -> None:
    # Carriers' SDKs take seconds to load: only what talks to carriers waits for them.
    from bot.running import until_stopped  # noqa: PLC0415
    from bot.server import serving  # noqa: PLC0415
    from bot.wiring import wire  # noqa: PLC0415

    listening = bind(*address(settings.listen))
    wired = wire(settings, url, real_clock, settings.hours)
    try:
        async with serving(wired, listening, address(settings.mail_listen), settings.mail_domain):
            typer.echo(f"Amiable is running at {settings.public_url} (Ctrl+C stops it).")
            await until_stopped(wired.app)
    finally:
        await wired.close()
