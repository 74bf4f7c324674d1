"""Putting a turn into the store: the talk's new state, what is to be said, what it means, all in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any

from bot.application import Application
from bot.cards import masked_reply
from bot.content import pack, pack_reply
from dialogs.facts import Facts
from dialogs.labels import by_label
from dialogs.message import Chose, Keys, Message, Reply
from dialogs.state import State, UnknownSchema
from dialogs.turn import Turn, resume
from dialogs.walk import Walk
from engine.apply import Source, apply
from engine.contact import ChannelKind
from engine.outcome import LanguageChanged, OperatorRequested, OptedOut, WrongPerson
from engine.store.consents import Means
from engine.store.said import Queued, Rung, Said, write_rungs, write_said
from engine.store.session import WriteSession
from engine.store.tables.casework import Contact
from engine.store.tables.portfolio import Address, Client
from engine.store.tables.talk import Author, Conversation, Owner

REPLY, BULK = 0, 10
ANSWER_LIFE = timedelta(hours=24)
ASKED_IN = "asked_in"
"""Where a message's content names the turn it reminds of."""
UNREADABLE = "the talk was stored by a newer version of the program"


@dataclass(frozen=True, slots=True)
class Slot:
    """When a message may go out, how it ranks against others, and the contact it opens (an answer opens none).

    `asked_in` is the number of the turn a reminder is about: it is not sent once the talk has another, or nothing is
    owed any more. An answer goes out whatever comes after it.
    """

    start: datetime
    end: datetime
    priority: int = REPLY
    contact: int | None = None
    asked_in: int | None = None

    def queue(self, *, parting: bool) -> Queued:
        """The place in the queue of something said, `parting` where the bot says no more after it."""
        return Queued(self.start, self.end, self.priority, self.contact, parting)


def answer_slot(now: datetime) -> Slot:
    """An answer goes at once, whatever the hour: the client wrote to us. A day later it is of no use."""
    return Slot(now, now + ANSWER_LIFE)


def open_talk(
    session: WriteSession,
    app: Application,
    client: Client,
    address: Address,
    script: str,
    currency: str,
    now: datetime,
    contact: Contact | None = None,
) -> Conversation:
    """A conversation that has not said anything yet. It is written down with what it says."""
    talk = Conversation(
        client_id=client.id,
        contact_id=contact.id if contact else None,
        address_id=address.id,
        channel=address.channel,
        currency=currency,
        script=script,
        script_version=app.script_of(script).version,
        language=client.language,
        state={},
        thread=token_urlsafe(12).replace("_", "a").replace("-", "b").lower(),
        owner=Owner.BOT,
        opened_at=now,
        last_at=now,
    )
    session.add(talk)
    return talk


def state_of(talk: Conversation) -> State | None:
    """Where a talk stands; None where it has not begun, or a newer version of the program has stored it."""
    try:
        return State.from_json(talk.state)
    except UnknownSchema:
        return None


def turn_of(app: Application, talk: Conversation, reply: Reply, facts: Facts, now: datetime) -> Turn:
    """The turn that a reply makes in a talk that has begun. One that cannot be read goes to a person; a STOP counts."""
    script, state = app.script_of(talk.script), state_of(talk)
    before = state or _anew(app, talk, now)
    turn = resume(script, before, by_label(reply, script, before, app.catalogs), facts, now, app.languages)
    if state is None and not any(isinstance(outcome, OptedOut) for outcome in turn.outcomes):
        return fault_turn(app, talk, facts, now, UNREADABLE)
    return turn


def fault_turn(app: Application, talk: Conversation, facts: Facts, now: datetime, why: str) -> Turn:
    """The turn of a talk that cannot be gone on with: a person takes over, and is told why."""
    state = _anew(app, talk, now)
    walk = Walk(app.script_of(talk.script), facts, replace(state, turn=state.turn + 1), app.languages)
    walk.fault(why)
    return Turn(walk.state, tuple(walk.messages), tuple(walk.outcomes))


def _anew(app: Application, talk: Conversation, now: datetime) -> State:
    """A talk as after its end; only its turns are counted on."""
    script, alone = app.script_of(talk.script), not ChannelKind(talk.channel).overheard
    turns = talk.state.get("turn", 0)
    return State(script.name, script.version, talk.language, now, turn=turns, done=True, identified=alone)


async def take_turn(
    session: WriteSession,
    app: Application,
    talk: Conversation,
    turn: Turn,
    event: str,
    now: datetime,
    slot: Slot,
    means: Means = Means.WORD,
) -> None:
    """Store a turn, book its outcomes, queue what it says. The client is locked by the caller, who re-decides.

    Nothing is said to an address that has opted out before, or is known to be somebody else's: a second STOP gets no
    second confirmation.
    """
    address = await session.get_one(Address, talk.address_id)
    silenced = address.opted_out_at is not None or address.dead_since is not None
    parting = await book_turn(session, app, talk, turn, event, now, means)
    if turn.messages and not silenced:
        say(session, talk, turn.messages, now, slot, parting=parting)


async def book_turn(
    session: WriteSession,
    app: Application,
    talk: Conversation,
    turn: Turn,
    event: str,
    now: datetime,
    means: Means = Means.WORD,
) -> bool:
    """Store where a turn left the talk and what follows if nobody answers, and book its outcomes.

    Whether what it says are the bot's parting words.
    """
    if turn.outcomes:
        if talk.id is None:  # it begins with this turn
            await session.flush()
        place = (talk.client_id, talk.address_id, talk.channel, talk.currency)
        # What is said has no part in what is booked: the talks of all who are answered now are written in one go.
        with session.no_autoflush:
            await apply(session, turn.outcomes, Source(*place, event, means, talk.id, talk.contact_id), now)
    talk.state = turn.state.to_json()
    talk.last_at = now
    parting = False
    for outcome in turn.outcomes:
        match outcome:
            case OperatorRequested():
                talk.owner = Owner.WAITING
                parting = True
            case OptedOut() | WrongPerson():
                parting = True
            case LanguageChanged(language, _):
                talk.language = language
    if talk.owner == Owner.BOT:
        await_answer(session, app, talk, turn.state, now)
    return parting


def await_answer(session: WriteSession, app: Application, talk: Conversation, state: State, now: datetime) -> None:
    """Keep when the next rung of the question's silence ladder is due: its distance from the one before, from now on.

    So a program that was down for days does one rung when it is back, not all that are late.
    """
    script = app.scripts.get(talk.script)
    step = script.steps.get(state.asked) if script and not state.done else None
    ladder = step.ask.silence if step and step.ask else ()
    if state.rungs < len(ladder):
        before = ladder[state.rungs - 1].after if state.rungs else timedelta()
        due = now + ladder[state.rungs].after - before
        session.gather(write_rungs, Rung(talk, state.turn, state.rungs, due))


def means_of(reply: Reply) -> Means:
    """How something was said."""
    match reply:
        case Keys():
            return Means.KEY
        case Chose():
            return Means.BUTTON
    return Means.WORD


def note_reply(session: WriteSession, talk: Conversation, reply: Reply, now: datetime, **about: str) -> None:
    """Keep what the client said, without card numbers, and what is to be known `about` it."""
    reply = masked_reply(reply)
    session.gather(write_said, Said(talk, Author.CLIENT, now, pack_reply(reply) | about, getattr(reply, "text", None)))
    talk.last_at = now


def note_said(session: WriteSession, talk: Conversation, content: Mapping[str, Any], words: str, now: datetime) -> None:
    """Keep what the bot says at once, in the answer to a call's webhook: there is nothing to be queued."""
    session.gather(write_said, Said(talk, Author.BOT, now, content, words))


def say(
    session: WriteSession, talk: Conversation, messages: Sequence[Message], now: datetime, slot: Slot, *, parting: bool
) -> None:
    """Queue what the bot says. It is rendered when it is claimed for sending, from the facts of that moment."""
    content = pack(messages) | ({} if slot.asked_in is None else {ASKED_IN: slot.asked_in})
    session.gather(write_said, Said(talk, Author.BOT, now, content, queued=slot.queue(parting=parting)))


def answer_as(
    session: WriteSession, talk: Conversation, words: str, origin: Mapping[str, int | str], now: datetime
) -> None:
    """Queue what a person has written: it goes out as it is, by the way of all messages. `origin` says who wrote it."""
    content, queued = {**pack(()), **origin}, answer_slot(now).queue(parting=False)
    session.gather(write_said, Said(talk, Author.OPERATOR, now, content, words, queued))
    talk.last_at = now
