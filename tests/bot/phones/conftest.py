"""A demo in small: Ana owes 200 lei, can be reached by every channel, and a visitor holds her phones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime

import pytest
from given import given_client, given_invoice, given_plans
from visiting import MAIL, MOBILE, PHONE, Visitor, visitor_of

from bot.clock import SimulatedClock
from bot.phones.routes import phones_routes
from bot.sandbox import sandbox
from engine.calendar import AnyHour


@pytest.fixture
async def visitor(database_url: str, now: datetime) -> AsyncIterator[Visitor]:
    clock = SimulatedClock(now)
    async with sandbox(database_url, clock, AnyHour(), timezone="Europe/Bucharest", phones=phones_routes) as running:
        async with running.wired.app.database.write() as session:
            await given_plans(session)
            ana = await given_client(session, language="en", sms=MOBILE, voice=PHONE, email=MAIL)
            await given_invoice(session, ana, "I1", "200", date(2026, 3, 1), account="ACC-1001")
        visitor = await visitor_of(running, clock)
        yield visitor
        await visitor.web.aclose()
