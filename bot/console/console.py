"""The console's parts, put together once and handed to its routes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.application import Application
from bot.console.assets import Assets
from bot.console.guard import Guard
from bot.console.live import Live
from bot.console.pages import Pages, pages_of
from bot.console.passwords import Passwords
from bot.console.patience import Patience
from engine.overview import Portfolio, portfolio

FRESH = timedelta(seconds=20)


class PortfolioBoard:
    """The portfolio's sums, counted again when they are older than a moment: they are a walk over every debt."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._last: Portfolio | None = None
        self._one_at_a_time = asyncio.Lock()

    async def latest(self) -> Portfolio:
        """The sums, at most twenty seconds old."""
        async with self._one_at_a_time:
            now = self._app.clock()
            if self._last is None or now - self._last.at > FRESH:
                async with self._app.database.read() as session:
                    self._last = await portfolio(session, now)
            return self._last


@dataclass(frozen=True, slots=True)
class Console:
    """What the routes of the console work with."""

    app: Application
    assets: Assets
    pages: Pages
    guard: Guard
    live: Live
    board: PortfolioBoard
    passwords: Passwords = field(default_factory=Passwords)
    patience: Patience = field(default_factory=Patience)

    @property
    def zone(self) -> ZoneInfo:
        """The deployment's time zone: the console's clock shows it."""
        return ZoneInfo(self.app.timezone)


def console_of(app: Application, *, phones: bool) -> Console:
    """The console of a running application."""
    assets = Assets()
    return Console(
        app=app,
        assets=assets,
        pages=pages_of(app, assets, phones=phones),
        guard=Guard(app),
        live=Live(app.database),
        board=PortfolioBoard(app),
    )
