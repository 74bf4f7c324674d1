"""The inbox: what carriers tell us is verified and stored before it is answered, and handled afterwards, once.

Handling is one transaction, which replies may share (`bot.arrivals`); an event whose handling fails by itself is tried
again a few times, then parked for a person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select, text

from bot.application import Application
from bot.arrivals import MAIL, ONE_CLICK, PAYMENTS, SMS, TELEGRAM, Arrival, arrivals, read_text, told_by
from bot.chats import After, handle_update
from bot.consenting import stop_unheard
from bot.delivery import note_statuses
from bot.hearing import hear, hear_all
from bot.keeping import Posted, keep_all, keepable
from bot.pay.booking import CannotBook, book_payment
from bot.pay.provider import stored_event
from bot.sending.parking import complain
from bot.statuses import NOT_OURS, STATUSES, book_statuses
from bot.thanks import thank
from channels.incoming_mail import MailRefused, read_mail
from channels.one_click import read_one_click
from channels.port import Inbound, StatusReport, Unreadable
from engine.store.aside import worded
from engine.store.session import WriteSession
from engine.store.tables.talk import InboxEvent, InboxState

STATUS_BATCH = 200
"""So many reports are handled before it is the turn of all else."""
AT_ONCE = 4
"""So many that need a transaction of their own are under way together: while one is committed, the next is read."""
MOST_TRIES = 5

REPORTS = text("select exists (select from inbox where state = 'new' and provider = any(:reports))")
ONE = select(InboxEvent).where(InboxEvent.state == InboxState.NEW).with_for_update(skip_locked=True)
DONE = text("""
update inbox e set state = 'done', error = heard.note
from unnest(cast(:heard as bigint[]), cast(:notes as text[])) heard(id, note) where e.id = heard.id
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

    Reports touch no client and go many in a transaction, replies some; what fails among others has one of its own.
    """
    handled = 0
    try:
        handled += await _handle_others(app, now)
    finally:  # whatever keeps others from being looked at
        async with app.database.read() as session:
            reports = await session.scalar(REPORTS, {"reports": list(STATUSES)})
        handled += await _handle_statuses(app, now, STATUS_BATCH) if reports else 0
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


async def _handle_others(app: Application, now: datetime) -> int:
    """Handle some of all else. What needs a transaction of its own, such as a payment, comes first, for a reply may be
    about it; then replies in one transaction, and by itself what fails among others.
    """
    heard, alone = await _hear(app, now)
    await _handle_each(app, alone, now)
    if alone and not heard:
        heard, failed = await _hear(app, now, whatever_else=True)
        await _handle_each(app, failed, now)
    return len({one.number for one in (*heard, *alone)})


async def _hear(
    app: Application, now: datetime, *, whatever_else: bool = False
) -> tuple[Sequence[Arrival], Sequence[Arrival]]:
    """Handle replies, unless there is anything else. What was taken up so, and what is to be handled by itself."""
    together: list[Arrival] = []
    others: list[Arrival] = []
    try:
        async with app.database.write() as session:
            for one in await arrivals(session):
                (others if one.letter is None else together).append(one)
            if others and not whatever_else:
                return (), others
            if together:
                notes = await hear_all(session, app, [one.letter for one in together if one.letter], now)
                await session.execute(DONE, {"heard": [one.number for one in together], "notes": notes})
    except Exception as fault:  # noqa: BLE001 whatever it is, the others are handled
        if len(together) > 1:
            return together, together
        await _failed(app, together[0].number if together else None, fault, now)
    return together, ()


async def _handle_each(app: Application, alone: Sequence[Arrival], now: datetime) -> None:
    for start in range(0, len(alone), AT_ONCE):
        async with asyncio.TaskGroup() as at_once:
            for one in alone[start : start + AT_ONCE]:
                at_once.create_task(_handle(app, one.number, now))


async def _handle(app: Application, number: int, now: datetime) -> None:
    """Handle one event in a transaction of its own, unless somebody else does."""
    courtesy = None
    try:
        async with app.database.write() as session:
            row = await session.scalar(ONE.where(InboxEvent.id == number))
            if row is None:
                return
            courtesy = await READERS[row.provider](session, app, row, now)
            row.state = InboxState.DONE
    except Exception as fault:  # noqa: BLE001 whatever it is, the others are handled
        await _failed(app, number, fault, now)
    if courtesy:
        await _show(courtesy)


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
        row = await session.scalar(ONE.where(InboxEvent.id == number))
        if row is None:  # another process has it, or has handled it since
            return
        row.tries += 1
        row.error = _plain(str(fault) if parked else worded(fault))[:500]
        if parked or row.tries >= MOST_TRIES:
            row.state = InboxState.PARKED
            if not parked:
                await _heed_stop(session, app, row, now)


async def _heed_stop(session: WriteSession, app: Application, row: InboxEvent, now: datetime) -> None:
    """A STOP counts also where its handling has failed for good; if this fails too, the event is parked no less."""
    try:
        told = told_by(row.provider, row.raw)
        if isinstance(told, Inbound):
            async with session.savepoint():
                await stop_unheard(session, app, told, f"{row.provider}:{row.event}", now)
    except Exception as fault:  # noqa: BLE001 whatever it is, a person looks at the event
        complain("a parked event could not be looked at for a STOP", fault, inbox=row.id)


def _plain(told: str) -> str:
    """Words that can be stored, whatever a fault quotes."""
    return told.replace("\0", "").encode("utf-8", "replace").decode()


async def _read_sms(session: WriteSession, app: Application, row: InboxEvent, now: datetime) -> None:
    await _heard(session, app, row, read_text(row.raw), now)


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


async def _read_one_click(session: WriteSession, app: Application, row: InboxEvent, now: datetime) -> None:
    await _heard(session, app, row, read_one_click(row.raw), now)


async def _read_payment(session: WriteSession, app: Application, row: InboxEvent, now: datetime) -> None:
    try:
        paid = await book_payment(session, stored_event(row.raw), now, app.hours)
    except CannotBook as error:
        raise Parked(str(error)) from error
    if paid is not None:
        await thank(session, app, paid, f"payments:{row.event}", now)


async def _heard(session: WriteSession, app: Application, row: InboxEvent, inbound: Inbound, now: datetime) -> None:
    row.error = await hear(session, app, inbound, f"{row.provider}:{row.event}", now)


async def _told(session: WriteSession, report: StatusReport, now: datetime) -> None:
    if not all(await note_statuses(session, [report], now)):
        raise Parked(NOT_OURS)


Reader = Callable[[WriteSession, Application, InboxEvent, datetime], Awaitable[After | None]]
READERS: dict[str, Reader] = {
    SMS: _read_sms,
    MAIL: _read_mail,
    PAYMENTS: _read_payment,
    TELEGRAM: handle_update,
    ONE_CLICK: _read_one_click,
}
