"""Where a talk stands: enough to go on after a restart, on the version of the script it began with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from dialogs.message import Schedule
from engine.money import Money

SCHEMA = 1

Slot = date | Money | int | str | Schedule


class UnknownSchema(ValueError):
    """The state of a talk was stored by a newer version of the program; upgrade the program to go on with it."""


@dataclass(frozen=True, slots=True)
class State:
    """One talk at rest. `asked` is the step whose answer is awaited; `offered` the ids of the options last offered, in
    order; `filled` the step that took the last value, for corrections; `at` the moment of the last turn, aware UTC.
    `identified` says whether the debt may be spoken of: from the start on channels that reach the client alone.
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
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> State:
        """The inverse of `to_json`. Raises UnknownSchema."""
        if data.get("schema") != SCHEMA:
            raise UnknownSchema(f"a talk was stored with schema {data.get('schema')}, this program reads {SCHEMA}")
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
            identified=data.get("identified", True),
        )


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
