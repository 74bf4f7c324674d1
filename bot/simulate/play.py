"""Playing a scenario: step from instant to instant, let the application work until it is quiet, look, go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

from bot.clock import SimulatedClock
from bot.sandbox import Sandbox, sandbox
from bot.simulate.happening import Event
from bot.simulate.observation import Snapshot, look_at
from bot.simulate.scenario import Scenario
from bot.simulate.timeline import Line, timeline
from bot.simulate.verdict import Judge
from bot.simulate.world import World
from bot.ticks import day_tick
from engine.calendar import AnyHour, at_local
from engine.contact import ChannelKind

DECIDES_AT = time(8)
MOMENT = timedelta(microseconds=1)


class Rank(IntEnum):
    """Order within one instant: a day ends, then the engine decides, then the world acts."""

    MIDNIGHT = 0
    DECISION = 1
    EVENT = 2


@dataclass(frozen=True, slots=True)
class Step:
    """One instant of a scenario. At a midnight `ended` is the day that is over in `zones`."""

    at: datetime
    rank: Rank
    zones: frozenset[str] = frozenset()
    ended: date | None = None
    event: Event | None = None


@dataclass(frozen=True, slots=True)
class Played:
    """How a scenario went."""

    scenario: str
    timeline: list[Line]
    failures: list[str]

    @property
    def passed(self) -> bool:
        """Whether every expectation held."""
        return not self.failures


async def play(scenario: Scenario, database_url: str) -> Played:
    """Run a scenario on an empty, migrated database, from its first midnight to its last."""
    clock = SimulatedClock(at_local(scenario.start, time(), ZoneInfo(scenario.timezone)))
    opened = sandbox(
        database_url,
        clock,
        AnyHour(),
        timezone=scenario.timezone,
        decide_at=DECIDES_AT,
        telegram=any(ChannelKind.TELEGRAM in person.addresses for person in scenario.people),
    )
    async with opened as running:
        return await Player(scenario, running, clock).play()


class Player:
    """One run of a scenario."""

    def __init__(self, scenario: Scenario, running: Sandbox, clock: SimulatedClock) -> None:
        self._scenario, self._sandbox, self._clock = scenario, running, clock
        self._world = World(scenario, running)
        self._zones = {person.client: ZoneInfo(person.timezone) for person in scenario.people}
        self._snapshots: dict[tuple[str, date], Snapshot] = {}

    async def play(self) -> Played:
        """Play every step, then check."""
        await self._world.people_arrive(self._clock())
        for step in sorted(self._steps(), key=lambda one: (one.at, one.rank)):
            if step.event is None and await self._world.telephones.time_moves_on():
                await self._sandbox.settle()
            if step.ended is not None:
                await self._look(step.zones, step.ended, step.at - MOMENT)
            self._clock.advance(step.at)
            if step.event is not None:
                await self._world.happen(step.event, step.at)
            else:
                await day_tick(self._sandbox.wired.app, step.at)
            await self._sandbox.settle()
        database, clients = self._sandbox.wired.app.database, self._world.clients
        judge = Judge(self._scenario, database, self._sandbox.carriers, clients, self._snapshots)
        lines = await timeline(database, self._zones, clients, self._scenario.currency)
        return Played(self._scenario.name, lines, await judge.failures())

    def _steps(self) -> Iterator[Step]:
        scenario = self._scenario
        days = [scenario.start + timedelta(days=n) for n in range((scenario.end - scenario.start).days + 1)]
        for day in days:
            midnights: dict[datetime, set[str]] = {}
            for zone in self._zones.values():
                midnights.setdefault(at_local(day + timedelta(days=1), time(), zone), set()).add(zone.key)
            for midnight, zones in midnights.items():
                yield Step(midnight, Rank.MIDNIGHT, frozenset(zones), day)
            yield Step(at_local(day, DECIDES_AT, ZoneInfo(scenario.timezone)), Rank.DECISION)
        for event in scenario.events:
            yield Step(event.at.replace(tzinfo=self._zones[event.client]).astimezone(UTC), Rank.EVENT, event=event)

    async def _look(self, zones: frozenset[str], day: date, now: datetime) -> None:
        wanted = {one.client for one in self._scenario.expectations if one.last == day and one.asks_how_they_stand}
        for person in self._scenario.people:
            if person.client in wanted and person.timezone in zones:
                self._snapshots[person.client, day] = await look_at(
                    self._sandbox.wired.app.database,
                    self._world.clients[person.client],
                    person.worked_by,
                    self._scenario.currency,
                    now,
                )
