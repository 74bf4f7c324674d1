"""A reply comes in: find the talk it belongs to, take the turn, book what it means, decide anew; one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from bot.application import Application
from bot.cards import masked_reply
from bot.content import pack_reply
from bot.situation import Situations
from bot.speaking import answer_slot, open_talk, take_turn
from channels.port import Inbound
from dialogs.message import Reply, Said
from dialogs.reading.reader import read
from dialogs.reading.reading import Band, Intent
from dialogs.state import State
from dialogs.turn import answer_first, resume
from engine.apply import opt_out
from engine.contact import ChannelKind
from engine.plan import TaskKind
from engine.run import decide_clients
from engine.store.addresses import BadAddress, blind_index
from engine.store.session import WriteSession, lock_clients
from engine.store.tables.casework import Task
from engine.store.tables.portfolio import Account, Address, Client
from engine.store.tables.talk import Author, Conversation, MessageRow, Owner

BELONGS = timedelta(days=14)
"""A reply belongs to the latest conversation of its address within this time (ARCHITECTURE 15)."""

INBOUND = "inbound"


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a reply, in a word for the inbox's record."""

    note: str


async def hear(session: WriteSession, app: Application, inbound: Inbound, event: str, now: datetime) -> Heard:
    """Handle one reply. An unknown sender is kept on record and never answered; automatic mail likewise."""
    if inbound.automatic:
        return Heard("written by no person")
    inbound = replace(inbound, reply=masked_reply(inbound.reply))
    addresses = await addresses_of(session, inbound.channel, inbound.sender)
    if not addresses:
        return Heard("unknown sender")
    talk = await _talk_of(session, addresses, inbound, now)
    owners = {address.client_id for address in addresses}
    if (talk is None or talk.owner != Owner.BOT) and says_stop(inbound.reply, now, app.languages):
        await lock_clients(session, sorted(owners))
        await opt_out(session, addresses[0].id, now)
        if talk is not None:
            note_reply(session, talk, inbound.reply, now)
        return Heard("opted out")
    if talk is None and len(owners) > 1:
        await _ask_a_person(session, sorted(owners)[0], event, now)
        return Heard("several clients share this address")
    client_id = talk.client_id if talk else owners.pop()
    await lock_clients(session, [client_id])
    client = await session.get_one(Client, client_id)
    talk = talk or await _new_talk(session, app, client, addresses[0], now)
    if talk is None:
        return Heard("the client has no account")
    await session.refresh(talk, with_for_update=True)
    await _take(session, app, client, talk, inbound, event, now)
    await decide_clients(session, [client.id], now, app.hours)
    return Heard("answered" if talk.owner == Owner.BOT else "for a person")


async def _take(
    session: WriteSession,
    app: Application,
    client: Client,
    talk: Conversation,
    inbound: Inbound,
    event: str,
    now: datetime,
) -> None:
    note_reply(session, talk, inbound.reply, now)
    if talk.owner != Owner.BOT:
        return
    facts = (await Situations.read(session, app, [client.id], now)).facts(client, talk.currency, talk.contact_id)
    script = app.scripts.get(talk.script, app.scripts[INBOUND])
    if talk.state:
        turn = resume(script, State.from_json(talk.state), inbound.reply, facts, now, app.languages)
    else:
        turn = answer_first(script, inbound.reply, facts, client.language, now, app.languages)
    await take_turn(session, talk, turn, event, now, answer_slot(now))


def says_stop(reply: Reply, now: datetime, languages: tuple[str, ...]) -> bool:
    """Whether a reply is a STOP, which counts even where no script is there to hear it."""
    if not isinstance(reply, Said):
        return False
    readings = (read(reply.text, language, now.date(), languages=languages) for language in languages)
    return any(reading.intent is Intent.OPT_OUT and reading.band is Band.ACT for reading in readings)


def note_reply(session: WriteSession, talk: Conversation, reply: Reply, now: datetime) -> None:
    """Keep what the client said, without card numbers."""
    reply = masked_reply(reply)
    session.add(
        MessageRow(
            conversation_id=talk.id,
            author=Author.CLIENT,
            at=now,
            content=pack_reply(reply),
            text=getattr(reply, "text", None),
        )
    )
    talk.last_at = now


async def addresses_of(session: WriteSession, channel: ChannelKind, sender: str) -> Sequence[Address]:
    """Every registration of a sender's address, oldest first: several clients may share it."""
    try:
        lookup = blind_index(channel, sender)
    except BadAddress:
        return []
    statement = select(Address).where(Address.lookup == lookup, Address.channel == channel)
    return (await session.scalars(statement.order_by(Address.id))).all()


async def _talk_of(
    session: WriteSession, addresses: Sequence[Address], inbound: Inbound, now: datetime
) -> Conversation | None:
    """The talk whose thread the reply carries, if the sender is part of it; else the latest one of the address,
    one that a person has or that waits for a person before the bot's own.

    Where several clients share the address and more than one of them was spoken to lately, none is guessed.
    """
    statement = select(Conversation).where(
        Conversation.address_id.in_([address.id for address in addresses]), Conversation.last_at >= now - BELONGS
    )
    recent = (await session.scalars(statement.order_by(Conversation.last_at.desc(), Conversation.id.desc()))).all()
    for talk in recent:
        if inbound.thread and talk.thread == inbound.thread:
            return talk
    if len({talk.client_id for talk in recent}) == 1:
        return next((talk for talk in recent if talk.owner != Owner.BOT), recent[0])
    return None


async def _new_talk(
    session: WriteSession, app: Application, client: Client, address: Address, now: datetime
) -> Conversation | None:
    currency = await talk_currency(session, app, client.id, now)
    if currency is None:
        return None
    return await open_talk(session, app, client, address, INBOUND, currency, now)


async def talk_currency(session: WriteSession, app: Application, client: int, now: datetime) -> str | None:
    """The currency to speak of: that of most debt, else that of the first account; None without accounts."""
    owed = (await Situations.read(session, app, [client], now)).main_currency(client)
    first = select(Account.currency).where(Account.client_id == client).order_by(Account.id).limit(1)
    return owed or await session.scalar(first)


async def _ask_a_person(session: WriteSession, client: int, event: str, now: datetime) -> None:
    await session.execute(
        insert(Task)
        .values(
            client_id=client,
            kind=TaskKind.REVIEW,
            reason="a reply came from an address that several clients share",
            source=f"{event}:shared",
            created_at=now,
        )
        .on_conflict_do_nothing()
    )
