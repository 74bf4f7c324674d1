"""A running application with a client who owes, and operators who work at its console: fixtures for conftest files."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import httpx
import pytest
from given import given_client, given_invoice, given_plans
from sqlalchemy import select

from bot.clock import SimulatedClock
from bot.console.passwords import hashed
from bot.console.users import add_user
from bot.sandbox import Sandbox, sandbox
from engine.calendar import AnyHour
from engine.store.session import Database
from engine.store.tables.talk import Conversation

PASSWORD = "a long and quiet sentence"
STORED = hashed(PASSWORD)
ANA = "+40722000001"


class Browser:
    """A browser on the console. Every request says where it began, as browsers do."""

    def __init__(self, base_url: str) -> None:
        self.web = httpx.AsyncClient(base_url=base_url, headers={"origin": base_url, "sec-fetch-site": "same-origin"})

    async def sign_in(self, login: str, password: str = PASSWORD) -> httpx.Response:
        return await self.web.post("/console/sign-in", data={"login": login, "password": password})

    async def see(self, path: str, status: int = 200) -> str:
        answer = await self.web.get(path)
        assert answer.status_code == status, f"{path}: {answer.status_code}"
        return answer.text

    async def press(self, path: str, page: str, **fields: str) -> httpx.Response:
        """Post a form as the page at `page` would: its hidden fields and what is typed."""
        html = await self.see(page)
        form = re.search(rf'<form[^>]*action="{re.escape(path)}".*?</form>', html, re.DOTALL)
        assert form, f"{page} has no form for {path}"
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[0]))
        return await self.web.post(path, data={**hidden, **fields})


@dataclass
class Desk:
    """The application, its clock and its operators."""

    running: Sandbox
    clock: SimulatedClock
    olga: Browser
    ion: Browser

    @property
    def database(self) -> Database:
        return self.running.wired.app.database

    @property
    def url(self) -> str:
        return self.running.settings.public_url

    @property
    def texts(self) -> list[str]:
        """The SMS that have reached the carrier."""
        return [sms.body for sms in self.running.carriers.twilio.sent]

    def later(self, by: timedelta) -> None:
        self.clock.advance(self.clock() + by)

    async def ana_writes(self, text: str, sender: str = ANA) -> None:
        await self.running.carriers.twilio.answer(sender, text)
        await self.running.settle()

    async def talk(self) -> int:
        async with self.database.read() as session:
            return (await session.scalars(select(Conversation.id).order_by(Conversation.id))).first() or 0


@pytest.fixture
async def desk(database_url: str, now: datetime) -> AsyncIterator[Desk]:
    clock = SimulatedClock(now)
    async with sandbox(database_url, clock, AnyHour(), timezone="Europe/Bucharest") as running:
        async with running.wired.app.database.write() as session:
            await given_plans(session)
            ana = await given_client(session, "ana", language="en", sms=ANA, email="ana@example.com")
            await given_invoice(session, ana, "I1", "120.50", date(2026, 2, 20))
            await add_user(session, "Olga", "Olga Marin", STORED, now)
            await add_user(session, "ion", "Ion Rusu", STORED, now)
        olga, ion = Browser(running.settings.public_url), Browser(running.settings.public_url)
        yield Desk(running, clock, olga, ion)
        await olga.web.aclose()
        await ion.web.aclose()


@pytest.fixture
async def escalated(desk: Desk) -> int:
    """Ana asks for a person by SMS: the number of the conversation."""
    await desk.ana_writes("I want to speak to a person")
    return await desk.talk()


@pytest.fixture
async def signed_in(desk: Desk) -> Desk:
    """Both operators are signed in."""
    await desk.olga.sign_in("olga")
    await desk.ion.sign_in("ion")
    return desk
