"""Playing a scenario: step from instant to instant, let the application work until it is quiet, look, go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

from bot.clock import SimulatedClock
from bot.sandbox import Sandbox, sandbox
from bot.simulate.expectation import NOTHING, Expectation
from bot.simulate.happening import Event
from bot.simulate.observation import (
    Deed,
    Snapshot,
    contacts_sent,
    look_at,
    orders_given,
    tasks_made,
    texts_received,
)
from bot.simulate.scenario import Scenario
from bot.simulate.timeline import Line, timeline
from bot.simulate.world import World
from bot.ticks import day_tick
from engine.calendar import AnyHour, at_local

DECIDES_AT = time(8)
STATES = ("case", "stage", "cycle", "real_debt", "conditional_debt", "days_past_due", "promise", "amount", "until")
ALSO_STATES = ("installment_request", "escalated", "opted_out", "language")
MOMENT = timedelta(microseconds=1)


class Rank(IntEnum):
    """Order within one instant: a day ends, then the engine decides, then the world acts."""

    MIDNIGHT = 0
    DECISION = 1
    EVENT = 2


@dataclass(frozen=True, slots=True)
class Step:
    """One instant of a scenario. At a midnight `ended` is the day that is over in `zone`."""

    at: datetime
    rank: Rank
    zone: str = ""
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
    zone = ZoneInfo(scenario.timezone)
    clock = SimulatedClock(at_local(scenario.start, time(), zone))
    async with sandbox(database_url, clock, AnyHour(), timezone=scenario.timezone, decide_at=DECIDES_AT) as running:
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
                await self._look(step.zone, step.ended, step.at - MOMENT)
            self._clock.advance(step.at)
            if step.event is not None:
                await self._world.happen(step.event, step.at)
            else:
                await day_tick(self._sandbox.wired.app, step.at)
            await self._sandbox.settle()
        lines = await timeline(self._sandbox.wired.app.database, self._zones, self._world.clients)
        return Played(self._scenario.name, lines, await self._failures())

    def _steps(self) -> Iterator[Step]:
        scenario = self._scenario
        days = [scenario.start + timedelta(days=n) for n in range((scenario.end - scenario.start).days + 1)]
        for day in days:
            for name in sorted({zone.key for zone in self._zones.values()}):
                midnight = at_local(day + timedelta(days=1), time(), ZoneInfo(name))
                yield Step(midnight, Rank.MIDNIGHT, name, day)
            yield Step(at_local(day, DECIDES_AT, ZoneInfo(scenario.timezone)), Rank.DECISION)
        for event in scenario.events:
            yield Step(event.at.replace(tzinfo=self._zones[event.client]).astimezone(UTC), Rank.EVENT, event=event)

    async def _look(self, zone: str, day: date, now: datetime) -> None:
        wanted = {one.client for one in self._scenario.expectations if one.last == day}
        for client in sorted(wanted):
            if self._zones[client].key == zone:
                self._snapshots[client, day] = await look_at(
                    self._sandbox.wired.app.database, self._world.clients[client], self._scenario.currency, now
                )

    async def _failures(self) -> list[str]:
        failures = []
        for expectation in self._scenario.expectations:
            wrong = await self._check(expectation)
            failures += [f"{self._scenario.file}:{expectation.line}: {expectation}: {reason}" for reason in wrong]
        return failures

    async def _check(self, expected: Expectation) -> list[str]:
        wrong = []
        snapshot = self._snapshots.get((expected.client, expected.last))
        for key in (*STATES, *ALSO_STATES):
            if key in expected.wants:
                found = snapshot.values.get(key, frozenset()) if snapshot else frozenset()
                if expected.wants[key] not in found:
                    wrong.append(f"{key} is {', '.join(sorted(found)) or 'not there'}")
        return wrong + await self._check_deeds(expected)

    async def _check_deeds(self, expected: Expectation) -> list[str]:
        database, client = self._sandbox.wired.app.database, self._world.clients[expected.client]
        zone, wants = self._zones[expected.client], expected.wants
        wrong = []
        if "sent" in wants:
            sent = await contacts_sent(database, client, zone)
            wrong += _compare(expected, sent, wants["sent"], wants.get("script"))
        if "did" in wants:
            wrong += _compare(expected, await orders_given(database, client, zone), wants["did"], wants.get("account"))
        if "task" in wants:
            wrong += _compare(expected, await tasks_made(database, client, zone), wants["task"], None)
        if "received" in wants:
            person = next(one for one in self._scenario.people if one.client == expected.client)
            texts = texts_received(self._sandbox.carriers, person, zone)
            wrong += _compare_texts(expected, texts, wants["received"], wants.get("by"))
        return wrong


def _within(expected: Expectation, deeds: list[Deed]) -> list[Deed]:
    return [deed for deed in deeds if expected.first <= deed.day <= expected.last]


def _compare(expected: Expectation, deeds: list[Deed], what: str, detail: str | None) -> list[str]:
    found = _within(expected, deeds)
    told = "; ".join(f"{deed.day} {deed.what} {deed.detail}" for deed in found) or NOTHING
    if what == NOTHING:
        return [f"there was {told}"] if found else []
    if any(deed.what == what and detail in (None, deed.detail) for deed in found):
        return []
    return [f"there was {told}"]


def _compare_texts(expected: Expectation, deeds: list[Deed], text: str, channel: str | None) -> list[str]:
    found = [deed for deed in _within(expected, deeds) if channel in (None, deed.detail)]
    if any(text in " ".join(deed.what.split()) or text in deed.what for deed in found):
        return []
    return ["received " + ("; ".join(repr(deed.what) for deed in found) or NOTHING)]
