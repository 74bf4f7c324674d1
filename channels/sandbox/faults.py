"""Sandbox carriers that fail as real ones do, by a plan: the same seed gives the same send the same fault."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import accumulate
from random import Random
from typing import Any

import aiosmtpd.smtp
from aiohttp import web
from aiosmtpd.smtp import Envelope, Session

from channels.sandbox.chat import ChatFate
from channels.sandbox.journal import Entry
from channels.sandbox.mail import MailFate
from channels.sandbox.outbox import Parcel
from channels.sandbox.sms import Fate, Script, SentSms
from channels.sandbox.smtp import SmtpRelay
from channels.sandbox.telegram import TelegramCarrier
from channels.sandbox.twilio import TwilioCarrier


class Fault(StrEnum):
    """What a carrier does wrong with one request."""

    NONE = "none"
    BUSY = "busy"
    """Not taken: 429, or 451 of a relay."""
    BROKEN = "broken"
    """Answered with 500, and not taken."""
    LOST = "lost"
    """Taken, and the answer never arrives."""
    LATE = "late"
    """Taken only after a while, even when whoever asked is gone."""
    SLOW = "slow"
    """Taken at once, and answered after a while."""


@dataclass(frozen=True, slots=True)
class Odds:
    """How often in a hundred each fault happens; `longest` is what a late or slow one takes at most, in seconds.

    `doubled` and `disordered` are about the reports of one message; `withheld` are posts that are never made.
    """

    busy: float = 2
    broken: float = 2
    lost: float = 2
    late: float = 5
    slow: float = 5
    doubled: float = 10
    disordered: float = 10
    withheld: float = 0
    longest: float = 1.2


USUAL = Odds()


class FaultPlan:
    """What happens to the first, second, ... request for an address; `met` counts the faults there were."""

    def __init__(self, seed: int, odds: Odds = USUAL) -> None:
        self._seed, self._odds = seed, odds
        self._asked = Counter[str]()
        self.met = Counter[Fault]()

    def next(self, to: str) -> tuple[Fault, float]:
        """What happens to the next request for this address, and how long it takes in seconds."""
        self._asked[to] += 1
        draw = Random(f"{self._seed}:{to}:{self._asked[to]}")  # noqa: S311 - it guards nothing
        odds, lot = self._odds, 100 * draw.random()
        faults = (Fault.BUSY, Fault.BROKEN, Fault.LOST, Fault.LATE, Fault.SLOW)
        bounds = accumulate((odds.busy, odds.broken, odds.lost, odds.late, odds.slow))
        fault = next((fault for fault, bound in zip(faults, bounds, strict=True) if lot < bound), Fault.NONE)
        self.met[fault] += 1
        return fault, odds.longest * draw.random() if fault in (Fault.LATE, Fault.SLOW) else 0.0

    def shuffled(self, name: str, parcels: list[Parcel]) -> list[Parcel]:
        """The reports of one message as they arrive: now and then twice, now and then in another order."""
        draw = Random(f"{self._seed}:{name}")  # noqa: S311 - it guards nothing
        if 100 * draw.random() < self._odds.doubled:
            parcels = [*parcels, *(replace(one, id=f"{one.id}:again") for one in parcels)]
        if 100 * draw.random() < self._odds.disordered:
            draw.shuffle(parcels)
        return parcels

    def passes(self, name: str, parcels: Sequence[Parcel]) -> list[bool]:
        """Which of these are ever posted."""
        draw = Random(f"{self._seed}:{name}:{self._asked[name]}:withheld")  # noqa: S311 - it guards nothing
        return [100 * draw.random() >= self._odds.withheld for _ in parcels]


class FaultyTwilio(TwilioCarrier):
    """Twilio's Messages API on a bad day. `withheld` is what it owes and does not post."""

    def __init__(self, plan: FaultPlan, **particulars: Any) -> None:
        super().__init__(**particulars)
        self._plan = plan
        self.withheld: list[Parcel] = []

    def post_late(self) -> None:
        """Post after all what was withheld."""
        self._outbox.owe(*self.withheld)
        self.withheld.clear()

    def _owe(self, number: str, *parcels: Parcel, record: Entry) -> None:
        passes = self._plan.passes(number, parcels)
        self.withheld += [parcel for parcel, passed in zip(parcels, passes, strict=True) if not passed]
        kept = [parcel for parcel, passed in zip(parcels, passes, strict=True) if passed]
        super()._owe(number, *kept, record=record)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        number = str(form.get("To", ""))
        fault, seconds = self._plan.next(number)
        fates = {Fault.BUSY: Fate.BUSY, Fault.BROKEN: Fate.BROKEN, Fault.LOST: Fate.LOST, Fault.LATE: Fate.LATE}
        if fault in fates:
            self._scripts[number] = [Script(fates[fault], "", seconds)]
        answer = await super()._create(request)
        if fault is Fault.SLOW:
            await asyncio.sleep(seconds)
        return answer

    def _callbacks(self, sms: SentSms) -> list[Parcel]:
        return self._plan.shuffled(sms.to, super()._callbacks(sms))


class FaultyTelegram(TelegramCarrier):
    """The Bot API on a bad day."""

    def __init__(self, plan: FaultPlan, **particulars: Any) -> None:
        super().__init__(**particulars)
        self._plan = plan

    async def _call(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        if request.match_info["method"].lower() != "sendmessage":
            return await super()._call(request)
        chat = str(form.get("chat_id", ""))
        fault, seconds = self._plan.next(chat)
        fates = {Fault.BUSY: ChatFate.BUSY, Fault.BROKEN: ChatFate.BROKEN, Fault.LOST: ChatFate.LOST}
        if fault in fates:
            self._scripts[chat] = [fates[fault]]
        if fault is Fault.LATE:
            await asyncio.sleep(seconds)
        answer = await super()._call(request)
        if fault is Fault.SLOW:
            await asyncio.sleep(seconds)
        return answer


class FaultyRelay(SmtpRelay):
    """A relay on a bad day. What it has been offered whole it takes whatever happens to the connection."""

    def __init__(self, plan: FaultPlan, **particulars: Any) -> None:
        super().__init__(**particulars)
        self._plan = plan
        self._delays: dict[str, tuple[Fault, float]] = {}

    async def handle_RCPT(  # noqa: N802 aiosmtpd calls it so
        self, server: aiosmtpd.smtp.SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """What the dialogue answers to a recipient."""
        fault, seconds = self._plan.next(address.lower())
        fates = {Fault.BUSY: MailFate.GREYLISTED, Fault.BROKEN: MailFate.BROKEN, Fault.LOST: MailFate.LOST}
        self._scripts[address.lower()] = [(fates[fault], "")] if fault in fates else []
        self._delays[address.lower()] = fault, seconds
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server: aiosmtpd.smtp.SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 aiosmtpd calls it so
        """Keep the mail for each recipient, and what follows from it."""
        fault, seconds = self._delays.get(envelope.rcpt_tos[0].lower(), (Fault.NONE, 0.0))
        taking = super().handle_DATA
        if fault is Fault.LATE:
            # It goes on when the connection is gone.
            return await asyncio.shield(self._outbox.run(self._later(seconds, taking, server, session, envelope)))
        answer = await taking(server, session, envelope)
        if fault is Fault.SLOW:
            await asyncio.sleep(seconds)
        return answer

    @staticmethod
    async def _later(seconds: float, taking: Any, *dialogue: Any) -> str:
        await asyncio.sleep(seconds)
        return str(await taking(*dialogue))
