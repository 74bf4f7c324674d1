"""Replies come in: find the talk each belongs to, take its turn, book what it means, decide anew; one transaction.

Replies that come together are handled together: what is asked of the store is asked once for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select

from bot.application import INBOUND, Application
from bot.cards import masked_reply
from bot.consenting import come_back, listed_talk, means, proof_of, stop, unsubscribe
from bot.correspondents import (
    Registrations,
    hold_owners,
    lookup_of,
    new_talk,
    recent_talks,
    registrations,
    talk_of,
)
from bot.outright import says_start, says_stop, says_wrong_person
from bot.situation import Situations
from bot.speaking import answer_slot, note_reply, take_turn, turn_of
from channels.port import Inbound
from dialogs.turn import answer_first
from engine.plan import TaskKind
from engine.run import decide_clients
from engine.store.consents import reached
from engine.store.session import WriteSession
from engine.store.tables.portfolio import Address, Client
from engine.store.tables.talk import Conversation, MessageRow, Owner
from engine.store.tasks import give_task

WRONG_PERSON = "wrong_person"
SHARED = "a reply came from an address that several clients share"


@dataclass(frozen=True, slots=True)
class Letter:
    """A reply, and the event that is its proof."""

    inbound: Inbound
    event: str


@dataclass(frozen=True, slots=True)
class _Known:
    """A reply of somebody who is known: its place among all, and the registrations of its address, oldest first."""

    place: int
    letter: Letter
    addresses: Sequence[Address]

    @property
    def owners(self) -> frozenset[int]:
        return frozenset(address.client_id for address in self.addresses)


@dataclass(frozen=True, slots=True)
class _Answering:
    """A reply that is one in a talk with a client; None before that talk is begun."""

    known: _Known
    client: Client
    talk: Conversation | None


async def hear(session: WriteSession, app: Application, inbound: Inbound, event: str, now: datetime) -> str:
    """Handle one reply. What became of it, in a word for the inbox's record."""
    if (listed := await listed_talk(session, inbound)) is not None:
        return await unsubscribe(session, app, listed, inbound, event, now)
    (note,) = await hear_all(session, app, [Letter(inbound, event)], now)
    return note


async def hear_all(session: WriteSession, app: Application, letters: Sequence[Letter], now: datetime) -> list[str]:
    """Handle replies, those of one client in their order, none by a list header. What became of each.

    An unknown sender is kept on record and never answered; automatic mail likewise.
    """
    lookups = [lookup_of(letter.inbound.channel, letter.inbound.sender) for letter in letters]
    wanted = {
        lookup for letter, lookup in zip(letters, lookups, strict=True) if lookup and not letter.inbound.automatic
    }
    known = Registrations({}, {})
    if wanted:
        await hold_owners(session, wanted)
        known = await registrations(session, wanted)
    notes = ["written by no person" if letter.inbound.automatic else "unknown sender" for letter in letters]
    found = [
        _Known(place, _masked(letter), known.addresses[lookup])
        for place, (letter, lookup) in enumerate(zip(letters, lookups, strict=True))
        if lookup and lookup in known.addresses and not letter.inbound.automatic
    ]
    for some in _apart(found):
        for one, note in (await _hear_some(session, app, some, known.clients, now)).items():
            notes[one] = note
    return notes


def _masked(letter: Letter) -> Letter:
    return replace(letter, inbound=replace(letter.inbound, reply=masked_reply(letter.inbound.reply)))


def _apart(letters: Sequence[_Known]) -> Iterator[Sequence[_Known]]:
    """In parts in which nobody has two: what comes of a reply counts for the next one of the same client."""
    part: list[_Known] = []
    for letter in letters:
        if any(letter.owners & other.owners for other in part):
            yield part
            part = []
        part.append(letter)
    if part:
        yield part


async def _hear_some(
    session: WriteSession, app: Application, some: Sequence[_Known], clients: Mapping[int, Client], now: datetime
) -> Mapping[int, str]:
    recent = await recent_talks(session, [address for one in some for address in one.addresses], now)
    notes, answering = dict[int, str](), list[_Answering]()
    for one in some:
        own = {address.id for address in one.addresses}
        talk = talk_of([talk for talk in recent if talk.address_id in own], one.letter.inbound)
        note = await _outright(session, app, one, talk, now)
        if note is None:
            answering.append(_Answering(one, clients[talk.client_id if talk else min(one.owners)], talk))
        else:
            notes[one.place] = note
    return notes | await _answer(session, app, answering, now)


async def _outright(
    session: WriteSession, app: Application, one: _Known, talk: Conversation | None, now: datetime
) -> str | None:
    """What became of a reply that no talk is needed for; None of one that is to be answered."""
    inbound, event = one.letter.inbound, one.letter.event
    if any(address.opted_out_at for address in one.addresses) and says_start(inbound.reply, app.languages):
        return await come_back(session, app, one.addresses, talk, inbound, event, now)
    if (talk is None or talk.owner != Owner.BOT) and says_stop(inbound.reply, now, app.languages):
        return await stop(session, app, one.addresses, talk, inbound, event, now)
    if talk is None and len(one.owners) > 1:
        await give_task(session, min(one.owners), TaskKind.REVIEW, SHARED, f"{event}:shared", now)
        return "several clients share this address"
    return None


async def _answer(
    session: WriteSession, app: Application, answering: Sequence[_Answering], now: datetime
) -> dict[int, str]:
    """Take the turns of replies of different clients, and decide anew for those of whom anything was booked."""
    if not answering:
        return {}
    situations = await Situations.read(session, app, sorted(one.client.id for one in answering), now)
    notes, booked = dict[int, str](), list[int]()
    for one in answering:
        inbound, client = one.known.letter.inbound, one.client
        await reached(session, one.known.addresses, proof_of(inbound, one.known.letter.event), now)
        talk = one.talk
        if talk is None:
            script = WRONG_PERSON if says_wrong_person(inbound.reply, now, app.languages) else INBOUND
            talk = await new_talk(session, app, client, one.known.addresses[0], script, situations)
        if talk is None:
            notes[one.known.place] = "the client has no account"
            continue
        address = await session.get_one(Address, talk.address_id)
        said = "heard" if address.opted_out_at or address.dead_since else "answered"
        if await _take(session, app, client, talk, one.known.letter, situations):
            booked.append(client.id)
        notes[one.known.place] = said if talk.owner == Owner.BOT else "for a person"
    if booked:
        await decide_clients(session, booked, now, app.hours)
    return notes


async def _take(
    session: WriteSession,
    app: Application,
    client: Client,
    talk: Conversation,
    letter: Letter,
    situations: Situations,
) -> bool:
    """Take the turn of a reply. Whether anything was booked that a decision may rest on."""
    inbound, now = letter.inbound, situations.now
    late = inbound.edited and not await _still_asked(session, talk, inbound.message)
    note_reply(session, talk, inbound.reply, now, message=inbound.message, asked=talk.state.get("asked", ""))
    if talk.owner != Owner.BOT or (late and not says_stop(inbound.reply, now, app.languages)):
        return False
    facts = situations.facts(client, talk.currency, talk.contact_id)
    if talk.state:
        turn = turn_of(app, talk, inbound.reply, facts, now)
    else:
        turn = answer_first(app.script_of(talk.script), inbound.reply, facts, client.language, now, app.languages)
    await take_turn(session, app, talk, turn, letter.event, now, answer_slot(now), means(inbound))
    return bool(turn.outcomes)


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
