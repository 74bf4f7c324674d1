"""What the running application is made of. Built in `bot.wiring`, handed to whoever does a part of the work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time

from bot.clock import Clock
from channels.port import Channel
from channels.twiml import Manner
from dialogs.catalog import Catalog
from dialogs.script import Script
from engine.calendar import Hours
from engine.contact import ChannelKind
from engine.store.session import Database

SHORTEST_LEASE = 5.0


@dataclass(frozen=True, slots=True)
class Application:
    """The store, the clock, the talk's material, and one adapter per channel that is switched on.

    `manner` is how calls are held; `callback` the number an answering machine is given.
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

    manner: Manner = field(default_factory=Manner)
    callback: str = ""
