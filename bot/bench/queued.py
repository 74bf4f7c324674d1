"""What the benchmarks of sending work on: a queue full of reminders, and a carrier that does nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg.types.json import Jsonb

from bot.application import Application, Pace
from bot.bench.address import plain
from bot.bench.stores import Stores
from bot.content import pack
from channels.layout import numbered
from channels.port import CANNOT_TELL, CannotTell, Capabilities, Draft, Envelope, Receipt, Sought
from dialogs.catalog import load_catalogs
from dialogs.facts import Facts
from dialogs.message import Speech
from dialogs.script import load_scripts
from dialogs.turn import Turn, start
from engine.calendar import AnyHour
from engine.contact import ChannelKind
from engine.document import parse
from engine.money import Money
from engine.store.plans import publish_plans, read_plans
from engine.store.session import Database

NOW = datetime(2026, 3, 13, 9, tzinfo=UTC)
UNTIL = NOW + timedelta(hours=10)
ROWS = Path(__file__).with_name("queue.sql")
PLAN = """
groups: [individuals]
plans:
  - plan: standard
    group: individuals
    standard: true
    start: {after_days: 5, min_debt: 50}
    stages:
      - stage: reminder
        actions: [{send: reminder, by: [sms]}]
"""


class IdleCarrier:
    """An SMS carrier that takes everything, after `latency` seconds. `taken` is how many."""

    kind = ChannelKind.SMS
    capabilities = Capabilities()

    def __init__(self, latency: float = 0.0) -> None:
        self.latency = latency
        self.taken = 0
        self._some_taken = asyncio.Condition()

    def compose(self, speech: Speech, envelope: Envelope) -> Draft:
        """As SMS do."""
        body = "\n".join([*speech.paragraphs, *numbered(speech.choices)])
        return Draft(self.kind, envelope.attempt, envelope.to, body, thread=envelope.thread, first=envelope.first)

    async def send(self, draft: Draft) -> Receipt:
        """Take it."""
        if self.latency:
            await asyncio.sleep(self.latency)
        self.taken += 1
        async with self._some_taken:
            self._some_taken.notify_all()
        return Receipt(f"idle:{uuid4()}")

    async def has_taken(self, count: int) -> None:
        """Wait until it has taken so many."""
        async with self._some_taken:
            await self._some_taken.wait_for(lambda: self.taken >= count)

    async def find(self, sought: Sought, since: datetime) -> CannotTell:
        """It remembers nothing."""
        return CANNOT_TELL

    async def close(self) -> None:
        """There is nothing to close."""


@asynccontextmanager
async def application(url: str, carrier: IdleCarrier, in_flight: int) -> AsyncIterator[Application]:
    """An application that sends by `carrier` alone, its clock standing still."""
    database = Database(url)
    try:
        yield Application(
            database=database,
            clock=lambda: NOW,
            hours=AnyHour(),
            scripts=load_scripts(),
            catalogs=load_catalogs(),
            channels={carrier.kind: carrier},
            languages=("en", "ro", "uk", "ru"),
            creditor="Acme Telecom",
            operator_hours="9:00-18:00",
            public_url="https://pay.example.com",
            quarantine_seconds=60.0,
            timezone="Europe/Bucharest",
            decide_at=time(8),
            paces={carrier.kind: Pace(in_flight)},
        )
    finally:
        await database.close()


def reminded() -> Turn:
    """The turn that opens the talks of the queue."""
    today = date(2026, 3, 13)
    facts = Facts(today, "Client", "Acme Telecom", Money(20000, "RON"), today, 10, (), operator_hours="9:00-18:00")
    return start(load_scripts()["reminder"], facts, "ro", NOW)


async def queue(stores: Stores, size: int) -> str:
    """The name of a database with `size` reminders in its queue; it is made once."""

    async def fill(url: str) -> None:
        database = Database(url)
        async with database.write() as session:
            root = parse(PLAN, "plans.yaml")
            await publish_plans(session, root.mapping(("groups", "plans"))["groups"].texts(), read_plans(root, "RON"))
        await database.close()
        turn = reminded()
        values = {"size": size, "at": NOW, "until": UNTIL, "content": Jsonb(pack(turn.messages))}
        values["state"] = Jsonb(turn.state.to_json())
        with psycopg.connect(plain(url), cursor_factory=psycopg.ClientCursor) as connection:
            connection.execute(ROWS.read_text(), values)
        with psycopg.connect(plain(url), autocommit=True) as connection:
            connection.execute("vacuum (analyze)")

    return await stores.kept("queue", size, fill)
