"""What the processes of a trial do. Importing this takes seconds: it is done once, in the process the others fork from.

The carriers stay; the real senders are killed, and now and then the office: the web application, inbox and clock.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from multiprocessing.connection import Connection

import channels.telegram  # noqa: F401 - it takes longest to load
from bot.prove.naive import send_naively
from bot.prove.trial import DOUBT_SECONDS, LOOK_SECONDS, WITHHELD, Ground
from bot.reconciling import reconcile
from bot.resolver import resolve_unknown
from bot.running import Part, working
from bot.sandbox import BOT_NAME, MAIL_DOMAIN, OUR_NUMBER, Keys
from bot.server import serving
from bot.settings import Settings
from bot.wiring import Wired, wire
from channels.sandbox.faults import FaultPlan, FaultyRelay, FaultyTelegram, FaultyTwilio, Odds
from dialogs.catalog import load_catalogs
from dialogs.reading.model import model
from dialogs.script import load_scripts
from engine.calendar import AnyHour

STOP = "STOP"
load_scripts()
load_catalogs()
model()


async def carry(ground: Ground, keys: Keys, told: Connection) -> None:
    """Be the carriers. `told` is where they say by which settings they are reached, and hear who writes STOP."""
    plan = FaultPlan(ground.trial.seed, Odds(withheld=WITHHELD))
    public_url, clock = ground.settings["public_url"], ground.clock()
    twilio = FaultyTwilio(
        plan,
        account_sid=keys.account,
        auth_token=keys.token,
        number=OUR_NUMBER,
        now=clock,
        public_url=public_url,
        journal=ground.journal("twilio"),
    )
    relay = FaultyRelay(plan, now=clock, journal=ground.journal("mail"))
    telegram = FaultyTelegram(
        plan, token=keys.bot, name=BOT_NAME, now=clock, public_url=public_url, journal=ground.journal("telegram")
    )
    for carrier in (twilio, relay, telegram):
        await carrier.start()
    told.send({"twilio_api_url": twilio.url, "smtp_url": relay.url, "telegram_api_url": telegram.url})
    while True:
        await twilio.answer(await asyncio.to_thread(told.recv), STOP)


async def keep_office(ground: Ground, listening: socket.socket) -> None:
    """Be the web application, the inbox and the clock."""
    async with (
        _wired(ground) as wired,
        serving(wired, listening, ("127.0.0.1", 0), MAIL_DOMAIN),
        working(wired.app, [Part.INBOX, Part.CLOCK]),
    ):
        while True:
            await reconcile(wired.app, wired.app.clock())
            await asyncio.sleep(LOOK_SECONDS)


async def send(ground: Ground, jump: timedelta) -> None:
    """Be a sender: the real one, which looks after what is in doubt more often than usual, or the control."""
    async with _wired(ground, jump) as wired:
        if ground.trial.control:
            await send_naively(wired.app)
        async with working(wired.app, [Part.SENDER]):
            while True:
                await resolve_unknown(wired.app, wired.app.clock())
                await asyncio.sleep(DOUBT_SECONDS)


@asynccontextmanager
async def _wired(ground: Ground, jump: timedelta = timedelta()) -> AsyncIterator[Wired]:
    wired = wire(Settings(**ground.settings), ground.url, ground.clock(jump), AnyHour())
    try:
        yield wired
    finally:
        await wired.close()
