"""The inbox: what carriers tell us is verified and stored before it is answered, and handled afterwards, once.

Handling is one transaction; an event whose handling fails is tried again a few times, then parked for a person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select, text

from bot.application import Application
from bot.chats import After, handle_update
from bot.delivery import note_statuses
from bot.hearing import hear, stop_unheard
from bot.keeping import Posted, keep_all, keepable
from bot.order import SenderOf, await_turn, chat_of, mail_sender, sms_sender
from bot.pay.booking import CannotBook, book_payment
from bot.pay.provider import stored_event
from bot.sending.parking import complain
from bot.statuses import NOT_OURS, STATUSES, book_statuses
from bot.thanks import thank
from channels.incoming_mail import MailRefused, read_mail
from channels.incoming_telegram import read_update
from channels.port import Inbound, StatusReport, Unreadable
from channels.signatures import form_pairs
from channels.sms import read_sms
from engine.store.session import WriteSession
from engine.store.tables.talk import InboxEvent, InboxState

SMS, MAIL, PAYMENTS, TELEGRAM = "twilio-sms", "mail", "payments", "telegram"
STATUS_BATCH, OTHERS = 200, 20
"""So many reports, and so many of all else, are handled before it is the turn of the others."""
AT_ONCE = 4
"""So many of all else are under way together: while one is being committed, the next is read."""
MOST_TRIES = 5


WAITING = text("""
select exists (select from inbox where state = 'new' and provider = any(:reports)),
       (select count(*) from (select from inbox where state = 'new' and provider <> all(:reports) limit :most) others)
""")


class Parked(ValueError):
    """The event cannot be handled by the program; it waits for a person with this reason."""


async def keep(
    session: WriteSession,
    provider: str,
    event: str,
    raw: bytes,
    now: datetime,
    path: str = "",
    state: InboxState = InboxState.NEW,
) -> bool:
    """Store an event; `state` is DONE where it is handled in the same transaction.

    False when it is stored already. Raises Unreadable where its name cannot be kept.
    """
    return await keep_all(session, [Posted(provider, event, now, path, raw, state)]) == 1


async def keep_mail(session: WriteSession, raw: bytes, now: datetime) -> bool:
    """Store a mail under its Message-ID, so that a relay may bring it twice; without a usable one, under its digest."""
    try:
        read = read_mail(raw)
    except MailRefused:
        read = None
    return await keep(session, MAIL, read.event if read and keepable(read.event) else sha256(raw).hexdigest(), raw, now)


async def handle_inbox(app: Application, now: datetime) -> int:
    """Handle every new event. How often one was taken up."""
    handled = 0
    while some := await handle_round(app, now):
        handled += some
    return handled


async def handle_round(app: Application, now: datetime) -> int:
    """Handle some of what is new, reports and all else in turns. How many events were taken up, 0 where none is left.

    Reports touch no client and go many in a transaction; whatever may book something has one of its own.
    """
    async with app.database.read() as session:
        asked = {"reports": list(STATUSES), "most": OTHERS}
        reports, others = (await session.execute(WAITING, asked)).one()
    handled = await _handle_statuses(app, now, STATUS_BATCH) if reports else 0
    for start in range(0, others, AT_ONCE):
        async with asyncio.TaskGroup() as together:
            tasks = [together.create_task(_handle(app, now)) for _ in range(min(AT_ONCE, others - start))]
        handled += sum(task.result() for task in tasks)
    return handled


async def _handle_statuses(app: Application, now: datetime, most: int) -> int:
    """Handle up to `most` reports in one transaction; where one of several fails, they are taken one by one."""
    held: list[int] = []
    try:
        async with app.database.write() as session:
            await book_statuses(session, most, now, held)
    except Exception as fault:  # noqa: BLE001 whatever it is, the others are handled
        if len(held) > 1:
            return await _handle_statuses(app, now, 1)
        await _failed(app, held[0] if held else None, fault, now)
    return len(held)


async def _handle(app: Application, now: datetime) -> bool:
    """Handle one event in a transaction of its own. Whether there was one."""
    number, courtesy = None, None
    try:
        async with app.database.write() as session:
            row = await session.scalar(OLDEST)
            if row is None:
                return False
            number = row.id
            if row.provider in SENDERS:
                await await_turn(session, row, SENDERS[row.provider])
            courtesy = await READERS[row.provider](session, app, row, now)
            row.state = InboxState.DONE
    except Exception as fault:  # noqa: BLE001 whatever it is, the others are handled
        await _failed(app, number, fault, now)
        return True
    if courtesy:
        await _show(courtesy)
    return True


async def _show(courtesy: After) -> None:
    try:
        await courtesy()
    except Exception as fault:  # noqa: BLE001 its event is handled, and nobody waits for more
        complain("a courtesy was not shown", fault)


async def _failed(app: Application, number: int | None, fault: Exception, now: datetime) -> None:
    if number is None:
        raise fault
    parked = isinstance(fault, Parked | Unreadable)
    if not parked:
        complain("an inbox event could not be handled", fault, inbox=number)
    async with app.database.write() as session:
        row = await session.get_one(InboxEvent, number)
        row.tries += 1
        row.error = _plain(str(fault) if parked else f"{type(fault).__name__}: {fault}")[:500]
        if parked or row.tries >= MOST_TRIES:
            row.state = InboxState.PARKED
            if not parked:
                await _heed_stop(session, app, row, now)


async def _heed_stop(session: WriteSession, app: Application, row: InboxEvent, now: datetime) -> None:
    """A STOP counts also where its handling has failed for good; if this fails too, the event is parked no less."""
    try:
        told = TOLD[row.provider](row.raw) if row.provider in TOLD else None
        if isinstance(told, Inbound):
            async with session.begin_nested():
                await stop_unheard(session, app, told, f"{row.provider}:{row.event}", now)
    except Exception as fault:  # noqa: BLE001 whatever it is, a person looks at the event
        complain("a parked event could not be looked at for a STOP", fault, inbox=row.id)


def _plain(told: str) -> str:
    """Words that can be stored, whatever a fault quotes."""
    return told.replace("\0", "").encode("utf-8", "replace").decode()


def _sms(raw: bytes) -> Inbound:
    return read_sms(dict(form_pairs(raw)))


async def _read_sms(session: WriteSession, app: Application, row: InboxEvent, now: datetime) -> None:
    await _heard(session, app, row, _sms(row.raw), now)


async def _read_mail(session: WriteSession, app: Application, row: InboxEvent, now: datetime) -> None:
    try:
        match read_mail(row.raw):
            case Inbound() as inbound:
                await _heard(session, app, row, inbound, now)
            case StatusReport() as report:
                await _told(session, report, now)
            case None:
                row.error = "news that changes nothing"
    except MailRefused as refused:
        raise Parked(str(refused)) from refused


async def _read_payment(session: WriteSession, app: Application, row: InboxEvent, now: datetime) -> None:
    try:
        paid = await book_payment(session, stored_event(row.raw), now, app.hours)
    except CannotBook as error:
        raise Parked(str(error)) from error
    if paid is not None:
        await thank(session, app, paid, f"payments:{row.event}", now)


async def _heard(session: WriteSession, app: Application, row: InboxEvent, inbound: Inbound, now: datetime) -> None:
    heard = await hear(session, app, inbound, f"{row.provider}:{row.event}", now)
    row.error = heard.note


async def _told(session: WriteSession, report: StatusReport, now: datetime) -> None:
    if not all(await note_statuses(session, [report], now)):
        raise Parked(NOT_OURS)


Reader = Callable[[WriteSession, Application, InboxEvent, datetime], Awaitable[After | None]]
READERS: dict[str, Reader] = {
    SMS: _read_sms,
    MAIL: _read_mail,
    PAYMENTS: _read_payment,
    TELEGRAM: handle_update,
}
TOLD: dict[str, Callable[[bytes], object]] = {SMS: _sms, MAIL: read_mail, TELEGRAM: read_update}
SENDERS: dict[str, SenderOf] = {SMS: sms_sender, MAIL: mail_sender, TELEGRAM: chat_of}

OLDEST = (
    select(InboxEvent)
    .where(InboxEvent.state == InboxState.NEW, InboxEvent.provider.not_in(STATUSES))
    .order_by(InboxEvent.tries, InboxEvent.id)
    .limit(1)
    .with_for_update(skip_locked=True)
)
"""Reports have their own way; whatever else is new, also what nobody can read, comes up here."""
