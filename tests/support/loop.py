"""The whole application against sandbox carriers, for tests that talk with it as a subscriber would."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from given import PLAN, given_client, given_invoice, given_plans
from sqlalchemy import text

from bot.clock import SimulatedClock
from bot.sandbox import Sandbox, sandbox
from bot.ticks import day_tick
from channels.sandbox.faults import FaultPlan
from engine.calendar import AnyHour, Hours

ANA_PHONE, ANA_MAIL = "+40712345678", "ana@example.com"
QUARANTINE = 0.3


@dataclass(frozen=True, slots=True)
class Loop:
    """A running application with one client, Ana, who owes 200 lei since ten days."""

    sandbox: Sandbox
    clock: SimulatedClock
    ana: int

    async def decide(self) -> None:
        """Let the day's decision happen, and everything that follows from it."""
        await day_tick(self.sandbox.wired.app, self.clock())
        await self.sandbox.settle()

    async def later(self, **by: float) -> None:
        """Let time pass."""
        self.clock.advance(self.clock() + timedelta(**by))
        await self.decide()

    async def says(self, words: str, phone: str = ANA_PHONE) -> None:
        """A subscriber writes an SMS."""
        await self.sandbox.carriers.twilio.answer(phone, words)
        await self.sandbox.settle()

    async def writes(self, words: str) -> None:
        """Ana answers the last mail."""
        await self.sandbox.carriers.relay.answer(ANA_MAIL, words)
        await self.sandbox.settle()

    def heard(self, phone: str = ANA_PHONE) -> list[str]:
        """What arrived on a phone."""
        return [sms.body for sms in self.sandbox.carriers.twilio.sent if sms.to == phone]

    def read(self) -> list[str]:
        """What arrived in Ana's mailbox."""
        return [mail.body for mail in self.sandbox.carriers.relay.sent if mail.to == ANA_MAIL]

    async def asks(self, query: str) -> list[tuple[object, ...]]:
        """Rows of a query."""
        async with self.sandbox.wired.app.database.read() as session:
            return [tuple(row) for row in await session.execute(text(query))]


@asynccontextmanager
async def running_loop(
    database_url: str,
    now: datetime,
    *,
    hours: Hours | None = None,
    plan: str = PLAN,
    faults: FaultPlan | None = None,
    **addresses: str,
) -> AsyncIterator[Loop]:
    """Ana with these addresses (an SMS number and a mail address by default), nothing decided yet."""
    clock = SimulatedClock(now)
    async with sandbox(
        database_url,
        clock,
        hours or AnyHour(),
        timezone="Europe/Bucharest",
        quarantine_seconds=QUARANTINE,
        faults=faults,
    ) as running:
        async with running.wired.app.database.write() as session:
            await given_plans(session, plan)
            ana = await given_client(session, **(addresses or {"sms": ANA_PHONE, "email": ANA_MAIL}))
            await given_invoice(session, ana, "I1", "200", date(2026, 3, 1), account="ACC-1001")
        yield Loop(running, clock, ana)
