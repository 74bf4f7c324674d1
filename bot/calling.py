"""A call in progress: each webhook is one turn in one transaction, answered with what is to be said next.

Everything said is kept with the event it answers, so that a webhook posted twice is answered twice and taken once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text

from bot.application import INBOUND, Application
from bot.content import pack, unpack
from bot.correspondents import addresses_of, new_talk
from bot.delivery import Progress, record
from bot.situation import Situations
from bot.speaking import (
    answer_slot,
    book_turn,
    fault_turn,
    means_of,
    note_reply,
    note_said,
    open_talk,
    state_of,
    take_turn,
    turn_of,
)
from bot.spoken import Spoken, said_in, said_rows
from channels.twiml import Place, Then, Utterance, document, hang_up, notice, utterance
from channels.voice import AnsweredBy, CallEvent, Move, call_address, move
from dialogs.facts import Facts
from dialogs.flow import AskKind, Script
from dialogs.identity import tail
from dialogs.message import Chose, Keys, Message, Reply, Said, Value
from dialogs.render import phrase, render
from dialogs.turn import Turn, start
from engine.contact import ChannelKind, Delivery
from engine.money import Money
from engine.outcome import LinkWanted, OperatorRequested
from engine.run import decide_clients
from engine.store.consents import Means
from engine.store.session import ReadSession, WriteSession, lock_clients
from engine.store.tables.portfolio import Address, Client
from engine.store.tables.talk import Conversation, MessageRow, Owner

CALLS = "twilio-calls"
LINK = "pay_link"
STOP = "stop"
"""What the key for it says; a word of every language (`dialogs.reading`)."""

KNOWN = text("""
select array(select ref from accounts where client_id = :client order by id) as refs,
       exists (select from addresses
               where client_id = :client and channel = 'sms' and coalesce(dead_since, opted_out_at) is null) as texts
""")


@dataclass(frozen=True, slots=True)
class Call:
    """A talk by telephone, with everything it takes to go on with it. `key` names the call in its webhooks' addresses.

    `attempt` is the contact's try that made it, None where the client called us.
    """

    session: WriteSession
    app: Application
    now: datetime
    key: str
    talk: Conversation
    client: Client
    facts: Facts
    attempt: UUID | None = None

    @property
    def base(self) -> str:
        """Where the webhooks of this call go."""
        return call_address(self.app.public_url, self.key)

    @property
    def identified(self) -> bool:
        """Whether the debt may be spoken of by now."""
        state = state_of(self.talk)
        return state is not None and state.identified

    @property
    def script(self) -> Script:
        """The script of the talk."""
        return self.app.script_of(self.talk.script)

    def phrase(self, name: str, args: dict[str, Value] | None = None) -> str:
        """A phrase of calls in the language of the talk."""
        app, talk = self.app, self.talk
        return phrase(name, self.script, self.facts, talk.language, app.catalogs, args)

    def words(self, messages: Sequence[Message], then: Then) -> Utterance:
        """Messages as they are spoken, with what belongs to the way the turn ends."""
        app, talk = self.app, self.talk
        speech = render(messages, self.script, self.facts, talk.language, app.catalogs, ChannelKind.VOICE)
        said = utterance(speech, then)
        if then is Then.LISTEN:
            return said
        last = "goodbye" if then is Then.HANG_UP else "connecting" if app.manner.operator else "call_back"
        return said.before(self.phrase(last))

    def document(self, said: Utterance, place: Place) -> str:
        """The instructions that speak it."""
        return document(said, place, self.app.manner)

    async def heard(self) -> None:
        """A person has heard the message to its end: that is what delivered means on a telephone."""
        if self.attempt is not None and self.identified:
            await record(self.session, self.attempt, Progress(Delivery.DELIVERED), self.now)


async def call_of(
    session: WriteSession, app: Application, talk: Conversation, key: str, attempt: UUID | None, now: datetime
) -> Call:
    """Take a talk up for one webhook; its client and itself are locked."""
    await lock_clients(session, [talk.client_id])
    await session.refresh(talk, with_for_update=True)
    client = await session.get_one(Client, talk.client_id)
    facts = await call_facts(session, app, client, talk, now)
    return Call(session, app, now, key, talk, client, facts, attempt)


async def call_facts(
    session: ReadSession, app: Application, client: Client, talk: Conversation, now: datetime
) -> Facts:
    """What may be said in a call: there is a pay link where it can be sent by SMS."""
    known = (await session.execute(KNOWN, {"client": client.id})).one()
    facts = (await Situations.read(session, app, [client.id], now)).facts(client, talk.currency, talk.contact_id)
    texts = known.texts and ChannelKind.SMS in app.channels
    return replace(
        facts,
        account_tails=tuple(dict.fromkeys(filter(None, map(tail, known.refs)))),
        link_by_sms=texts,
        pay_link=facts.pay_link if texts else "",
    )


async def texts_to(session: ReadSession, app: Application, client: int) -> Address | None:
    """The telephone a link can be sent to, while a call goes on."""
    mine = select(Address).where(Address.client_id == client, Address.channel == ChannelKind.SMS)
    usable = mine.where(Address.dead_since.is_(None), Address.opted_out_at.is_(None))
    return await session.scalar(usable.order_by(Address.id).limit(1)) if ChannelKind.SMS in app.channels else None


async def open_call(call: Call, event: CallEvent, opening: MessageRow) -> str:
    """Somebody or something has answered a call of ours: the opening for a person, a notice for a machine."""
    if event.answered_by is not AnsweredBy.PERSON:
        if call.attempt is not None:
            failed = Progress(Delivery.FAILED, event.sid, code=f"answered by {event.answered_by}")
            await record(call.session, call.attempt, failed, call.now)
        if event.answered_by is AnsweredBy.FAX:
            return hang_up()
        left = call.phrase("voicemail", {"callback": call.app.callback})
        return notice([left], call.talk.language, call.app.manner)
    said = said_in(opening)
    if said is None:
        said = await _say_opening(call, event, opening)
    elif said.sid != event.sid:
        return hang_up()  # a second ring is possible, a second dialogue is not
    if call.attempt is not None:
        await record(call.session, call.attempt, Progress(Delivery.SENT, event.sid), call.now)
    return call.document(said.words, Place(call.base, said.turn))


async def _say_opening(call: Call, event: CallEvent, opening: MessageRow) -> Spoken:
    """The first words of a call; where they are not to be had any more, that a person will go on with it."""
    state, messages = state_of(call.talk), unpack(opening.content)
    if state is None or any(message.key not in call.script.texts for message in messages):
        why = "the first words of the call, or where it stands, cannot be read any more"
        said = await say_turn(call, fault_turn(call.app, call.talk, call.facts, call.now, why), event)
    else:
        words = call.words(messages, Then.LISTEN).before(call.phrase("help"))
        said = Spoken(event.event, event.sid, state.turn, words)
    said.write_on(opening)
    return said


async def take_answer(call: Call, event: CallEvent, place: Place) -> str:
    """An answer, or silence, to what was said at that place."""
    said = {one.turn: one for row in await said_rows(call.session, call.talk.id) if (one := said_in(row))}
    before, after = said.get(place.turn), said.get(place.turn + 1)
    if before is None:
        return hang_up()
    if after is not None:
        # Taken already: this event, posted again, or one that comes too late.
        latest = after if after.event == event.event else said[max(said)]
        return call.document(latest.words, Place(call.base, latest.turn))
    await call.heard()
    again = replace(place, again=place.again + 1)
    match move(event, place.silent):
        case Move.REMIND:
            words = before.words.after(call.phrase("silent")).before(call.phrase("help"))
            return call.document(words, replace(again, silent=place.silent + 1))
        case Move.REPEAT:
            return call.document(replace(before.words, slow=True), again)
        case Move.GOODBYE:
            return notice([call.phrase("goodbye")], call.talk.language, call.app.manner)
        case Move.PERSON:
            return await _turn(call, Chose("operator"), event)
        case Move.TURN:
            return await _turn(call, Said(STOP) if _stops(call, event.reply) else event.reply or Keys(""), event)


def _stops(call: Call, reply: Reply | None) -> bool:
    """Nine is the key for no more calls where a choice is asked for that has no ninth; elsewhere it is a number.

    Where nobody can say what is asked for, it is that key.
    """
    state = state_of(call.talk)
    if reply != Keys("9") or state is None:
        return reply == Keys("9")
    step = call.script.steps.get(state.asked)
    choice = step is not None and step.ask is not None and step.ask.kind in (AskKind.CHOICE, AskKind.YES_NO)
    return choice and len(state.offered) < 9


async def _turn(call: Call, reply: Reply, event: CallEvent) -> str:
    app, talk, session = call.app, call.talk, call.session
    if talk.owner != Owner.BOT:
        return call.document(call.words((), Then.OPERATOR), Place(call.base, 0))
    note_reply(session, talk, reply if call.identified else _veiled(reply), call.now)
    turn = turn_of(app, talk, reply, call.facts, call.now)
    said = await say_turn(call, turn, event)
    await decide_clients(session, [call.client.id], call.now, app.hours)
    return call.document(said.words, Place(call.base, said.turn))


async def say_turn(call: Call, turn: Turn, event: CallEvent) -> Spoken:
    """Book a turn and keep what is spoken in it: nothing of it is queued, the answer to the webhook says it."""
    session, talk = call.session, call.talk
    source = f"{CALLS}:{event.event}"
    means = means_of(event.reply) if event.reply else Means.WORD
    await book_turn(session, call.app, talk, turn, source, call.now, means)
    if any(isinstance(outcome, LinkWanted) for outcome in turn.outcomes):
        await _send_link(call, source)
    words = call.words(turn.messages, _then(turn))
    if turn.state.turn == 1:
        words = words.before(call.phrase("help"))
    said = Spoken(event.event, event.sid, turn.state.turn, words)
    note_said(session, talk, pack(turn.messages) | said.content(), said.text, call.now)
    return said


def _then(turn: Turn) -> Then:
    if any(isinstance(outcome, OperatorRequested) for outcome in turn.outcomes):
        return Then.OPERATOR
    return Then.HANG_UP if turn.state.done else Then.LISTEN


def _veiled(reply: Reply) -> Reply:
    """Digits that prove who somebody is are not kept."""
    return Keys("•" * len(reply.digits)) if isinstance(reply, Keys) and len(reply.digits) > 1 else reply


async def _send_link(call: Call, event: str) -> None:
    """The pay link, by SMS, in a talk of its own."""
    if (address := await texts_to(call.session, call.app, call.client.id)) is None:
        return
    talk = open_talk(call.session, call.app, call.client, address, LINK, call.talk.currency, call.now)
    turn = start(call.app.script_of(LINK), call.facts, call.talk.language, call.now)
    talk.language = call.talk.language
    await take_turn(call.session, call.app, talk, turn, event, call.now, answer_slot(call.now))


async def take_call(session: WriteSession, app: Application, event: CallEvent, now: datetime) -> str:
    """Somebody calls us: the script for those who write first, behind the identity step; a stranger hears no more."""
    addresses = await addresses_of(session, ChannelKind.VOICE, event.person)
    if len({address.client_id for address in addresses}) != 1:
        return _stranger(app, event, now)
    await lock_clients(session, [addresses[0].client_id])
    client = await session.get_one(Client, addresses[0].client_id)
    owed = await Situations.read(session, app, [client.id], now)
    talk = await new_talk(session, app, client, addresses[0], INBOUND, owed)
    if talk is None:
        return _stranger(app, event, now)
    talk.thread = event.sid.lower()
    call = await call_of(session, app, talk, talk.thread, None, now)
    turn = start(app.scripts[INBOUND], call.facts, client.language, now, identified=False)
    said = await say_turn(call, turn, event)
    return call.document(said.words, Place(call.base, said.turn))


def _stranger(app: Application, event: CallEvent, now: datetime) -> str:
    language, today = app.languages[0], now.date()
    script, catalogs = app.scripts[INBOUND], app.catalogs
    facts = Facts(today, "", app.creditor, Money(0, "EUR"), today, 0, (), operator_hours=app.operator_hours)
    callback = {"callback": app.callback}
    way = "connecting" if app.manner.operator else "reach"
    lines = tuple(phrase(name, script, facts, language, catalogs, callback) for name in ("stranger", way))
    base = call_address(app.public_url, event.sid.lower())
    return document(Utterance(language, lines, Then.OPERATOR), Place(base, 0), app.manner)
