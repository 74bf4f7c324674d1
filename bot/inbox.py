"""The inbox: what carriers tell us is verified and stored before it is answered, and handled afterwards, once.

Handling is one transaction; an event whose handling fails is tried again a few times, then parked for a person.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import psycopg
import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from bot.application import Application
from bot.chats import After, handle_update
from bot.delivery import note_status, with_a_person
from bot.hearing import hear
from bot.pay.booking import CannotBook, book_payment
from bot.pay.provider import stored_event
from bot.thanks import thank
from channels.incoming_mail import MailRefused, read_mail
from channels.port import Inbound, StatusReport
from channels.signatures import form_pairs
from channels.sms import read_sms, read_status
from channels.voice import OVER, read_call_status
from engine.store.session import WriteSession
from engine.store.tables.talk import InboxEvent, InboxState

SMS, SMS_STATUS, MAIL, PAYMENTS = "twilio-sms", "twilio-status", "mail", "payments"
TELEGRAM = "telegram"
CALL_STATUS = "twilio-call-status"
STATUSES = (SMS_STATUS, CALL_STATUS)
STATUS_BATCH = 50
MOST_TRIES = 5
log = structlog.get_logger()


class Parked(Exception):
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
    """Store an event; `state` is DONE where it is handled in the same transaction. False when it is stored already."""
    statement = (
        insert(InboxEvent)
        .values(provider=provider, event=event, received_at=now, path=path, raw=raw, state=state)
        .on_conflict_do_nothing()
        .returning(InboxEvent.id)
    )
    return await session.scalar(statement) is not None


async def keep_mail(session: WriteSession, raw: bytes, now: datetime) -> bool:
    """Store a mail under its Message-ID, so that a relay may bring it twice."""
    try:
        read = read_mail(raw)
    except MailRefused:
        read = None
    return await keep(session, MAIL, read.event if read else sha256(raw).hexdigest(), raw, now)


async def handle_inbox(app: Application, now: datetime) -> int:
    """Handle every new event. How many were handled or parked.

    Statuses touch no client and go first, many in a transaction; whatever may book something has one of its own.
    """
    handled = 0
    while batch := await _handle(app, now, STATUSES, STATUS_BATCH):
        handled += batch
    while await _handle(app, now, tuple(READERS), 1):
        handled += 1
    return handled


async def _handle(app: Application, now: datetime, providers: Sequence[str], most: int) -> int:
    """Handle up to `most` events in one transaction; where one of several fails, they are taken one by one."""
    numbers: list[int] = []
    courtesies: list[After] = []
    try:
        async with app.database.write() as session:
            rows = await session.scalars(
                select(InboxEvent)
                .where(InboxEvent.state == InboxState.NEW, InboxEvent.provider.in_(providers))
                .order_by(InboxEvent.tries, InboxEvent.id)
                .limit(most)
                .with_for_update(skip_locked=True)
            )
            for row in rows:
                numbers.append(row.id)
                if after := await READERS[row.provider](session, app, row, now):
                    courtesies.append(after)
                row.state = InboxState.DONE
    except (Parked, SQLAlchemyError, psycopg.Error, ValueError, LookupError, TypeError, AttributeError) as fault:
        if most > 1:
            return await _handle(app, now, providers, 1)
        await _failed(app, numbers[0] if numbers else None, fault)
        return len(numbers)
    for courtesy in courtesies:
        await courtesy()
    return len(numbers)


async def _failed(app: Application, number: int | None, fault: Exception) -> None:
    if number is None:
        raise fault
    parked = isinstance(fault, Parked)
    if not parked:
        log.error("an inbox event could not be handled", inbox=number, fault=type(fault).__name__, exc_info=fault)
    async with app.database.write() as session:
        row = await session.get_one(InboxEvent, number)
        row.tries += 1
        row.error = (str(fault) if parked else f"{type(fault).__name__}: {fault}")[:500]
        if parked or row.tries >= MOST_TRIES:
            row.state = InboxState.PARKED


async def _read_sms(session: WriteSession, app: Application, row: InboxEvent, now: datetime) -> None:
    await _heard(session, app, row, read_sms(dict(form_pairs(row.raw))), now)


async def _read_status(session: WriteSession, app: Application, row: InboxEvent, now: datetime) -> None:
    attempt = row.path.rpartition("/")[2]
    await _told(session, read_status(dict(form_pairs(row.raw)), UUID(attempt) if attempt else None), now)


async def _read_call_status(session: WriteSession, app: Application, row: InboxEvent, now: datetime) -> None:
    attempt = UUID(row.path.split("/")[-2])
    report = read_call_status(dict(form_pairs(row.raw)), attempt)
    if report.code == OVER and await with_a_person(session, attempt):
        row.error = "the client was passed on to a person"
        return
    await _told(session, report, now)


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
    if not await note_status(session, report, now):
        raise Parked("the report names no message of ours")


Reader = Callable[[WriteSession, Application, InboxEvent, datetime], Awaitable[After | None]]
READERS: dict[str, Reader] = {
    SMS: _read_sms,
    SMS_STATUS: _read_status,
    CALL_STATUS: _read_call_status,
    MAIL: _read_mail,
    PAYMENTS: _read_payment,
    TELEGRAM: handle_update,
}
