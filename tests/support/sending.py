"""A carrier that does as it is told, and messages in the queue, for tests of sending."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from urllib.parse import urlencode

from given import given_client, given_invoice, given_plans, plan
from sqlalchemy import text

from bot.application import Application, Pace
from bot.arrivals import SMS
from bot.clock import SimulatedClock
from bot.inbox import keep
from bot.outreach import open_contacts
from bot.sending.sender import send_due
from bot.ticks import day_tick, talk_round
from channels.layout import numbered
from channels.port import CannotTell, Capabilities, Draft, Envelope, LookupFailed, Receipt, Sought
from dialogs.catalog import load_catalogs
from dialogs.message import Speech
from dialogs.script import load_scripts
from engine.calendar import AnyHour
from engine.contact import ChannelKind
from engine.store.session import Database

SCRIPTS, CATALOGS = load_scripts(), load_catalogs()
PLAN = plan("""
    stages:
      - stage: reminder
        actions: [{send: reminder, by: [sms, email]}]
""")
PHONE = "+40712345000"
"""Of the first client."""
Answered = Receipt | Exception


@dataclass(slots=True)
class Carrier:
    """What it answers to the next sends, in order; then it takes everything. `held` keeps it from answering."""

    kind: ChannelKind = ChannelKind.SMS
    capabilities: Capabilities = field(default_factory=Capabilities)
    answers: deque[Answered] = field(default_factory=deque)
    finds: deque[Receipt | CannotTell | LookupFailed | None] = field(default_factory=deque)
    sent: list[Draft] = field(default_factory=list)
    asked: int = 0
    held: asyncio.Event | None = None
    some: asyncio.Condition = field(default_factory=asyncio.Condition)

    def compose(self, speech: Speech, envelope: Envelope) -> Draft:
        body = "\n".join([*speech.paragraphs, *numbered(speech.choices)])
        return Draft(self.kind, envelope.attempt, envelope.to, body, thread=envelope.thread, first=envelope.first)

    async def send(self, draft: Draft) -> Receipt:
        self.sent.append(draft)
        async with self.some:
            self.some.notify_all()
        if self.held is not None:
            await self.held.wait()
        answer = self.answers.popleft() if self.answers else Receipt(f"ref:{draft.attempt}")
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def has(self, count: int) -> None:
        """Wait until so many were offered."""
        async with self.some:
            await self.some.wait_for(lambda: len(self.sent) >= count)

    async def find(self, sought: Sought, since: datetime) -> Receipt | CannotTell | None:
        self.asked += 1
        found = self.finds.popleft() if self.finds else None
        if isinstance(found, LookupFailed):
            raise found
        return found

    async def close(self) -> None:
        return


@dataclass(slots=True)
class Post:
    """An application that sends by SMS through a carrier told what to do; mail is a second one."""

    app: Application
    clock: SimulatedClock
    sms: Carrier
    mail: Carrier

    async def queue(self) -> None:
        """What the day decides is opened and stands in the queue."""
        await day_tick(self.app, self.clock())
        while await open_contacts(self.app, self.clock()):
            pass

    async def talk(self) -> None:
        """Everything there is to do at this moment."""
        while await talk_round(self.app, self.clock()):
            pass

    async def send(self) -> int:
        """One pass of the sender."""
        return await send_due(self.app, self.clock())

    async def open(self) -> int:
        """Contacts that go on to their next channel are opened."""
        return await open_contacts(self.app, self.clock())

    async def asks(self, query: str) -> list[tuple[object, ...]]:
        async with self.app.database.read() as session:
            return [tuple(row) for row in await session.execute(text(query))]

    async def store(self, change: str, **values: object) -> None:
        async with self.app.database.write() as session:
            await session.execute(text(change), values)

    async def hears(self, words: str, event: str = "", sender: str = PHONE) -> None:
        """A message by SMS stands in the inbox."""
        event = event or f"SM{words}"
        form = urlencode({"MessageSid": event, "From": sender, "Body": words}).encode()
        async with self.app.database.write() as session:
            await keep(session, SMS, event, form, self.clock())

    async def says(self, words: str) -> str:
        """The first client writes, and is answered: with what."""
        await self.hears(words)
        await self.talk()
        return self.sms.sent[-1].body

    async def states(self) -> list[tuple[str, int]]:
        """How many messages are in which state."""
        found = await self.asks("select state, count(*) from outbound group by state order by state")
        return [(str(state), int(str(count))) for state, count in found]


@asynccontextmanager
async def post(
    database_url: str,
    now: datetime,
    clients: int = 1,
    *,
    mailboxes: bool = False,
    quarantine: float = 0.0,
    pace: Pace | None = None,
) -> AsyncIterator[Post]:
    """So many clients who owe 200 lei since ten days, each with a telephone, some with a mailbox too."""
    clock, sms, mail = SimulatedClock(now), Carrier(), Carrier(ChannelKind.EMAIL)
    database = Database(database_url)
    async with database.write() as session:
        await given_plans(session, PLAN)
        for number in range(clients):
            addresses = {"sms": f"+407123450{number:02}"} | ({"email": f"c{number}@example.com"} if mailboxes else {})
            client = await given_client(session, f"client {number}", **addresses)
            await given_invoice(session, client, f"I{number}", "200", date(2026, 3, 1), account=f"A{number}")
    app = Application(
        database=database,
        clock=clock,
        hours=AnyHour(),
        scripts=SCRIPTS,
        catalogs=CATALOGS,
        channels={ChannelKind.SMS: sms, ChannelKind.EMAIL: mail},
        languages=("en", "ro", "uk", "ru"),
        creditor="Acme",
        operator_hours="9-18",
        public_url="https://pay.example.com",
        quarantine_seconds=quarantine,
        lookup_gap_seconds=quarantine,
        timezone="Europe/Bucharest",
        decide_at=now.time().replace(hour=0),
        paces={ChannelKind.SMS: pace} if pace else {},
    )
    try:
        yield Post(app, clock, sms, mail)
    finally:
        await database.close()


def paced(one: Post, per_second: float) -> Application:
    """The same application at a rate."""
    return replace(one.app, paces={ChannelKind.SMS: Pace(100, per_second)})
