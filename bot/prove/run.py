"""Holding a trial: processes are begun, killed and begun again while all is sent; then the books are compared."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from bot.clock import Clock, real_clock
from bot.port import bind
from bot.prove.books import open_books
from bot.prove.crew import Crew, crew
from bot.prove.happenings import Happening, Kill, Payment, Stop, pay, planned, stop
from bot.prove.kept import Journals
from bot.prove.trial import IN_FLIGHT, OFFICE, QUARANTINE_SECONDS, SENDERS, Ground, Trial, Watch
from bot.prove.verdict import Open, Verdict, judge, still_open
from bot.sandbox import BOT_NAME, MAIL_DOMAIN, OUR_NUMBER, Keys
from engine.store.session import Database

LOOK_SECONDS, QUESTION_SECONDS = 0.01, 0.5
PATIENCE_SECONDS = 120.0
"""So long a trial may stand still before it is judged as it stands."""


async def prove(trial: Trial, url: str, watch: Watch, log: Path | None = None) -> Verdict:
    """Hold a trial on an empty, migrated database. What its processes say goes to `log`, else nowhere."""
    begun = perf_counter()
    await open_books(url, trial, watch)
    database = Database(url)
    try:
        with (
            TemporaryDirectory(prefix="amiable-prove-") as name,
            bind("127.0.0.1", 0) as listening,
            crew(log or Path(name) / "log") as hands,
        ):
            ground, line = await _take_places(hands, trial, url, Path(name), listening)
            course = _Course(ground, hands, database, Journals(ground), ground.clock(), watch, line)
            await course.run()
            hands.dismiss()
            line.close()
            course.journals.look()
        return await judge(
            database,
            trial,
            course.journals,
            course.now(),
            kills=course.kills,
            fallen=hands.fallen,
            seconds=perf_counter() - begun,
        )
    finally:
        await database.close()


async def _take_places(
    hands: Crew, trial: Trial, url: str, folder: Path, listening: socket
) -> tuple[Ground, Connection]:
    """Begin all processes. The line is to the carriers."""
    public_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    keys, (ours, theirs) = Keys.new(), hands.pipe()
    ground = Ground(trial, url, folder, real_clock(), {"public_url": public_url})
    with theirs:
        hands.start("carriers", "carry", ground, keys, theirs)
        addresses = await asyncio.to_thread(ours.recv)
    ground = Ground(trial, url, folder, ground.begun, {**ground.settings, **addresses, **_settings(keys)})
    hands.start(OFFICE, "keep_office", ground, listening)
    for name in SENDERS:
        hands.start(name, "send", ground, timedelta())
    return ground, ours


def _settings(keys: Keys) -> dict[str, Any]:
    return {
        "quarantine_seconds": QUARANTINE_SECONDS,
        "lookup_gap_seconds": QUARANTINE_SECONDS,
        "send_in_flight": IN_FLIGHT,
        "telegram_per_second": 0.0,
        "twilio_account_sid": keys.account,
        "twilio_auth_token": keys.token,
        "twilio_number": OUR_NUMBER,
        "mail_domain": MAIL_DOMAIN,
        "payments_url": "http://127.0.0.1:9",
        "payments_key": keys.payments,
        "payments_webhook_secret": keys.payments_webhook,
        "telegram_token": keys.bot,
        "telegram_bot_name": BOT_NAME,
        "telegram_webhook_secret": keys.bot_webhook,
    }


@dataclass(slots=True)
class _Course:
    """A trial under way."""

    ground: Ground
    hands: Crew
    database: Database
    journals: Journals
    now: Clock
    watch: Watch
    line: Connection
    kills: int = 0

    async def run(self) -> None:
        """Let everything happen, and wait until nothing is left to do, or nothing gets on any more."""
        ahead, contacts = deque(planned(self.ground.trial)), self.ground.trial.contacts
        asked = moved = perf_counter()
        before: tuple[int, Open | None] = (0, None)
        while perf_counter() - moved < PATIENCE_SECONDS:
            taken = len(self.journals.look())
            self.watch("messages the carriers took", min(taken, contacts), contacts)
            while ahead and ahead[0].after <= taken:
                await self._happen(ahead.popleft())
            if perf_counter() - asked >= QUESTION_SECONDS:
                asked = perf_counter()
                self.hands.look_after()
                left = await still_open(self.database, self.now(), self.journals)
                if left.over and not ahead and (not left.untold or self.ground.trial.control):
                    return
                if (taken, left) != before:
                    before, moved = (taken, left), asked
                elif left.over and ahead:
                    await self._happen(ahead.popleft())
            await asyncio.sleep(LOOK_SECONDS)

    async def _happen(self, happening: Happening) -> None:
        match happening:
            case Kill(_, victim, delay, jump):
                await asyncio.sleep(delay)
                self.hands.kill(victim, *((self.ground, jump) if victim in SENDERS else ()))
                self.kills += 1
            case Stop(_, client):
                await stop(self.database, client, self.line.send, self.now())
            case Payment(_, client):
                await pay(self.database, client, self.now())
