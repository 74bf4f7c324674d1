"""Scenario files: a plan, some people, what happens, what must follow. Parsed whole before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.simulate.events import read_event
from bot.simulate.expectation import Expectation, read_expectation
from bot.simulate.happening import Event
from bot.simulate.people import Person, read_people, zone_of
from bot.simulate.references import References, over_already
from dialogs.script import load_scripts
from engine.calendar import zone
from engine.document import DocumentError, Node, read
from engine.money import is_currency
from engine.plan import Plan
from engine.store.plans import read_plans, unknown_scripts

TOP = ("scenario", "start", "end", "timezone", "currency", "groups", "plans", "clients", "expect")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole scenario. Days and times are local to the clients."""

    name: str
    file: str
    start: date
    end: date
    timezone: str
    currency: str
    groups: tuple[str, ...]
    plans: tuple[tuple[Plan, Node], ...]
    people: tuple[Person, ...]
    events: tuple[Event, ...]
    expectations: tuple[Expectation, ...]


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file. Raises DocumentError with file, line and what is wrong."""
    root = read(path)
    keys = root.mapping(TOP, ("about", "events", "rules"))
    currency = keys["currency"].text()
    if not is_currency(currency):
        raise keys["currency"].wrong(f"'{currency}' is not the code of a currency, such as RON")
    if "rules" in keys and keys["rules"].items():
        raise keys["rules"].wrong("rule packs are not supported yet; write rules: []")
    timezone = zone_of(keys["timezone"])
    start, end = keys["start"].day(), keys["end"].day()
    if end < start:
        raise keys["end"].wrong(f"the end is before the start: write {start} or a later day")
    groups = keys["groups"].texts()
    plans = tuple(read_plans(root, currency))
    for unknown in unknown_scripts(plans, load_scripts()):
        raise unknown
    people = read_people(keys["clients"].items(), groups, plans, timezone, currency)
    scenario = Scenario(
        name=keys["scenario"].text(),
        file=str(path),
        start=start,
        end=end,
        timezone=timezone,
        currency=currency,
        groups=groups,
        plans=plans,
        people=people,
        events=tuple(_events(keys, people, currency)),
        expectations=_expectations(keys["expect"], people, currency),
    )
    _check(scenario)
    return scenario


def _events(keys: dict[str, Node], people: tuple[Person, ...], currency: str) -> list[Event]:
    zones = {person.client: zone(person.timezone) for person in people}
    nodes = keys["events"].items() if "events" in keys else []
    events = [read_event(node, zones.keys(), currency) for node in nodes]
    return sorted(events, key=lambda event: _instant(event, zones[event.client]))


def _instant(event: Event, tz: ZoneInfo) -> datetime:
    """When an event happens. A local time the clocks go over, as they are put forward, never comes."""
    at = event.at.replace(tzinfo=tz).astimezone(UTC)
    comes = at.astimezone(tz).replace(tzinfo=None)
    if comes != event.at:
        said = f"in {tz.key} the clocks are put forward over {event.at.isoformat(timespec='minutes')}"
        raise event.node.wrong(f"{said}: write another time, such as {comes.isoformat(timespec='minutes')}")
    return at


def _expectations(node: Node, people: tuple[Person, ...], currency: str) -> tuple[Expectation, ...]:
    names = {person.client for person in people}
    return tuple(read_expectation(one, names, currency) for one in node.items())


def _check(scenario: Scenario) -> None:
    """Everything named must be there, and nothing may lie outside the days that are played."""
    references = References(scenario.people, [plan for plan, _ in scenario.plans])
    for event in scenario.events:
        day = event.at.date()
        if problem := _outside(scenario, day, day) or over_already(event) or references.follow(event):
            raise event.node.wrong(problem)
    for expected in scenario.expectations:
        if problem := _outside(scenario, expected.first, expected.last) or references.wanted(expected):
            raise DocumentError(scenario.file, expected.line, problem)


def _outside(scenario: Scenario, first: date, last: date) -> str:
    day = first if first < scenario.start else last
    if scenario.start <= day <= scenario.end:
        return ""
    return f"{day} is not among the days that are played, {scenario.start} to {scenario.end}"
