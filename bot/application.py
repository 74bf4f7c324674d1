"""What the running application is made of. Built in `bot.wiring`, handed to whoever does a part of the work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path

from bot.clock import Clock
from bot.paypoints import PayPoints
from channels.port import Channel
from channels.twiml import Manner
from dialogs.catalog import Catalog
from dialogs.script import Script
from engine.calendar import Hours
from engine.contact import ChannelKind
from engine.store.session import Database

SHORTEST_LEASE = 5.0
INBOUND = "inbound"
"""The script for those who write first."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one channel is used: sends under way at once in a process, and sends a second of all processes.

    A rate of 0 is as fast as the carrier takes them.
    """

    in_flight: int = 100
    per_second: float = 0.0


USUAL = Pace()


@dataclass(frozen=True, slots=True)
class Application:
    """The store, the clock, the talk's material, and one adapter per channel that is switched on.

    `manner` is how calls are held; `callback` the number an answering machine is given. A message in doubt is asked
    about after `quarantine_seconds`, and once more `lookup_gap_seconds` later. `examples` is a folder of own replies,
    `pay_points` where bills can be paid in person.
    """

    database: Database
    clock: Clock
    hours: Hours
    scripts: Mapping[str, Script]
    catalogs: Mapping[str, Catalog]
    channels: Mapping[ChannelKind, Channel]
    languages: tuple[str, ...]
    creditor: str
    operator_hours: str
    public_url: str
    quarantine_seconds: float
    timezone: str
    decide_at: time

    @property
    def lease_seconds(self) -> float:
        """How long a sender holds what it has claimed, on the database's clock."""
        return max(self.quarantine_seconds, SHORTEST_LEASE)

    def script_of(self, name: str) -> Script:
        """The script of that name; where it was removed, talks go on with the one for those who write first."""
        return self.scripts.get(name) or self.scripts[INBOUND]

    def pace_of(self, channel: ChannelKind) -> Pace:
        """How fast a channel is used."""
        return self.paces.get(channel, USUAL)

    manner: Manner = field(default_factory=Manner)
    callback: str = ""
    lookup_gap_seconds: float = 300.0
    paces: Mapping[ChannelKind, Pace] = field(default_factory=dict)
    examples: Path | None = None
    pay_points: PayPoints = field(default_factory=dict)
