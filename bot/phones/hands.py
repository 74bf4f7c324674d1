"""What a visitor does in a subscriber's place: everything goes out by the carriers, as if a person had done it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial

from bot.arrivals import MAIL, SMS, TELEGRAM
from bot.linking import deep_link
from bot.sandbox import Carriers, Sandbox
from channels.buttons import read_payload
from channels.port import Unreadable
from channels.sandbox.call import Pickup
from channels.sandbox.calls import NoCall
from channels.sandbox.smtp import NothingToAnswer
from engine.contact import ChannelKind
from engine.store.tables.portfolio import Address, Client

FIRST_CHAT = 900_000_000
"""Chats opened here are numbered above those of the sample portfolio."""
MOST_WAITING = 20


class NotPossible(Exception):
    """That cannot be done on this phone now. Nothing was sent; the page shows how the phone stands."""


class Deed(StrEnum):
    """What is done with a telephone."""

    CALL = "call"
    ANSWER = "answer"
    DECLINE = "decline"
    MACHINE = "machine"
    PRESS = "press"
    SPEAK = "speak"
    SILENCE = "silence"
    HANG_UP = "hang_up"


@dataclass(frozen=True, slots=True)
class Written:
    """Something handed to a carrier, known by the event as which it will arrive."""

    provider: str
    event: str
    channel: ChannelKind
    at: datetime
    text: str = ""
    option: str = ""


class Hands:
    """The visitor's hands, and what they have let go of that nobody has read yet."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._written: dict[int, list[Written]] = {}

    def written(self, client: int) -> Sequence[Written]:
        """What was written for that client and not yet forgotten, oldest first."""
        return tuple(self._written.get(client, ()))

    def forget(self, client: int, events: set[tuple[str, str]]) -> None:
        """What has arrived is no longer on its way."""
        self._written[client] = [one for one in self._written[client] if (one.provider, one.event) not in events]

    async def write_sms(self, client: Client, address: Address, text: str) -> None:
        """An SMS to our number."""
        event = await self._carriers.twilio.answer(address.sealed, text)
        self._note(client, Written(SMS, event, ChannelKind.SMS, self._now(), text))

    async def write_mail(self, client: Client, address: Address, text: str) -> None:
        """An answer to the latest mail, or where there is none a letter of their own."""
        relay = self._carriers.relay
        try:
            event = await relay.answer(address.sealed, text)
        except NothingToAnswer:
            event = await relay.answer(address.sealed, text, to=f"billing@{self._sandbox.settings.mail_domain}")
        self._note(client, Written(MAIL, event, ChannelKind.EMAIL, self._now(), text))

    async def write_chat(self, client: Client, address: Address, text: str) -> None:
        """A message in the chat."""
        event = await self._carriers.telegram.answer(address.sealed, text)
        self._note(client, Written(TELEGRAM, event, ChannelKind.TELEGRAM, self._now(), text))

    async def press_button(self, client: Client, address: Address, payload: str) -> None:
        """A button below a message. Raises NotPossible."""
        try:
            option = read_payload(payload)[0]
            event = await self._carriers.telegram.press(address.sealed, payload)
        except (Unreadable, LookupError) as error:
            raise NotPossible from error
        self._note(client, Written(TELEGRAM, event, ChannelKind.TELEGRAM, self._now(), option=option))

    async def join_chat(self, client: Client) -> None:
        """A new chat, opened by an invitation made for this client."""
        app, telegram = self._sandbox.wired.app, self._carriers.telegram
        async with app.database.write() as session:
            link = await deep_link(session, client.id, self._sandbox.settings.telegram_bot_name, app.clock())
        chat = str(FIRST_CHAT + client.id)
        telegram.speaks(chat, client.language)
        await telegram.open(chat, link.partition("?start=")[2])

    async def telephone(self, address: Address, deed: Deed, words: str) -> None:
        """What is done with the telephone; `words` are what is spoken, or the keys. Raises NotPossible."""
        calls, number = self._carriers.calls, address.sealed
        acts = {
            Deed.CALL: partial(calls.call_in, number),
            Deed.ANSWER: partial(calls.pick_up, number),
            Deed.MACHINE: partial(calls.pick_up, number, Pickup.MACHINE),
            Deed.PRESS: partial(calls.press, number, words),
            Deed.SPEAK: partial(calls.speak, number, words),
            Deed.SILENCE: partial(calls.keep_silent, number),
            Deed.HANG_UP: partial(calls.hang_up, number),
        }
        if deed is Deed.CALL and calls.engaged(number):
            raise NotPossible
        try:
            if deed is Deed.DECLINE:
                calls.decline(number)
            else:
                await acts[deed]()
        except NoCall as error:
            raise NotPossible from error

    @property
    def _carriers(self) -> Carriers:
        return self._sandbox.carriers

    def _now(self) -> datetime:
        return self._sandbox.wired.app.clock()

    def _note(self, client: Client, written: Written) -> None:
        self._written[client.id] = [*self._written.get(client.id, ()), written][-MOST_WAITING:]


def keys_of(words: str) -> str:
    """The keys of a telephone among what was typed."""
    return "".join(mark for mark in words if mark in "0123456789*#")[:32]


def reached(addresses: Mapping[ChannelKind, Address], kind: ChannelKind) -> Address:
    """The address of that channel. Raises NotPossible where the client has none."""
    if kind not in addresses:
        raise NotPossible
    return addresses[kind]
