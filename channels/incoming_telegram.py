"""Reading what Telegram sends us. Only the fields we use are looked at, so that new ones never stop an update."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from channels.buttons import read_payload
from channels.port import Inbound, Unreadable
from dialogs.message import Chose, Said
from engine.contact import ChannelKind

PRIVATE, SHUT_OUT = "private", "kicked"
SHOWN = frozenset(
    {"photo", "document", "voice", "audio", "video", "video_note", "animation", "sticker", "location", "paid_media"}
)
"""What a person may send without a word; other messages without text are notices of the application."""


class Unreachable(Exception):
    """Telegram could not be asked or told; what it keeps for us waits there for up to a day."""


@dataclass(frozen=True, slots=True)
class TelegramStart:
    """Somebody opened the bot: by a deep link with our `token`, or plainly. `language` is their application's."""

    event: str
    chat: str
    token: str
    language: str


@dataclass(frozen=True, slots=True)
class LanguageWanted:
    """The person wrote /lang: with a `language` named behind it, or to be offered those there are."""

    event: str
    chat: str
    wanted: str
    language: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """The person has shut the bot out of their chat."""

    event: str
    chat: str


class _Person(BaseModel):
    id: int
    is_bot: bool = False
    language_code: str = ""


class _Chat(BaseModel):
    id: int
    type: str


class _Contact(BaseModel):
    phone_number: str
    user_id: int | None = None


class _Message(BaseModel):
    model_config = ConfigDict(extra="allow")

    message_id: int = 0
    chat: _Chat
    sender: _Person | None = Field(default=None, alias="from")
    text: str = ""
    caption: str = ""
    contact: _Contact | None = None


class _Query(BaseModel):
    id: str
    message: _Message | None = None
    data: str = ""


class _Membership(BaseModel):
    status: str


class _Change(BaseModel):
    chat: _Chat
    new_chat_member: _Membership


class _Update(BaseModel):
    update_id: int
    message: _Message | None = None
    edited_message: _Message | None = None
    callback_query: _Query | None = None
    my_chat_member: _Change | None = None


def read_update(raw: bytes) -> Inbound | TelegramStart | LanguageWanted | Blocked | None:
    """What an update tells us; None for what needs no answer: groups, channels, pins, an unblocking, an edited command.

    Raises Unreadable where it is no update.
    """
    update = _update(raw)
    event = str(update.update_id)
    if update.message is not None:
        return _message(event, update.message)
    if update.edited_message is not None:
        again = _message(event, update.edited_message)
        return replace(again, edited=True) if isinstance(again, Inbound) else None
    if update.callback_query is not None:
        return _press(event, update.callback_query)
    if update.my_chat_member is not None:
        return _membership(event, update.my_chat_member)
    return None


def update_number(raw: bytes) -> int:
    """The number an update is known by, for ever. Raises Unreadable."""
    return _update(raw).update_id


def waiting_query(raw: bytes) -> str:
    """The id of the press in an update, which the person's application waits to see acknowledged; empty without."""
    query = _update(raw).callback_query
    return query.id if query is not None else ""


def _update(raw: bytes) -> _Update:
    try:
        return _Update.model_validate_json(raw)
    except ValidationError as error:
        raise Unreadable(f"what came from Telegram is no update: {error.error_count()} faults") from None


def _message(event: str, message: _Message) -> Inbound | TelegramStart | LanguageWanted | None:
    person, chat = message.sender, str(message.chat.id)
    if message.chat.type != PRIVATE or person is None:
        return None
    text = (message.text or message.caption).replace("\0", "")  # PostgreSQL keeps no NUL in text
    command, _, argument = text.partition(" ")
    if message.contact is not None:
        if message.contact.user_id != person.id:
            return None  # somebody else's card proves nothing
        text = message.contact.phone_number
    elif command == "/start":
        return TelegramStart(event, chat, argument.strip(), person.language_code)
    elif command == "/lang":
        return LanguageWanted(event, chat, argument.strip(), person.language_code)
    elif not text and SHOWN.isdisjoint(message.model_extra or {}):
        return None
    number = str(message.message_id)
    return Inbound(ChannelKind.TELEGRAM, event, chat, Said(text), automatic=person.is_bot, message=number)


def _press(event: str, query: _Query) -> Inbound | None:
    if query.message is None or query.message.chat.type != PRIVATE:
        return None
    option, attempt = read_payload(query.data.replace("\0", ""))
    return Inbound(ChannelKind.TELEGRAM, event, str(query.message.chat.id), Chose(option), attempt=attempt)


def _membership(event: str, change: _Change) -> Blocked | None:
    if change.chat.type == PRIVATE and change.new_chat_member.status == SHUT_OUT:
        return Blocked(event, str(change.chat.id))
    return None
