"""Playing a scenario: step from instant to instant, let the application work until it is quiet, look, go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

from bot.clock import SimulatedClock
from bot.sandbox import Sandbox, sandbox
from bot.silences import next_silence
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
ONE_DAY = timedelta(days=1)


class Rank(IntEnum):
    """Order within one instant: a day ends, the people of the next arrive, the engine decides, the world acts."""

    MIDNIGHT = 0
    ARRIVAL = 1
    DECISION = 2
    EVENT = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One instant of a scenario. At a midnight `ended` is the day that is over in `zones`; in those people arrive."""

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
    zones = {person.timezone for person in scenario.people} or {scenario.timezone}
    clock = SimulatedClock(min(at_local(scenario.start, time(), ZoneInfo(zone)) for zone in zones))
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
        await self._world.plans_begin()
        for step in sorted(self._steps(), key=lambda one: (one.at, one.rank)):
            if step.event is None and await self._world.telephones.time_moves_on():
                await self._sandbox.settle()
            await self._silences(step.at)
            if step.ended is not None:
                await self._look(step.zones, step.ended, step.at - MOMENT)
            self._clock.advance(step.at)
            if step.rank is Rank.ARRIVAL:
                await self._world.people_arrive(step.zones, step.at)
            elif step.event is not None:
                await self._world.happen(step.event, step.at)
            else:
                await day_tick(self._sandbox.wired.app, step.at)
            await self._sandbox.settle()
        database, world = self._sandbox.wired.app.database, self._world
        judge = Judge(self._scenario, database, self._sandbox.carriers, world.clients, self._snapshots, world.plain)
        return Played(self._scenario.name, await self._lines(), await judge.failures())

    async def _silences(self, until: datetime) -> None:
        """Nobody answers: what follows does so at its own time."""
        while True:
            async with self._sandbox.wired.app.database.read() as session:
                due = await next_silence(session, until)
            if due is None:
                return
            self._clock.advance(due)
            await self._sandbox.settle()

    async def _lines(self) -> list[Line]:
        """The timeline in the names of the file. Those whose last day is over are still worked, which is not told."""
        database, world, over = self._sandbox.wired.app.database, self._world, self._scenario.end + ONE_DAY
        lines = await timeline(database, self._zones, world.clients, self._scenario.currency)
        return [replace(line, text=world.plain(line.client, line.text)) for line in lines if line.at < str(over)]

    def _steps(self) -> Iterator[Step]:
        scenario = self._scenario
        first, last = self._clock(), self._clock()
        for midnight, zones in self._midnights(scenario.start):
            yield Step(midnight, Rank.ARRIVAL, zones)
        for day in _days(scenario.start, scenario.end):
            for midnight, zones in self._midnights(day + ONE_DAY):
                yield Step(midnight, Rank.MIDNIGHT, zones, day)
                last = max(last, midnight)
        # Where clients live far from the scenario's zone, their first and last day lie in the days next to its own.
        for day in _days(scenario.start - ONE_DAY, scenario.end + ONE_DAY):
            decision = at_local(day, DECIDES_AT, ZoneInfo(scenario.timezone))
            if first <= decision < last:
                yield Step(decision, Rank.DECISION)
        for event in scenario.events:
            yield Step(event.at.replace(tzinfo=self._zones[event.client]).astimezone(UTC), Rank.EVENT, event=event)

    def _midnights(self, day: date) -> Iterator[tuple[datetime, frozenset[str]]]:
        """When the day begins, with the zones of clients in which it begins then."""
        midnights: dict[datetime, set[str]] = {}
        for zone in self._zones.values():
            midnights.setdefault(at_local(day, time(), zone), set()).add(zone.key)
        yield from ((midnight, frozenset(zones)) for midnight, zones in midnights.items())

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


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))
