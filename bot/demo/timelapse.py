"""Six weeks of collection in seconds: from one moment at which something is due to the next, until nothing is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import text

from bot.clock import SimulatedClock
from bot.demo.services import ServiceSystem
from bot.demo.subscribers import Subscribers
from bot.resolver import in_doubt, resolve_unknown
from bot.sandbox import Sandbox
from bot.ticks import day_tick
from engine.calendar import at_local
from engine.store.leases import free_leases

DUE = text("""
select (select min(send_from) from contacts where state = 'planned'),
       (select min(send_from) from outbound where state = 'ready')
""")

LOOK_SECONDS = 0.2


class Timelapse:
    """One play of simulated weeks. `reached` is told each moment that has been dealt with to the end."""

    def __init__(
        self,
        sandbox: Sandbox,
        clock: SimulatedClock,
        subscribers: Subscribers,
        services: ServiceSystem,
        zones: Sequence[ZoneInfo],
        reached: Callable[[datetime], None],
    ) -> None:
        self._sandbox, self._clock, self._subscribers, self._services = sandbox, clock, subscribers, services
        self._zones, self._reached = zones, reached

    async def play(self, until: datetime) -> None:
        """Play up to `until`. What an earlier, killed run left in doubt is settled first."""
        await self._settle_doubts()
        while True:
            await self._moment()
            self._reached(self._clock())
            following = await self._next()
            if following > until:
                break
            self._clock.advance(following)
        self._clock.advance(until)

    async def _moment(self) -> None:
        now = self._clock()
        # days pass in less than a lease here, and none may go by undecided
        while not await day_tick(self._sandbox.wired.app, now):  # noqa: ASYNC110 - no event tells of a lease's end
            await asyncio.sleep(LOOK_SECONDS)
        await self._services.batch(now)
        await self._sandbox.settle()
        self._subscribers.look()
        while await self._subscribers.act(now) or await self._sandbox.carriers.calls.let_go():
            await self._sandbox.settle()
            self._subscribers.look()

    async def _next(self) -> datetime:
        """The next moment at which anything is due: a day begins, the engine decides, hours open, somebody acts."""
        now, app = self._clock(), self._sandbox.wired.app
        moments = [at_local(_day_after(now, zone), time(), zone) for zone in self._zones]
        deployment = ZoneInfo(app.timezone)
        moments += [
            at_local(now.astimezone(deployment).date() + timedelta(days=n), app.decide_at, deployment) for n in (0, 1)
        ]
        async with app.database.read() as session:
            due = (await session.execute(DUE)).one()
        moments += [moment or now for moment in due]
        acting = self._subscribers.next_at()
        return min(moment for moment in (*moments, acting or now) if moment > now)

    async def _settle_doubts(self) -> None:
        app = self._sandbox.wired.app
        await free_leases(app.database)
        await self._sandbox.carriers.settle()
        while await in_doubt(app):
            if not await resolve_unknown(app, self._clock()):
                await asyncio.sleep(LOOK_SECONDS)
            await self._sandbox.carriers.settle()


def _day_after(now: datetime, zone: ZoneInfo) -> date:
    return now.astimezone(zone).date() + timedelta(days=1)
