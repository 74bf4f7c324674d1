"""The pay pages over real HTTP, with the sandbox payment provider, for tests that pay as a subscriber would."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import parse_qs, urlsplit

import httpx
import uvicorn
from fastapi import FastAPI
from given import given_client, given_invoice, given_plans
from sqlalchemy import select, text

from bot.pay.booking import PaidOutcome, book_payment
from bot.pay.desk import PayDesk
from bot.pay.links import address_of, digest_of, new_token
from bot.pay.provider import PaymentProvider, stored_event
from bot.pay.routes import router
from channels.sandbox import payments as sandbox
from engine.calendar import AnyHour
from engine.store.session import Database
from engine.store.tables.talk import InboxEvent, InboxState, PayLink

KEY, SECRET = "key", "webhook-secret"


@dataclass(slots=True)
class Counter:
    """A counter with one client, Ana (Romanian), who owes 200 lei for the internet and 100 for the telephone."""

    database: Database
    carrier: sandbox.PaymentProvider
    provider: PaymentProvider
    web: httpx.AsyncClient
    now: datetime
    ana: int = 0
    address: str = ""

    async def link(self, client: int, currency: str = "RON") -> str:
        """The path of a new pay page."""
        async with self.database.write() as session:
            token = new_token()
            session.add(PayLink(digest=digest_of(token), client_id=client, currency=currency, created_at=self.now))
        return urlsplit(address_of(token, str(self.web.base_url))).path

    async def read(self, address: str = "", **headers: str) -> httpx.Response:
        """Open a page, Ana's if no other is named."""
        return await self.web.get(address or self.address, headers=headers)

    async def press(self, address: str = "", **form: str) -> httpx.Response:
        """Press the button of Ana's page, or of another one."""
        return await self.web.post(address or self.address, data=form)

    async def pays(self, **form: str) -> str:
        """Press the button and pay at the provider. The page of ours on which one ends."""
        answer = await self.press(**form)
        assert answer.status_code == 303, answer.text
        return await self.carrier.pay(answer.headers["Location"])

    async def book(self) -> list[PaidOutcome | None]:
        """Handle the payment events that are waiting."""
        async with self.database.write() as session:
            rows = await session.scalars(select(InboxEvent).where(InboxEvent.state == InboxState.NEW))
            booked = []
            for row in rows:
                booked.append(await book_payment(session, stored_event(row.raw), self.now, AnyHour()))
                row.state = InboxState.DONE
        return booked

    async def asks(self, query: str) -> list[tuple[object, ...]]:
        """Rows of a query."""
        async with self.database.read() as session:
            return [tuple(row) for row in await session.execute(text(query))]


def checkout_in(url: str) -> str:
    """Our number of the checkout in the address one returns to."""
    return parse_qs(urlsplit(url).query)["checkout"][0]


@asynccontextmanager
async def pay_counter(database: Database, now: datetime) -> AsyncIterator[Counter]:
    """A counter open on loopback until the block ends."""
    carrier = sandbox.PaymentProvider(api_key=KEY, webhook_secret=SECRET, now=lambda: counter.now)
    await carrier.start()
    listening = socket.create_server(("127.0.0.1", 0))
    carrier.public_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    provider = PaymentProvider(carrier.url, KEY, SECRET, timeout=5)
    web = httpx.AsyncClient(base_url=carrier.public_url)
    counter = Counter(database, carrier, provider, web, now)
    desk = PayDesk(database, lambda: counter.now, provider, carrier.public_url, "Acme & Sons", "0800 123")
    app = FastAPI()
    app.include_router(router(desk))
    async with _served(app, listening):
        async with database.write() as session:
            await given_plans(session)
            counter.ana = await given_client(session, "ana", language="ro")
            await given_invoice(session, counter.ana, "I1", "200", date(2026, 3, 1), account="00124711")
            await given_invoice(
                session, counter.ana, "I2", "100", date(2026, 3, 5), account="00340815", service="mobile"
            )
        counter.address = await counter.link(counter.ana)
        yield counter
        await web.aclose()
    await provider.close()
    await carrier.stop()


@asynccontextmanager
async def _served(app: FastAPI, listening: socket.socket) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    yield
    server.should_exit = True
    await running
