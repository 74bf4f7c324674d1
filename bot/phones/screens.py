"""What a subscriber's phones show: what the carriers brought, and what was heard from the subscriber."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import groupby
from zoneinfo import ZoneInfo

from markupsafe import Markup

from bot.phones.markup import at_home, chat_markup, linked
from channels.buttons import read_payload
from channels.port import Unreadable
from channels.sandbox.call import Call, Pickup
from channels.sandbox.chat import SentButton, SentChat
from channels.sandbox.mail import SentMail
from channels.sandbox.sms import Fate, SentSms
from engine.contact import ChannelKind

LOST = frozenset({Fate.FAILED, Fate.UNDELIVERED})
MOST = 40


@dataclass(frozen=True, slots=True)
class Heard:
    """What the subscriber wrote or pressed. `option` is a button's id; `waits` says that nobody has read it yet."""

    key: str
    channel: ChannelKind
    at: datetime
    text: str = ""
    option: str = ""
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Bubble:
    """A message of a thread; `pressed` is a button's label where nothing was written."""

    key: str
    at: datetime
    mine: bool
    words: Markup
    buttons: tuple[tuple[SentButton, ...], ...] = ()
    pressed: str = ""
    waits: bool = False


Thread = Sequence[tuple[date, Sequence[Bubble]]]


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail, or an answer that was written to one. `id` is the relay's, empty where there is no formatted twin."""

    key: str
    at: datetime
    mine: bool
    subject: str
    words: Markup
    id: str = ""
    waits: bool = False


class Ring(StrEnum):
    """How a telephone stands."""

    IDLE = "idle"
    RINGING = "ringing"
    TALKING = "talking"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Telephone:
    """A telephone and its last call."""

    state: Ring
    call: Call | None = None

    @property
    def ended(self) -> str:
        """How the call ended, by its status; that of a machine's is told apart."""
        if self.call is None:
            return ""
        return "machine" if self.call.pickup is Pickup.MACHINE and self.call.over else self.call.status


def sms_thread(sent: Iterable[SentSms], number: str, heard: Iterable[Heard], zone: ZoneInfo, home: str) -> Thread:
    """The SMS that reached the phone, and those written on it."""
    theirs = [
        Bubble(sms.sid, sms.at, mine=False, words=linked(at_home(sms.body, home)))
        for sms in sent
        if sms.to == number and sms.fate not in LOST
    ]
    mine = [_written(one) for one in heard if one.channel is ChannelKind.SMS]
    return _by_days([*theirs, *mine], zone)


def chat(sent: Iterable[SentChat], number: str, heard: Iterable[Heard], zone: ZoneInfo, home: str) -> Thread:
    """The messages of a Telegram chat with their buttons, and what was written and pressed in it."""
    messages = [message for message in sent if message.chat == number]
    labels = dict(_labels(messages))
    theirs = [
        Bubble(
            f"t{message.number}",
            message.at,
            mine=False,
            words=_chat_words(message, home),
            buttons=tuple(
                tuple(SentButton(one.label, one.payload, at_home(one.url, home)) for one in row)
                for row in message.buttons
            ),
        )
        for message in messages
    ]
    mine = [_written(one, labels) for one in heard if one.channel is ChannelKind.TELEGRAM]
    return _by_days([*theirs, *mine], zone)


def mailbox(sent: Iterable[SentMail], address: str, heard: Iterable[Heard], home: str) -> Sequence[Letter]:
    """Mails and answers, the latest first."""
    theirs = [
        Letter(
            mail.id,
            mail.at,
            mine=False,
            subject=mail.subject,
            words=linked(at_home(mail.body, home)),
            id=mail.id if mail.html else "",
        )
        for mail in sent
        if mail.to.lower() == address.lower()
    ]
    mine = [
        Letter(one.key, one.at, mine=True, subject="", words=linked(one.text), waits=one.waits)
        for one in heard
        if one.channel is ChannelKind.EMAIL
    ]
    # Of one moment, what was written comes before what it brought about, and mails come as they were sent.
    return sorted([*mine, *theirs], key=lambda letter: (letter.at, not letter.mine))[: -MOST - 1 : -1]


def telephone(call: Call | None) -> Telephone:
    """The telephone as its last call leaves it."""
    if call is None:
        return Telephone(Ring.IDLE)
    state = Ring.OVER if call.over else Ring.RINGING if call.status == "ringing" else Ring.TALKING
    return Telephone(state, call)


def _written(one: Heard, labels: Mapping[str, str] | None = None) -> Bubble:
    pressed = (labels or {}).get(one.option, one.option)
    return Bubble(one.key, one.at, mine=True, words=linked(one.text), pressed=pressed, waits=one.waits)


def _chat_words(message: SentChat, home: str) -> Markup:
    return chat_markup(at_home(message.html, home)) if message.html else linked(at_home(message.text, home))


def _labels(messages: Iterable[SentChat]) -> Iterable[tuple[str, str]]:
    for button in (button for message in messages for row in message.buttons for button in row):
        try:
            yield read_payload(button.payload)[0], button.label
        except Unreadable:
            continue


def _by_days(bubbles: list[Bubble], zone: ZoneInfo) -> Thread:
    """The last bubbles, oldest first; of one moment what was written comes before the answer."""
    bubbles.sort(key=lambda bubble: (bubble.at, not bubble.mine))
    days = groupby(bubbles[-MOST:], key=lambda bubble: bubble.at.astimezone(zone).date())
    return [(day, list(group)) for day, group in days]
