"""A reply comes in: find the talk it belongs to, take the turn, book what it means, decide anew; one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from bot.application import INBOUND, Application
from bot.cards import masked_reply
from bot.content import pack_reply
from bot.outright import language_of, says_start, says_stop, says_wrong_person
from bot.situation import Situations
from bot.speaking import answer_slot, means_of, open_talk, say, take_turn, turn_of
from channels.port import Inbound
from dialogs.message import Reply
from dialogs.turn import answer_first, start
from engine.contact import ChannelKind
from engine.plan import TaskKind
from engine.run import decide_clients
from engine.store.addresses import BadAddress, blind_index
from engine.store.consents import Consent, Means, Proof, book_consent, reached
from engine.store.session import WriteSession, lock_clients
from engine.store.tables.casework import Task
from engine.store.tables.portfolio import Account, Address, Client
from engine.store.tables.talk import Author, Conversation, MessageRow, Owner

BELONGS = timedelta(days=14)
"""A reply belongs to the latest conversation of its address within this time (ARCHITECTURE 15)."""

WELCOME_BACK, OPT_OUT_DONE, WRONG_PERSON = "welcome_back", "opt_out_done", "wrong_person"
SHARED = "a reply came from an address that several clients share"
ASKED_LATE = "they asked for our messages again; it was found late, so ask whether they still wish for them"
UNHEARD = "a STOP could not be handled: the address is opted out, and nobody has confirmed it"


FOUND_LATE = text("""
select exists (select from gaps where channel = :channel and kind = 'reply' and subject = :event)
""")


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a reply, in a word for the inbox's record."""

    note: str


async def hear(session: WriteSession, app: Application, inbound: Inbound, event: str, now: datetime) -> Heard:
    """Handle one reply. An unknown sender is kept on record and never answered; automatic mail likewise."""
    if (listed := await _listed(session, inbound)) is not None:
        return await _unsubscribe(session, app, listed, inbound, event, now)
    if inbound.automatic:
        return Heard("written by no person")
    inbound = replace(inbound, reply=masked_reply(inbound.reply))
    addresses = await addresses_of(session, inbound.channel, inbound.sender)
    if not addresses:
        return Heard("unknown sender")
    talk = await _talk_of(session, addresses, inbound, now)
    owners = {address.client_id for address in addresses}
    if any(address.opted_out_at for address in addresses) and says_start(inbound.reply, app.languages):
        return await _back(session, app, addresses, inbound, event, now)
    if (talk is None or talk.owner != Owner.BOT) and says_stop(inbound.reply, now, app.languages):
        return await _stop(session, app, addresses, inbound, event, now)
    if talk is None and len(owners) > 1:
        await _ask_a_person(session, sorted(owners)[0], SHARED, f"{event}:shared", now)
        return Heard("several clients share this address")
    client_id = talk.client_id if talk else owners.pop()
    await lock_clients(session, [client_id])
    await reached(session, addresses, Proof(_means(inbound), event), now)
    client = await session.get_one(Client, client_id)
    if talk is None:
        wrong = says_wrong_person(inbound.reply, now, app.languages)
        talk = await _new_talk(session, app, client, addresses[0], now, WRONG_PERSON if wrong else INBOUND)
    if talk is None:
        return Heard("the client has no account")
    await session.refresh(talk, with_for_update=True)
    address = await session.get_one(Address, talk.address_id)
    said = "heard" if address.opted_out_at or address.dead_since else "answered"
    await _take(session, app, client, talk, inbound, event, now)
    await decide_clients(session, [client.id], now, app.hours)
    return Heard(said if talk.owner == Owner.BOT else "for a person")


async def _take(
    session: WriteSession,
    app: Application,
    client: Client,
    talk: Conversation,
    inbound: Inbound,
    event: str,
    now: datetime,
) -> None:
    late = inbound.edited and not await _still_asked(session, talk, inbound.message)
    note_reply(session, talk, inbound.reply, now, message=inbound.message, asked=talk.state.get("asked", ""))
    if talk.owner != Owner.BOT or (late and not says_stop(inbound.reply, now, app.languages)):
        return
    facts = (await Situations.read(session, app, [client.id], now)).facts(client, talk.currency, talk.contact_id)
    if talk.state:
        turn = turn_of(app, talk, inbound.reply, facts, now)
    else:
        turn = answer_first(app.script_of(talk.script), inbound.reply, facts, client.language, now, app.languages)
    await take_turn(session, app, talk, turn, event, now, answer_slot(now), _means(inbound))


async def _still_asked(session: WriteSession, talk: Conversation, message: str) -> bool:
    """Whether the question a message answered is still open, so that other words in its place can answer it."""
    last = select(MessageRow.content).where(
        MessageRow.conversation_id == talk.id, MessageRow.content["message"].as_string() == message
    )
    said = await session.scalar(last.order_by(MessageRow.id.desc()).limit(1))
    state = talk.state
    return (
        said is not None
        and bool(state)
        and (state.get("misses", 0) > 0 or said["asked"] == state.get("asked", "") != "")
    )


async def _stop(
    session: WriteSession,
    app: Application,
    addresses: Sequence[Address],
    inbound: Inbound,
    event: str,
    now: datetime,
) -> Heard:
    """A STOP outside the bot's talks. It is confirmed in a talk of its own, unless a person has theirs or another STOP
    has been heard meanwhile."""
    await lock_clients(session, sorted({address.client_id for address in addresses}))
    await session.refresh(addresses[0])
    stands = addresses[0].opted_out_at is None
    talk = await _talk_of(session, addresses, inbound, now)
    client = await session.get_one(Client, addresses[0].client_id)
    alone = talk is None or (talk.owner == Owner.BOT and stands)
    own = await _new_talk(session, app, client, addresses[0], now, OPT_OUT_DONE) if alone else None
    if (held := own or talk) is not None:
        note_reply(session, held, inbound.reply, now)
    if own is not None and stands:
        own.language = language_of(inbound.reply, client.language, now, app.languages)
        await _part(session, app, client, own, now)
    await book_consent(session, Consent.OPTED_OUT, [addresses[0].id], Proof(_means(inbound), event), now)
    return Heard("opted out")


async def _part(session: WriteSession, app: Application, client: Client, talk: Conversation, now: datetime) -> None:
    """Say in a talk of its own that no more will come: the last words to an address that has not opted out yet."""
    facts = (await Situations.read(session, app, [client.id], now)).facts(client, talk.currency)
    turn = start(app.scripts[OPT_OUT_DONE], facts, talk.language, now)
    talk.state = turn.state.to_json()
    await say(session, talk, turn.messages, now, answer_slot(now), parting=True)


async def stop_unheard(session: WriteSession, app: Application, inbound: Inbound, event: str, now: datetime) -> None:
    """What is left of a reply that could not be handled: if it was a STOP it counts, and a person is to look at it."""
    listed = await _listed(session, inbound)
    addresses: Sequence[Address] = ()
    if listed is not None:
        addresses = [await session.get_one(Address, listed.address_id)]
    elif not inbound.automatic and says_stop(inbound.reply, now, app.languages):
        addresses = await addresses_of(session, inbound.channel, inbound.sender)
    if addresses:
        await lock_clients(session, sorted({address.client_id for address in addresses}))
        await book_consent(session, Consent.OPTED_OUT, [addresses[0].id], Proof(_means(inbound), event), now)
        await _ask_a_person(session, addresses[0].client_id, UNHEARD, f"{event}:unheard", now)


async def _listed(session: WriteSession, inbound: Inbound) -> Conversation | None:
    """The talk whose list header a mail was written to, however long ago it was."""
    if not inbound.unsubscribes:
        return None
    return await session.scalar(select(Conversation).where(Conversation.thread == inbound.thread))


async def _unsubscribe(
    session: WriteSession, app: Application, talk: Conversation, inbound: Inbound, event: str, now: datetime
) -> Heard:
    """The address a talk was held with wants no more mails. Who says so does not matter: people have their mail sent
    on, programs do it for them, and nobody else knows the thread."""
    await lock_clients(session, [talk.client_id])
    await session.refresh(talk, with_for_update=True)
    note_reply(session, talk, inbound.reply, now)
    client, address = await session.get_one(Client, talk.client_id), await session.get_one(Address, talk.address_id)
    if talk.owner == Owner.BOT and address.opted_out_at is None:
        own = await open_talk(session, app, client, address, OPT_OUT_DONE, talk.currency, now)
        await _part(session, app, client, own, now)
    await book_consent(session, Consent.OPTED_OUT, [talk.address_id], Proof(Means.LINK, event), now)
    await decide_clients(session, [talk.client_id], now, app.hours)
    return Heard("opted out")


async def _back(
    session: WriteSession, app: Application, addresses: Sequence[Address], inbound: Inbound, event: str, now: datetime
) -> Heard:
    """Whoever had stopped our messages asks for them, in so many words: that alone gives consent back.

    What no webhook brought may be older than a STOP that one did bring: then a person asks.
    """
    owners = sorted({address.client_id for address in addresses})
    await lock_clients(session, owners)
    talk = await _talk_of(session, addresses, inbound, now)
    if talk is not None:
        note_reply(session, talk, inbound.reply, now)
    if await session.scalar(FOUND_LATE, {"channel": inbound.channel.value, "event": inbound.event}):
        await _ask_a_person(session, owners[0], ASKED_LATE, f"{event}:late", now)
        return Heard("wants our messages again, found late")
    await reached(session, addresses, Proof(_means(inbound), event), now)
    back = await book_consent(session, Consent.OPTED_IN, [addresses[0].id], Proof(_means(inbound), event), now)
    if back and len(owners) == 1 and (talk is None or talk.owner == Owner.BOT):
        await greet(session, app, addresses[0], WELCOME_BACK, event, now)
    return Heard("wants our messages again")


async def greet(
    session: WriteSession, app: Application, address: Address, script: str, event: str, now: datetime
) -> None:
    """Open a talk in the client's language. Without any account there is nothing to talk of."""
    await lock_clients(session, [address.client_id])
    client = await session.get_one(Client, address.client_id)
    currency = await talk_currency(session, app, client.id, now)
    if currency is None:
        return
    talk = await open_talk(session, app, client, address, script, currency, now)
    facts = (await Situations.read(session, app, [client.id], now)).facts(client, currency)
    turn = start(app.script_of(script), facts, client.language, now)
    await take_turn(session, app, talk, turn, event, now, answer_slot(now))


def _means(inbound: Inbound) -> Means:
    return Means.LINK if inbound.unsubscribes else means_of(inbound.reply)


def note_reply(session: WriteSession, talk: Conversation, reply: Reply, now: datetime, **about: str) -> None:
    """Keep what the client said, without card numbers, and what is to be known `about` it."""
    reply = masked_reply(reply)
    session.add(
        MessageRow(
            conversation_id=talk.id,
            author=Author.CLIENT,
            at=now,
            content=pack_reply(reply) | about,
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
    session: WriteSession, app: Application, client: Client, address: Address, now: datetime, script: str
) -> Conversation | None:
    currency = await talk_currency(session, app, client.id, now)
    if currency is None:
        return None
    return await open_talk(session, app, client, address, script, currency, now)


async def talk_currency(session: WriteSession, app: Application, client: int, now: datetime) -> str | None:
    """The currency to speak of: that of most debt, else that of the first account; None without accounts."""
    owed = (await Situations.read(session, app, [client], now)).main_currency(client)
    first = select(Account.currency).where(Account.client_id == client).order_by(Account.id).limit(1)
    return owed or await session.scalar(first)


async def _ask_a_person(session: WriteSession, client: int, reason: str, source: str, now: datetime) -> None:
    task = {"client_id": client, "kind": TaskKind.REVIEW, "reason": reason, "source": source, "created_at": now}
    await session.execute(insert(Task).values(task).on_conflict_do_nothing())
