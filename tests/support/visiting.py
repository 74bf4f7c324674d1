"""A visitor of the demo, who holds the phones of Ana."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from html import unescape

import httpx
from given import given_client, given_invoice, given_plans, plan
from sqlalchemy import text

from bot.clock import SimulatedClock
from bot.console.users import add_user, one_time_link
from bot.phones.routes import phones_routes
from bot.sandbox import Sandbox, sandbox
from bot.ticks import day_tick
from engine.calendar import AnyHour

PHONE, MOBILE, MAIL = "+40712345678", "+40712345679", "ana@example.com"
HOME = "/console/phones"
PLAN = plan("""
    stages:
      - stage: reminder
        actions: [{send: reminder, by: [CHANNEL]}]
""")


@dataclass
class Visitor:
    """Somebody signed in, with a browser that says where its requests begin."""

    running: Sandbox
    clock: SimulatedClock
    web: httpx.AsyncClient

    async def sees(self, path: str = f"{HOME}/ana", status: int = 200) -> str:
        answer = await self.web.get(path)
        assert answer.status_code == status, f"{path}: {answer.status_code}"
        return answer.text

    async def screen(self, kind: str) -> str:
        """One screen as it shows itself anew: its words, without the markup."""
        screens = re.split(r'<div class="(?:screen|call-acts)|<span class="bell"', await self.live())
        (found,) = [screen for screen in screens if f'id="{kind}-screen"' in screen]
        return unescape(" ".join(re.sub(r"<[^>]+>", " ", found.partition(">")[2]).split()))

    async def live(self) -> str:
        return await self.sees(f"{HOME}/ana/screens")

    async def does(self, form: str, /, **fields: str) -> httpx.Response:
        """Posts a form of the page, and lets everything that follows from it happen."""
        token = re.search(r'name="token" value="([^"]+)"', await self.sees())
        assert token
        answer = await self.web.post(f"{HOME}/ana/{form}", data={"token": token[1], **fields})
        await self.running.settle()
        return answer

    async def decide(self, by: str) -> None:
        """The plan's first contact, on that channel."""
        async with self.running.wired.app.database.write() as session:
            await given_plans(session, PLAN.replace("CHANNEL", by))
        await day_tick(self.running.wired.app, self.clock())
        await self.running.settle()

    async def asks(self, query: str) -> list[tuple[object, ...]]:
        async with self.running.wired.app.database.read() as session:
            return [tuple(row) for row in await session.execute(text(query))]


async def visitor_of(running: Sandbox, clock: SimulatedClock) -> Visitor:
    """Somebody who has used a one-time link."""
    url = running.settings.public_url
    async with running.wired.app.database.write() as session:
        await add_user(session, "olga", "Olga Marin", None, clock())
        link = await one_time_link(session, "olga", url, clock())
    web = httpx.AsyncClient(base_url=url, headers={"origin": url, "sec-fetch-site": "same-origin"})
    await web.post(link)
    return Visitor(running, clock, web)


@asynccontextmanager
async def visiting(database_url: str, now: datetime) -> AsyncIterator[Visitor]:
    """A demo in small: Ana owes 200 lei and can be reached by SMS, telephone and mail; a visitor is signed in."""
    clock = SimulatedClock(now)
    async with sandbox(database_url, clock, AnyHour(), timezone="Europe/Bucharest", phones=phones_routes) as running:
        async with running.wired.app.database.write() as session:
            await given_plans(session)
            ana = await given_client(session, language="en", sms=MOBILE, voice=PHONE, email=MAIL)
            await given_invoice(session, ana, "I1", "200", date(2026, 3, 1), account="ACC-1001")
        visitor = await visitor_of(running, clock)
        yield visitor
        await visitor.web.aclose()
