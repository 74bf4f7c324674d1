"""Setting the demo's stage: a data directory with the sample portfolio, and the clock where an earlier run left it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from bot.clock import Clock, SimulatedClock
from bot.demo.subscribers import Subscriber, Subscribers
from bot.demo.telephones import arrange
from bot.phones.routes import phones_routes
from bot.sandbox import Sandbox, sandbox
from engine.calendar import SendWindow, at_local
from engine.contact import ChannelKind
from engine.document import read
from engine.intake.importing import import_file
from engine.intake.rows import Kind
from engine.sample import portfolio as sample
from engine.store.plans import publish_plans, read_plans
from engine.store.session import Database
from engine.store.tables.portfolio import Account, Address, Client

ZONE = "Europe/Bucharest"
HOURS = SendWindow(time(9), time(20))
SEED = 1
WEEKS = 6
PLAN_CURRENCY = "EUR"
QUARANTINE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the demo is: its first day, the simulated moment reached, and whether the portfolio is loaded."""

    first_day: date
    clients: int
    now: datetime
    loaded: bool

    @property
    def ends_at(self) -> datetime:
        """The moment at which the time-lapse is over."""
        return at_local(self.first_day + timedelta(weeks=WEEKS), time(), ZoneInfo(ZONE))

    @property
    def over(self) -> bool:
        """Whether everything has been played."""
        return self.now >= self.ends_at


class Stage:
    """The demo's files in a data directory. What is written here survives a kill: whole or not at all."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "demo"
        self._file = self.directory / "progress.json"

    def progress(self) -> Progress | None:
        """Where an earlier run stopped; None if there was none."""
        if not self._file.exists():
            return None
        stored = json.loads(self._file.read_text())
        return Progress(
            date.fromisoformat(stored["first_day"]),
            stored["clients"],
            datetime.fromisoformat(stored["now"]),
            stored["loaded"],
        )

    def keep(self, progress: Progress) -> None:
        """Write where the demo is, in one step of the file system."""
        self.directory.mkdir(parents=True, exist_ok=True)
        content = {
            "first_day": progress.first_day.isoformat(),
            "clients": progress.clients,
            "now": progress.now.isoformat(),
            "loaded": progress.loaded,
        }
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(content))
        fresh.replace(self._file)

    def clear(self) -> None:
        """Forget everything of an earlier demo."""
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def deeds(self) -> Path:
        """The file of what the subscribers have done."""
        return self.directory / "deeds.txt"


def begin(today: date, clients: int) -> Progress:
    """The start of a demo whose six weeks end today."""
    first_day = today - timedelta(weeks=WEEKS)
    return Progress(first_day, clients, at_local(first_day, time(), ZoneInfo(ZONE)).astimezone(UTC), loaded=False)


async def load_portfolio(database: Database, progress: Progress) -> None:
    """Publish the sample plans and import the sample portfolio, as files. Doing it again changes nothing."""
    plans = read(sample.PLANS)
    async with database.write() as session:
        groups = plans.mapping(("groups", "plans"))["groups"].texts()
        await publish_plans(session, groups, read_plans(plans, PLAN_CURRENCY))
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        sample.write_csv(sample.portfolio(SEED, progress.clients, progress.first_day), folder)
        for kind in Kind:
            await import_file(database, kind, folder / f"{kind}.csv", progress.now, HOURS)


@asynccontextmanager
async def on_stage(
    database_url: str, clock: Clock, stage: Stage, port: int, *, phones: bool = False
) -> AsyncIterator[Sandbox]:
    """The demo's application and carriers, running; with `phones` a visitor holds the subscribers' phones."""
    stage.directory.mkdir(parents=True, exist_ok=True)
    async with sandbox(
        database_url,
        clock,
        HOURS,
        timezone=ZONE,
        journals=stage.directory,
        port=port,
        quarantine_seconds=QUARANTINE_SECONDS,
        phones=phones_routes if phones else None,
    ) as running:
        yield running


async def subscribers(running: Sandbox, stage: Stage) -> tuple[Subscribers, list[ZoneInfo]]:
    """The people of the portfolio, their telephones arranged, and the time zones they live in."""
    by_address: dict[tuple[ChannelKind, str], Subscriber] = {}
    async with running.wired.app.database.read() as session:
        rows = await session.execute(select(Client, Address).join(Address, Address.client_id == Client.id))
        for client, address in rows:
            who = Subscriber(client.id, client.ref, client.language, ZoneInfo(client.timezone))
            by_address[ChannelKind(address.channel), address.sealed] = who
        called = (
            select(Client.ref, Client.language, Address.sealed, func.min(Account.ref))
            .join(Address, Address.client_id == Client.id)
            .join(Account, Account.client_id == Client.id)
            .where(Address.channel == ChannelKind.VOICE)
            .group_by(Client.ref, Client.language, Address.sealed)
        )
        for ref, language, number, account in await session.execute(called):
            arrange(running.carriers.calls, SEED, ref, language, str(number), account)
        zones = [ZoneInfo(name) for name in await session.scalars(select(Client.timezone).distinct())]
    return Subscribers(running, by_address, SEED, stage.deeds), zones


def simulated(progress: Progress) -> SimulatedClock:
    """A clock that stands where the demo stopped."""
    return SimulatedClock(progress.now)
