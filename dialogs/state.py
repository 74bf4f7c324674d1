"""Where a talk stands: enough to go on after a restart, on the version of the script it began with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from dialogs.message import Schedule
from engine.money import Money

SCHEMA = 3

Slot = date | Money | int | str | Schedule


class UnknownSchema(ValueError):
    """The state of a talk was stored by a newer version of the program; upgrade the program to go on with it."""


@dataclass(frozen=True, slots=True)
class State:
    """One talk at rest. `asked` is the step whose answer is awaited; `offered` the ids of the options last offered, in
    order; `filled` the step that took the last value, for corrections; `at` the moment of the last turn, aware UTC.
    `identified` says whether the debt may be spoken of: from the start on channels that reach the client alone. `rungs`
    is how many rungs of the question's silence ladder are done; `stack` the steps to come back to, the next one last.
    `booked` is the promise made last about the present matter, and `corrects` says that it is being named anew.
    """

    script: str
    version: str
    language: str
    at: datetime
    asked: str = ""
    filled: str = ""
    slots: Mapping[str, Slot] = field(default_factory=dict)
    offered: tuple[str, ...] = ()
    misses: int = 0
    turn: int = 0
    done: bool = False
    identified: bool = True
    rungs: int = 0
    stack: tuple[str, ...] = ()
    booked: tuple[Money, date] | None = None
    corrects: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain values only, fit for a jsonb column."""
        return {
            "schema": SCHEMA,
            "script": self.script,
            "version": self.version,
            "language": self.language,
            "at": self.at.isoformat(),
            "asked": self.asked,
            "filled": self.filled,
            "slots": {name: packed(value) for name, value in self.slots.items()},
            "offered": list(self.offered),
            "misses": self.misses,
            "turn": self.turn,
            "done": self.done,
            "identified": self.identified,
            "rungs": self.rungs,
            "stack": list(self.stack),
            "booked": self.booked and [packed(part) for part in self.booked],
            "corrects": self.corrects,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> State:
        """The inverse of `to_json`, for states of older schemas as well. Raises UnknownSchema."""
        schema = data.get("schema")
        if not isinstance(schema, int) or not 1 <= schema <= SCHEMA:
            raise UnknownSchema(f"a talk was stored with schema {schema}, this program reads {SCHEMA}")
        for older in range(schema, SCHEMA):
            data = UPGRADES[older](data)
        return cls(
            script=data["script"],
            version=data["version"],
            language=data["language"],
            at=datetime.fromisoformat(data["at"]),
            asked=data["asked"],
            filled=data["filled"],
            slots={name: unpacked(value) for name, value in data["slots"].items()},
            offered=tuple(data["offered"]),
            misses=data["misses"],
            turn=data["turn"],
            done=data["done"],
            identified=data["identified"],
            rungs=data["rungs"],
            stack=tuple(data["stack"]),
            booked=_booked(data["booked"]),
            corrects=data["corrects"],
        )


def _from_1(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Schema 1 knew no calls and no ladders, and for a while no identity step."""
    return {"identified": True, "rungs": 0, "stack": [], "corrects": False, **data, "schema": 2}


def _from_2(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Schema 2 did not know what was booked, so there is nothing to correct."""
    return {**data, "booked": None, "corrects": False, "schema": 3}


UPGRADES: Mapping[int, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {1: _from_1, 2: _from_2}
"""By the schema they start from."""


def _booked(data: Any) -> tuple[Money, date] | None:
    match data and tuple(map(unpacked, data)):
        case Money() as amount, date() as until:
            return amount, until
    return None


def packed(value: Slot) -> dict[str, Any]:
    """A typed value as JSON keeps it."""
    if isinstance(value, Money):
        return {"money": value.minor, "currency": value.currency}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, tuple):
        return {"schedule": [[day.isoformat(), part.minor, part.currency] for day, part in value]}
    return {"count": value} if isinstance(value, int) else {"text": value}


def unpacked(data: Mapping[str, Any]) -> Slot:
    """The inverse of `packed`."""
    if "money" in data:
        return Money(data["money"], data["currency"])
    if "date" in data:
        return date.fromisoformat(data["date"])
    if "schedule" in data:
        return tuple((date.fromisoformat(day), Money(minor, currency)) for day, minor, currency in data["schedule"])
    value: int | str = data["count"] if "count" in data else data["text"]
    return value
