"""An application that only listens, and the sandbox carriers beside it, all on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from aiohttp import web

from channels.mailbox import Mailbox, MailEnvelope
from channels.sandbox.calls import CallsCarrier
from channels.sandbox.payments import PaymentProvider
from channels.sandbox.smtp import SmtpRelay
from channels.sandbox.telegram import TelegramCarrier
from channels.sandbox.twilio import TwilioCarrier

ACCOUNT, TOKEN, NUMBER, DOMAIN = "AC1", "sesame", "+40312345678", "amiable.test"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A post as it came over the wire."""

    path: str
    query: str
    body: bytes
    headers: dict[str, str]


@dataclass
class Application:
    """Keeps what is posted and mailed to it; `refusing` answers 503 and 451 that many times first.

    `says` words the answer to a post, by its path.
    """

    url: str = ""
    webhooks: list[Webhook] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    refusing: int = 0
    says: Callable[[str], str] = lambda _path: ""

    async def take_post(self, request: web.Request) -> web.Response:
        if self.refuses():
            return web.Response(status=503)
        path, _, query = request.raw_path.partition("?")
        self.webhooks.append(Webhook(path, query, await request.read(), dict(request.headers)))
        return web.Response(text=self.says(path), content_type="text/xml")

    async def take_mail(self, raw: bytes, envelope: MailEnvelope) -> None:
        if self.refuses():
            raise OSError("the disk is full")
        self.mails.append(raw)

    def refuses(self) -> bool:
        self.refusing -= 1
        return self.refusing >= 0


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    listening = Application()
    app = web.Application()
    app.add_routes([web.post("/{path:.*}", listening.take_post)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listening.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield listening
    await runner.cleanup()


@pytest.fixture
async def mailbox(application: Application) -> AsyncIterator[Mailbox]:
    box = Mailbox(DOMAIN, application.take_mail)
    await box.start("127.0.0.1", 0)
    yield box
    await box.stop()


@pytest.fixture
async def twilio(application: Application, now: datetime) -> AsyncIterator[TwilioCarrier]:
    carrier = TwilioCarrier(
        account_sid=ACCOUNT, auth_token=TOKEN, number=NUMBER, now=lambda: now, public_url=application.url
    )
    await carrier.start()
    yield carrier
    await carrier.stop()


@pytest.fixture
async def calls(application: Application, now: datetime) -> AsyncIterator[CallsCarrier]:
    carrier = CallsCarrier(
        account_sid=ACCOUNT, auth_token=TOKEN, number=NUMBER, now=lambda: now, public_url=application.url
    )
    await carrier.start()
    yield carrier
    await carrier.stop()


@pytest.fixture
async def relay(mailbox: Mailbox, now: datetime) -> AsyncIterator[SmtpRelay]:
    carrier = SmtpRelay(now=lambda: now, deliver_to=mailbox.address)
    await carrier.start()
    yield carrier
    await carrier.stop()


@pytest.fixture
async def telegram(application: Application, now: datetime) -> AsyncIterator[TelegramCarrier]:
    carrier = TelegramCarrier(token="123:sesame", name="AcmeBot", now=lambda: now, public_url=application.url)
    await carrier.start()
    yield carrier
    await carrier.stop()


@pytest.fixture
async def provider(application: Application, now: datetime) -> AsyncIterator[PaymentProvider]:
    running = PaymentProvider(api_key="key", webhook_secret="whsec", now=lambda: now, public_url=application.url)
    await running.start()
    yield running
    await running.stop()
