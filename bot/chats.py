"""What people do in Telegram chats: write, press, open the bot, shut it out, ask for another language."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, cast
from uuid import uuid4

import structlog
from babel import Locale
from sqlalchemy import select

from bot.application import INBOUND, Application
from bot.consenting import WELCOME_BACK, greet
from bot.correspondents import BELONGS, addresses_of
from bot.delivery import Progress, record
from bot.hearing import hear
from bot.linking import join, readmit
from channels.incoming_telegram import (
    Blocked,
    LanguageWanted,
    TelegramStart,
    Unreachable,
    read_update,
    waiting_query,
)
from channels.port import Envelope, Inbound, SendFailed
from dialogs.facts import Facts
from dialogs.message import Choice, Chose, Said, Speech
from dialogs.render import render
from dialogs.turn import start
from engine.contact import ChannelKind, Delivery
from engine.money import Money
from engine.store.addresses import blind_index
from engine.store.consents import Consent, Means, Proof, book_consent
from engine.store.session import WriteSession, lock_clients
from engine.store.tables.portfolio import Address, Client
from engine.store.tables.talk import Attempt, Conversation, InboxEvent, Outbound, Owner

if TYPE_CHECKING:
    # Telegram's SDK takes seconds to load: only who switches the channel on waits for it (bot/wiring.py).
    from channels.telegram import TelegramChannel

STRANGER, LANGUAGES = "stranger", "languages"
LANGUAGE = "lang:"
"""What the ids of the offered languages begin with."""

After = Callable[[], Awaitable[None]]
"""A courtesy for when the event is stored as handled: tried once, and lost with the process."""

log = structlog.get_logger()


async def handle_update(session: WriteSession, app: Application, row: InboxEvent, now: datetime) -> After | None:
    """Handle one update; what it came to is noted on its row."""
    event, after = f"{row.provider}:{row.event}", None
    match read_update(row.raw):
        case Inbound() as inbound:
            row.error = await _said(session, app, inbound, event, now)
        case TelegramStart() as opened:
            row.error, after = await _opened(session, app, opened, event, now)
        case LanguageWanted() as asked:
            row.error, after = await _language(session, app, asked, event, now)
        case Blocked(_, chat):
            row.error = await _blocked(session, chat, event, now)
        case None:
            row.error = "nothing to answer"
    query = waiting_query(row.raw)
    return partial(_acknowledge, app, query) if query else after


async def _said(session: WriteSession, app: Application, inbound: Inbound, event: str, now: datetime) -> str:
    """A reply. A pressed button names the send it belongs to: that has arrived, and its talk goes on."""
    match inbound.reply:
        case Chose(option) if option.startswith(LANGUAGE):
            inbound = replace(inbound, reply=Said(_own_name(option.removeprefix(LANGUAGE))))
    thread = await _thread(session, inbound)
    note = await hear(session, app, replace(inbound, thread=thread), event, now)
    if thread and inbound.attempt is not None:
        await record(session, inbound.attempt, Progress(Delivery.READ), now)
    return note


async def _thread(session: WriteSession, inbound: Inbound) -> str:
    """The thread of the talk a button belongs to, if it was sent to this very chat; empty without."""
    if inbound.attempt is None:
        return ""
    statement = (
        select(Conversation.thread)
        .join(Outbound, Outbound.conversation_id == Conversation.id)
        .join(Attempt, Attempt.outbound_id == Outbound.id)
        .join(Address, Address.id == Outbound.address_id)
        .where(Attempt.id == inbound.attempt, Address.lookup == blind_index(inbound.channel, inbound.sender))
    )
    return await session.scalar(statement) or ""


async def _opened(
    session: WriteSession, app: Application, opened: TelegramStart, event: str, now: datetime
) -> tuple[str, After | None]:
    if opened.token and (address := await join(session, opened.chat, opened.token, event, now)):
        await greet(session, app, address, INBOUND, event, now)
        return "a chat was joined to a client", None
    addresses = await addresses_of(session, ChannelKind.TELEGRAM, opened.chat)
    if not addresses:
        return _stranger(app, opened.chat, opened.language, now)
    returning = any(address.opted_out_at for address in addresses)
    if returning:
        await readmit(session, addresses, event, now)
    if (not returning and len(addresses) > 1) or await _held_by_person(session, addresses[0], now):
        return await _said(session, app, _words(opened.event, opened.chat, "/start"), event, now), None
    await greet(session, app, addresses[0], WELCOME_BACK if returning else INBOUND, event, now)
    return "wants our messages again" if returning else "greeted", None


async def _held_by_person(session: WriteSession, address: Address, now: datetime) -> bool:
    statement = select(Conversation.owner).where(
        Conversation.address_id == address.id, Conversation.last_at >= now - BELONGS
    )
    owner = await session.scalar(statement.order_by(Conversation.last_at.desc()).limit(1))
    return owner is not None and owner != Owner.BOT


async def _language(
    session: WriteSession, app: Application, asked: LanguageWanted, event: str, now: datetime
) -> tuple[str, After | None]:
    """A language named after /lang is taken as the wish it is; without one, all are offered."""
    addresses = await addresses_of(session, ChannelKind.TELEGRAM, asked.chat)
    if not addresses:
        return _stranger(app, asked.chat, asked.language, now)
    if asked.wanted:
        wish = asked.wanted.lower()
        words = _words(asked.event, asked.chat, _own_name(wish) if wish in app.languages else asked.wanted)
        return await _said(session, app, words, event, now), None
    client = await session.get_one(Client, addresses[0].client_id)
    choices = tuple(Choice(f"{LANGUAGE}{code}", _own_name(code)) for code in app.languages)
    speech = replace(_speech(app, LANGUAGES, client.language, now), choices=choices)
    return "offered the languages", partial(_tell, app, asked.chat, speech)


async def _blocked(session: WriteSession, chat: str, event: str, now: datetime) -> str:
    addresses = await addresses_of(session, ChannelKind.TELEGRAM, chat)
    await lock_clients(session, [address.client_id for address in addresses])
    of = [address.id for address in addresses]
    await book_consent(session, Consent.OPTED_OUT, of, Proof(Means.CARRIER, event), now)
    return "shut out of the chat"


def _stranger(app: Application, chat: str, language: str, now: datetime) -> tuple[str, After]:
    """A chat of nobody we know gets one answer that says nothing of what we would write about."""
    code = language.partition("-")[0].lower()
    speech = _speech(app, STRANGER, code if code in app.languages else app.languages[0], now)
    return "a chat of nobody we know", partial(_tell, app, chat, speech)


def _speech(app: Application, script: str, language: str, now: datetime) -> Speech:
    """What a script opens with, where no client is known: its texts name no facts."""
    nothing, today = Money(0, "EUR"), now.date()
    facts = Facts(today, "", app.creditor, nothing, today, 0, ())
    turn = start(app.scripts[script], facts, language, now)
    return render(turn.messages, app.scripts[script], facts, language, app.catalogs, ChannelKind.TELEGRAM)


def _words(event: str, chat: str, text: str) -> Inbound:
    return Inbound(ChannelKind.TELEGRAM, event, chat, Said(text))


def _own_name(language: str) -> str:
    """What a language calls itself."""
    name = Locale.parse(language, sep="-").get_display_name(language) or language
    return name[0].upper() + name[1:]


async def _tell(app: Application, chat: str, speech: Speech) -> None:
    channel = app.channels.get(ChannelKind.TELEGRAM)
    if channel is None:
        return
    try:
        await channel.send(channel.compose(speech, Envelope(uuid4(), chat, "")))
    except SendFailed as failed:
        log.warning("a chat was not answered", reason=str(failed))


async def _acknowledge(app: Application, query: str) -> None:
    channel = cast("TelegramChannel | None", app.channels.get(ChannelKind.TELEGRAM))
    if channel is None:
        return
    try:
        await channel.acknowledge(query)
    except Unreachable as failed:
        log.info("a pressed button was not acknowledged", reason=str(failed))
