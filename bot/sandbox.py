"""The whole application against sandbox carriers on loopback: what the demo, the simulator and the tests run.

Nothing of the application is replaced: real HTTP, SMTP, signatures and PostgreSQL; only the carriers are ours.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import time
from functools import partial
from pathlib import Path
from typing import Any

from bot.clock import Clock
from bot.console.application import Room
from bot.paypoints import SAMPLE
from bot.port import bind
from bot.server import serving
from bot.settings import Settings
from bot.ticks import talk_round
from bot.wiring import Wired, wire
from channels.sandbox.faults import FaultPlan, FaultyTwilio
from channels.sandbox.payments import PaymentProvider as PaymentsCarrier
from channels.sandbox.ringing import RingingCalls
from channels.sandbox.smtp import SmtpRelay
from channels.sandbox.telegram import TelegramCarrier
from channels.sandbox.twilio import TwilioCarrier
from engine.calendar import Hours

MAIL_DOMAIN = "amiable.example"
OUR_NUMBER = "+12025550100"
BOT_NAME = "AmiableSandboxBot"


@dataclass(frozen=True, slots=True)
class Carriers:
    """One carrier of each kind."""

    twilio: TwilioCarrier
    relay: SmtpRelay
    payments: PaymentsCarrier
    telegram: TelegramCarrier
    calls: RingingCalls

    @property
    def all(self) -> tuple[TwilioCarrier, SmtpRelay, PaymentsCarrier, TelegramCarrier, RingingCalls]:
        """Every one of them."""
        return self.twilio, self.relay, self.payments, self.telegram, self.calls

    async def settle(self) -> None:
        """Wait until every callback and inbound post has been delivered."""
        for carrier in self.all:
            await carrier.settle()

    def quiet(self) -> bool:
        """Whether nothing is under way at any carrier."""
        return all(carrier.quiet() for carrier in self.all)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running application and its carriers."""

    wired: Wired
    carriers: Carriers
    settings: Settings

    async def settle(self) -> None:
        """Work until nothing is left to do at this moment: inbox, contacts, outbox and carriers all quiet."""
        while True:
            await self.carriers.settle()
            done = await talk_round(self.wired.app, self.wired.app.clock())
            if not done and self.carriers.quiet():
                return


@dataclass(frozen=True, slots=True)
class Keys:
    """What the application and its carriers know each other by, made anew for each run."""

    account: str
    token: str
    payments: str
    payments_webhook: str
    bot: str
    bot_webhook: str
    api: str

    @classmethod
    def new(cls) -> Keys:
        """Nobody can guess them, though all is on loopback: other users of the machine are there too."""
        account, token, payments, payments_webhook, bot, bot_webhook, api = (secrets.token_hex(16) for _ in range(7))
        return cls(f"AC{account}", token, payments, payments_webhook, f"123456:{bot}", bot_webhook, api)


@asynccontextmanager
async def sandbox(  # noqa: PLR0913 - one deployment's particulars, by name
    database_url: str,
    clock: Clock,
    hours: Hours,
    *,
    timezone: str,
    journals: Path | None = None,
    port: int = 0,
    decide_at: time = time(8),
    quarantine_seconds: float = 60.0,
    telegram: bool = True,
    phones: Callable[[Sandbox], Room] | None = None,
    faults: FaultPlan | None = None,
) -> AsyncIterator[Sandbox]:
    """Run the application with sandbox carriers on loopback; with `journals` the carriers outlive a kill.

    Without `telegram` there is no bot, as in a deployment that has set none up. `phones` let a visitor of the console
    see and do what the subscribers do. With `faults` Twilio's messages have bad days.
    """
    listening = bind("127.0.0.1", port)
    public_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    keys = Keys.new()
    carriers = _carriers(keys, clock, public_url, journals, faults)
    started = [carrier for carrier in carriers.all if telegram or carrier is not carriers.telegram]
    for carrier in started:
        await carrier.start()
    settings = Settings(
        public_url=public_url,
        timezone=timezone,
        decide_at=decide_at,
        quarantine_seconds=quarantine_seconds,
        lookup_gap_seconds=quarantine_seconds,
        **_carrier_settings(keys, carriers, telegram=telegram),
    )
    wired = wire(settings, database_url, clock, hours)
    running = Sandbox(wired, carriers, settings)
    rooms = phones(running) if phones else None
    try:
        async with serving(wired, listening, ("127.0.0.1", 0), MAIL_DOMAIN, rooms) as mailbox:
            carriers.relay.deliver_to = mailbox.address
            yield running
    finally:
        for carrier in started:
            await carrier.stop()
        await wired.close()


def _carriers(keys: Keys, clock: Clock, public_url: str, journals: Path | None, faults: FaultPlan | None) -> Carriers:
    def journal(name: str) -> Path | None:
        return journals and journals / f"{name}.jsonl"

    messages = partial(FaultyTwilio, faults) if faults else TwilioCarrier
    return Carriers(
        twilio=messages(
            account_sid=keys.account,
            auth_token=keys.token,
            number=OUR_NUMBER,
            now=clock,
            public_url=public_url,
            journal=journal("twilio"),
        ),
        relay=SmtpRelay(now=clock, journal=journal("mail")),
        payments=PaymentsCarrier(
            api_key=keys.payments,
            webhook_secret=keys.payments_webhook,
            now=clock,
            public_url=public_url,
            journal=journal("payments"),
        ),
        telegram=TelegramCarrier(
            token=keys.bot, name=BOT_NAME, now=clock, public_url=public_url, journal=journal("telegram")
        ),
        calls=RingingCalls(
            account_sid=keys.account,
            auth_token=keys.token,
            number=OUR_NUMBER,
            now=clock,
            public_url=public_url,
            journal=journal("calls"),
        ),
    )


def _carrier_settings(keys: Keys, carriers: Carriers, *, telegram: bool) -> dict[str, Any]:
    """Where the carriers and the places to pay are and what opens them, by the names of the settings."""
    settings = {
        "twilio_api_url": carriers.twilio.url,
        "twilio_account_sid": keys.account,
        "twilio_auth_token": keys.token,
        "twilio_number": OUR_NUMBER,
        "voice_number": OUR_NUMBER,
        "voice_api_url": carriers.calls.url,
        "smtp_url": carriers.relay.url,
        "mail_domain": MAIL_DOMAIN,
        "payments_url": carriers.payments.url,
        "payments_key": keys.payments,
        "payments_webhook_secret": keys.payments_webhook,
        "pay_points": SAMPLE,
        "api_token": keys.api,
        "voice_per_second": 0.0,
        "telegram_per_second": 0.0,
    }
    if not telegram:
        return settings
    return settings | {
        "telegram_api_url": carriers.telegram.url,
        "telegram_token": keys.bot,
        "telegram_bot_name": BOT_NAME,
        "telegram_webhook_secret": keys.bot_webhook,
    }
