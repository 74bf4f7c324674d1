"""STOP, START and the list header of a mail, where no talk of the bot's hears them: consent taken away and given back.

Whoever has the words handled holds the clients of the address.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, text

from bot.application import Application
from bot.correspondents import addresses_of, hold_owners, new_talk, recent_talks
from bot.outright import language_of, says_stop
from bot.situation import Situations
from bot.speaking import Slot, answer_slot, means_of, note_reply, open_talk, say, take_turn
from channels.port import Inbound
from dialogs.turn import start
from engine.calendar import zone
from engine.contact import ChannelKind
from engine.plan import TaskKind
from engine.run import decide_clients
from engine.store.consents import Consent, Means, Proof, book_consent, reached
from engine.store.session import WriteSession, lock_clients
from engine.store.tables.portfolio import Address, Client
from engine.store.tables.talk import Conversation, Owner
from engine.store.tasks import give_task

WELCOME_BACK, OPT_OUT_DONE = "welcome_back", "opt_out_done"
ASKED_LATE = "they asked for our messages again; it was found late, so ask whether they still wish for them"
UNHEARD = "a STOP could not be handled: the address is opted out, and nobody has confirmed it"

FOUND_LATE = text("""
select exists (select from gaps where channel = :channel and kind = 'reply' and subject = :event)
""")


async def stop(
    session: WriteSession,
    app: Application,
    addresses: Sequence[Address],
    talk: Conversation | None,
    inbound: Inbound,
    event: str,
    now: datetime,
) -> str:
    """A STOP outside the bot's talks. It is confirmed in a talk of its own, unless a person has theirs or another STOP
    has been heard before.
    """
    stands = addresses[0].opted_out_at is None
    client = await session.get_one(Client, addresses[0].client_id)
    if talk is not None and (talk.owner != Owner.BOT or not stands):
        note_reply(session, talk, inbound.reply, now)
    else:
        situations = await Situations.read(session, app, [client.id], now)
        own = await new_talk(session, app, client, addresses[0], OPT_OUT_DONE, situations)
        if (held := own or talk) is not None:
            note_reply(session, held, inbound.reply, now)
        if own is not None and stands:
            own.language = language_of(inbound.reply, client.language, now, app.languages)
            _part(session, app, client, own, situations)
    await book_consent(session, Consent.OPTED_OUT, [addresses[0].id], proof_of(inbound, event), now)
    return "opted out"


def _part(session: WriteSession, app: Application, client: Client, talk: Conversation, situations: Situations) -> None:
    """Say in a talk of its own that no more will come: the last words to an address that has not opted out yet."""
    now = situations.now
    turn = start(app.scripts[OPT_OUT_DONE], situations.facts(client, talk.currency), talk.language, now)
    talk.state = turn.state.to_json()
    say(session, talk, turn.messages, now, answer_slot(now), parting=True)


async def stop_unheard(session: WriteSession, app: Application, inbound: Inbound, event: str, now: datetime) -> None:
    """What is left of a reply that could not be handled: if it was a STOP it counts, and a person is to look at it."""
    listed = await listed_talk(session, inbound)
    addresses: Sequence[Address] = ()
    if listed is not None:
        addresses = [await session.get_one(Address, listed.address_id)]
    elif not inbound.automatic and says_stop(inbound.reply, now, app.languages):
        addresses = await addresses_of(session, inbound.channel, inbound.sender)
    if addresses:
        await lock_clients(session, sorted({address.client_id for address in addresses}))
        await book_consent(session, Consent.OPTED_OUT, [addresses[0].id], proof_of(inbound, event), now)
        await give_task(session, addresses[0].client_id, TaskKind.REVIEW, UNHEARD, f"{event}:unheard", now)


async def listed_talk(session: WriteSession, inbound: Inbound) -> Conversation | None:
    """The talk whose list header a mail was written to, however long ago it was."""
    if not inbound.unsubscribes:
        return None
    return await session.scalar(select(Conversation).where(Conversation.thread == inbound.thread))


async def unsubscribe(
    session: WriteSession, app: Application, talk: Conversation, inbound: Inbound, event: str, now: datetime
) -> str:
    """The address a talk was held with wants no more mails. Who says so does not matter: people have their mail sent
    on, programs do it for them, and nobody else knows the thread.
    """
    await lock_clients(session, [talk.client_id])
    await session.refresh(talk, with_for_update=True)
    note_reply(session, talk, inbound.reply, now)
    client, address = await session.get_one(Client, talk.client_id), await session.get_one(Address, talk.address_id)
    if talk.owner == Owner.BOT and address.opted_out_at is None:
        own = open_talk(session, app, client, address, OPT_OUT_DONE, talk.currency, now)
        _part(session, app, client, own, await Situations.read(session, app, [client.id], now))
    await book_consent(session, Consent.OPTED_OUT, [talk.address_id], Proof(Means.LINK, event), now)
    await decide_clients(session, [talk.client_id], now, app.hours)
    return "opted out"


async def come_back(
    session: WriteSession,
    app: Application,
    addresses: Sequence[Address],
    talk: Conversation | None,
    inbound: Inbound,
    event: str,
    now: datetime,
) -> str:
    """Whoever had stopped our messages asks for them, in so many words: that alone gives consent back.

    What no webhook brought may be older than a STOP that one did bring: then a person asks.
    """
    owners = sorted({address.client_id for address in addresses})
    if talk is not None:
        note_reply(session, talk, inbound.reply, now)
    if await session.scalar(FOUND_LATE, {"channel": inbound.channel.value, "event": inbound.event}):
        await give_task(session, owners[0], TaskKind.REVIEW, ASKED_LATE, f"{event}:late", now)
        return "wants our messages again, found late"
    await reached(session, addresses, proof_of(inbound, event), now)
    back = await book_consent(session, Consent.OPTED_IN, [addresses[0].id], proof_of(inbound, event), now)
    if back and len(owners) == 1 and (talk is None or talk.owner == Owner.BOT):
        await greet(session, app, addresses[0], WELCOME_BACK, event, now)
    return "wants our messages again"


async def let_back(session: WriteSession, app: Application, address: Address, proof: Proof, now: datetime) -> bool:
    """A person says that an address may be used again; False where it was never stopped, or may be already.

    Its holder is told once, in their contact hours, by a message: nobody is called for that, and no person's talk is
    cut into. Raises ReasonMissing.
    """
    await hold_owners(session, [address.lookup])
    if not (back := await book_consent(session, Consent.OPTED_IN, [address.id], proof, now)):
        return False
    held = any(talk.owner != Owner.BOT for talk in await recent_talks(session, [address], now))
    if back == 1 and not held and address.dead_since is None and address.channel != ChannelKind.VOICE:
        client = await session.get_one(Client, address.client_id)
        slot = Slot(*app.hours.next_span(now, zone(client.timezone)))
        await greet(session, app, address, WELCOME_BACK, proof.evidence, now, slot)
    return True


async def greet(
    session: WriteSession,
    app: Application,
    address: Address,
    script: str,
    event: str,
    now: datetime,
    slot: Slot | None = None,
) -> None:
    """Open a talk in the client's language, at once where no `slot` says when. Without any account there is nothing to
    talk of.
    """
    await lock_clients(session, [address.client_id])
    client = await session.get_one(Client, address.client_id)
    situations = await Situations.read(session, app, [client.id], now)
    talk = await new_talk(session, app, client, address, script, situations)
    if talk is not None:
        turn = start(app.script_of(script), situations.facts(client, talk.currency), client.language, now)
        await take_turn(session, app, talk, turn, event, now, slot or answer_slot(now))


def proof_of(inbound: Inbound, event: str) -> Proof:
    """A reply as what consent rests on."""
    return Proof(means(inbound), event)


def means(inbound: Inbound) -> Means:
    """By which means a reply says what it says."""
    return Means.LINK if inbound.unsubscribes else means_of(inbound.reply)
