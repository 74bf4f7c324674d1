"""The demo's subscribers: they read what the carriers bring them, and write or pay in their own time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from aiohttp import ClientSession, ClientTimeout

from bot.demo.manners import Reaction, bank_day, reaction
from bot.sandbox import Sandbox
from channels.sandbox.checkout import NotPaid
from engine.contact import ChannelKind
from engine.ledger import Received, receive
from engine.money import Money
from engine.run import decide_clients
from engine.store.facts import facts_of
from engine.store.session import lock_clients

Sent = TypeVar("Sent")
LINK = re.compile(r"https?://\S+/pay/[0-9A-Za-z]{22}")


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person of the demo, as their phone and mailbox know them."""

    id: int
    ref: str
    language: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Deed:
    """Something a subscriber is going to do at `at` (aware UTC). `key` names it, so that it is done once."""

    at: datetime
    key: str
    who: Subscriber
    channel: ChannelKind
    address: str
    what: str
    words: str
    read: str


class Subscribers:
    """Everybody. `done` is a file of the deeds done already: a restarted demo repeats none of them."""

    def __init__(self, sandbox: Sandbox, by_address: dict[tuple[ChannelKind, str], Subscriber], seed: int, done: Path):
        self._sandbox, self._by_address, self._seed, self._done_file = sandbox, by_address, seed, done
        self._done = set(done.read_text().split("\n")) if done.exists() else set()
        self._seen: Counter[ChannelKind] = Counter()
        self._messages: Counter[tuple[int, ChannelKind]] = Counter()
        self._planned: dict[str, Deed] = {}
        self._http = ClientSession(timeout=ClientTimeout(10))

    def look(self) -> None:
        """Read what has arrived since the last look, and plan what to do about it."""
        for channel, address, body, at in list(self._arrived()):
            who = self._by_address.get((channel, address))
            if who is None:
                continue
            number = self._messages[who.id, channel]
            self._messages[who.id, channel] += 1
            local = at.astimezone(who.zone)
            if number == 0 and (paid_at := bank_day(self._seed, who.ref, local)) is not None:
                self._plan(Deed(paid_at, f"{who.ref}:bank", who, channel, address, "bank", "", ""))
            doing = reaction(self._seed, who.ref, who.language, number, local)
            if doing is not None:
                self._plan(_deed(doing, who, channel, address, number, body))

    def _arrived(self) -> Iterator[tuple[ChannelKind, str, str, datetime]]:
        carriers = self._sandbox.carriers
        arrived = {
            ChannelKind.SMS: [(sms.to, sms.body, sms.at) for sms in self._fresh(ChannelKind.SMS, carriers.twilio.sent)],
            ChannelKind.EMAIL: [
                (mail.to, mail.body, mail.at) for mail in self._fresh(ChannelKind.EMAIL, carriers.relay.sent)
            ],
            ChannelKind.TELEGRAM: [
                (chat.chat, chat.text, chat.at) for chat in self._fresh(ChannelKind.TELEGRAM, carriers.telegram.sent)
            ],
        }
        for channel, messages in arrived.items():
            for address, body, at in messages:
                yield channel, address, body, at

    def _fresh(self, channel: ChannelKind, sent: list[Sent]) -> list[Sent]:
        """What a carrier has delivered since the last look."""
        fresh = sent[self._seen[channel] :]
        self._seen[channel] = len(sent)
        return fresh

    def _plan(self, deed: Deed) -> None:
        if deed.key not in self._done:
            self._planned.setdefault(deed.key, deed)

    def next_at(self) -> datetime | None:
        """When the next of them does something."""
        return min((deed.at for deed in self._planned.values()), default=None)

    async def act(self, now: datetime) -> int:
        """Do what is due by `now`. How much was done."""
        due = sorted((deed for deed in self._planned.values() if deed.at <= now), key=lambda deed: (deed.at, deed.key))
        for deed in due:
            del self._planned[deed.key]
            self._done.add(deed.key)
            with self._done_file.open("a") as file:
                file.write(f"{deed.key}\n")
            await self._do(deed, now)
        return len(due)

    async def _do(self, deed: Deed, now: datetime) -> None:
        match deed.what:
            case "pay":
                await self._pay_by_link(deed.read)
            case "bank":
                await self._pay_at_bank(deed.who, deed.key, now)
            case "press" if deed.channel is ChannelKind.TELEGRAM:
                await self._press(deed)
            case _:
                await self._write(deed)

    async def _press(self, deed: Deed) -> None:
        """Press the button of that number in the chat's last message, if it has one; that of the pay link pays."""
        telegram = self._sandbox.carriers.telegram
        last = next(chat for chat in reversed(telegram.sent) if chat.chat == deed.address)
        below = (button for row in last.buttons for button in row)
        wanted = next((button for button in below if button.label.startswith(f"{deed.words} ")), None)
        if wanted is not None and wanted.url:
            await self._pay_by_link(wanted.url)
        elif wanted is not None:
            await telegram.press(deed.address, wanted.label)

    async def _write(self, deed: Deed) -> None:
        carriers = self._sandbox.carriers
        match deed.channel:
            case ChannelKind.SMS:
                await carriers.twilio.answer(deed.address, deed.words)
            case ChannelKind.TELEGRAM:
                await carriers.telegram.answer(deed.address, deed.words)
            case _:
                await carriers.relay.answer(deed.address, deed.words)

    async def _pay_by_link(self, text: str) -> None:
        """Open the link, press the button, pay at the provider: as a person does, by HTTP."""
        found = LINK.search(text)
        if found is None:
            return
        address = f"{self._sandbox.settings.public_url}{urlsplit(found.group()).path}"
        async with self._http.get(address, allow_redirects=False) as page:
            await page.read()
            if page.status != HTTPStatus.OK:
                return
        origin = {"Origin": self._sandbox.settings.public_url}
        async with self._http.post(address, data={}, headers=origin, allow_redirects=False) as answer:
            await answer.read()
        if "Location" in answer.headers:
            with suppress(NotPaid):
                await self._sandbox.carriers.payments.pay(answer.headers["Location"])

    async def _pay_at_bank(self, who: Subscriber, key: str, now: datetime) -> None:
        """The billing system tells of a payment of all that is due."""
        app = self._sandbox.wired.app
        async with app.database.write() as session:
            await lock_clients(session, [who.id])
            async for facts, _ in facts_of(session, [who.id], now):
                owed = Money(sum(one.balance for one in facts.owed), facts.currency)
                if owed:
                    await receive(session, Received(f"bank:{key}:{owed.currency}", who.id, owed, now, "bank"), now)
            await decide_clients(session, [who.id], now, app.hours)

    async def close(self) -> None:
        """Hang up."""
        await self._http.close()


def _deed(doing: Reaction, who: Subscriber, channel: ChannelKind, address: str, number: int, body: str) -> Deed:
    return Deed(doing.at, f"{who.ref}:{channel}:{number}", who, channel, address, doing.deed, doing.words, body)
