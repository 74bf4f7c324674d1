"""From a webhook of a call to the transaction that takes it: find the talk, keep the event, answer."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from bot.application import Application
from bot.calling import CALLS, Call, call_of, open_call, take_answer, take_call
from bot.inbox import keep
from bot.situation import Situations
from bot.spoken import said_in, said_rows
from channels.twiml import Place, hang_up, notice
from channels.voice import CallEvent
from engine.store.session import WriteSession
from engine.store.tables.casework import Case, Contact
from engine.store.tables.portfolio import Address
from engine.store.tables.talk import Attempt, Author, Conversation, InboxState, MessageRow, Outbound, Owner


async def called(app: Application, event: CallEvent, raw: bytes) -> str:
    """A subscriber calls our number. Posted again, the call is answered as before."""
    async with app.database.write() as session:
        await _keep(session, app, event, raw)
        talk = await session.scalar(select(Conversation).where(Conversation.thread == event.sid.lower()))
        if talk is None:
            return await take_call(session, app, event, app.clock())
        call = await call_of(session, app, talk, talk.thread, None, app.clock())
        said = said_in((await said_rows(session, talk.id))[0])
        return call.document(said.words, Place(call.base, said.turn)) if said else hang_up()


async def answered(app: Application, attempt: UUID, event: CallEvent, raw: bytes) -> str:
    """A call of ours was answered; one that is not warranted any more is ended without a word."""
    async with app.database.write() as session:
        await _keep(session, app, event, raw)
        row = await _outbound(session, attempt)
        message = await session.get(MessageRow, row.message_id) if row else None
        if row is None or message is None or message.author == Author.OPERATOR:
            return hang_up()
        talk = await session.get_one(Conversation, row.conversation_id)
        call = await call_of(session, app, talk, str(attempt), attempt, app.clock())
        await session.refresh(message)
        if said_in(message) is None and not await _due(call, row, attempt):
            return hang_up()
        return await open_call(call, event, message)


async def replied(app: Application, key: str, place: tuple[int, int, int], event: CallEvent, raw: bytes) -> str:
    """Keys, words or silence, in answer to what was said at that place: turn, asking, silences before."""
    async with app.database.write() as session:
        await _keep(session, app, event, raw)
        call = await _call(session, app, key)
        return hang_up() if call is None else await take_answer(call, event, Place(call.base, *place))


async def ended(app: Application, key: str, event: CallEvent, raw: bytes) -> str:
    """The last words of a call were heard."""
    async with app.database.write() as session:
        await _keep(session, app, event, raw)
        if call := await _call(session, app, key):
            await call.heard()
        return hang_up()


async def dialed(app: Application, key: str, event: CallEvent, raw: bytes) -> str:
    """A call was passed on; where nobody took it, the client is told that they will be called."""
    async with app.database.write() as session:
        await _keep(session, app, event, raw)
        call = await _call(session, app, key)
        if call is None or event.connected:
            return hang_up()
        return notice([call.phrase("call_back"), call.phrase("goodbye")], call.talk.language, call.app.manner)


async def _keep(session: WriteSession, app: Application, event: CallEvent, raw: bytes) -> None:
    """The event's row is also the lock by which the same webhook, posted twice at once, is taken once."""
    await keep(session, CALLS, event.event, raw, app.clock(), state=InboxState.DONE)


async def _call(session: WriteSession, app: Application, key: str) -> Call | None:
    """The talk a key stands for: an attempt of ours, or the thread of a talk the client began."""
    try:
        attempt = UUID(key)
    except ValueError:
        talk = await session.scalar(select(Conversation).where(Conversation.thread == key))
        return await call_of(session, app, talk, key, None, app.clock()) if talk else None
    opened = select(Conversation).join(Outbound, Outbound.conversation_id == Conversation.id)
    talk = await session.scalar(opened.join(Attempt, Attempt.outbound_id == Outbound.id).where(Attempt.id == attempt))
    return await call_of(session, app, talk, key, attempt, app.clock()) if talk else None


async def _outbound(session: WriteSession, attempt: UUID) -> Outbound | None:
    found = select(Outbound).join(Attempt, Attempt.outbound_id == Outbound.id).where(Attempt.id == attempt)
    return await session.scalar(found)


async def _due(call: Call, row: Outbound, attempt: UUID) -> bool:
    """Whether this attempt is the latest, the bot may still speak here, and the debt is still to be chased."""
    session = call.session
    later = select(Attempt.id).where(Attempt.outbound_id == row.id).order_by(Attempt.no.desc()).limit(1)
    address = await session.get_one(Address, row.address_id)
    if await session.scalar(later) != attempt or call.talk.owner != Owner.BOT:
        return False
    if address.opted_out_at is not None or address.dead_since is not None:
        return False
    if row.contact_id is None:
        return True
    contact = await session.get_one(Contact, row.contact_id)
    situations = await Situations.read(session, call.app, [call.client.id], call.now)
    case = await session.get(Case, contact.case_id) if contact.case_id is not None else None
    return situations.warrants(contact, case)
