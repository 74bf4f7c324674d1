"""`amiable demo`: weeks of collection in seconds on a sample portfolio, and then the running application."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.settings import StoreSettings, load_settings


def demo(
    once: Annotated[bool, typer.Option("--once", help="Stop after the time-lapse and print its summary.")] = False,
    clients: Annotated[int, typer.Option(min=1, max=20_000, help="How many subscribers.")] = 500,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the application listens.")] = 8080,
    data: Annotated[Path, typer.Option(help="Where the demo keeps its data.")] = Path(".amiable"),
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew, forgetting an earlier demo.")] = False,
) -> None:
    """Play six weeks of collection on sandbox carriers, then serve. A demo that was cut off goes on where it was."""
    load_settings(StoreSettings)  # the demo has a store and hours of its own, but wrong settings are told here too
    from bot.demo.show import show_demo  # noqa: PLC0415 carriers' SDKs take seconds to load

    show_demo(data, clients, once=once, port=port, fresh=fresh)
