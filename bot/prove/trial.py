"""What a proof is asked, and the ground it is held on: one world for all its processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.clock import Clock, real_clock

START = datetime(2026, 3, 11, 6, 30, tzinfo=UTC)
"""When the trial's day begins, half past eight in Bucharest: before its midnight there are 15 hours of its time."""
SPEED = 60.0
"""So many seconds of the trial's time pass in one: a carrier's wishes, a sender's pauses and the hours are in it."""
QUARANTINE_SECONDS = 1.5
"""More than a late carrier is late. Quarantines, leases and times between two look-ups are real seconds."""
DOUBT_SECONDS = 0.5
"""So often a sender looks after what is in doubt."""
WITHHELD = 10
"""Of a hundred webhooks of the SMS carrier so many never come: only its records tell of them."""
LOOK_SECONDS = 1.0
"""So often the office asks whether it is time to look through them."""
IN_FLIGHT = 8
"""Sends under way at once, on each channel of each sender."""
SENDERS = ("sender 1", "sender 2")
OFFICE = "office"

Watch = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What to prove. `control` is the same on a sender that sends, then writes, and sends again on an error."""

    seed: int = 1
    kills: int = 200
    contacts: int = 20_000
    control: bool = False


@dataclass(frozen=True, slots=True)
class Ground:
    """What every process of a trial knows. `begun` is when its clock stood at START; journals are below `folder`."""

    trial: Trial
    url: str
    folder: Path
    begun: datetime
    settings: Mapping[str, Any]

    def clock(self, jump: timedelta = timedelta()) -> Clock:
        """The trial's clock, the same in every process but for those whose clock has jumped."""
        return lambda: START + (real_clock() - self.begun) * SPEED + jump

    def journal(self, carrier: str) -> Path:
        """The file in which a carrier keeps what it took."""
        return self.folder / f"{carrier}.jsonl"
