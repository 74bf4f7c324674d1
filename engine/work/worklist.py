"""Work lists: tasks for people. Who has taken one, how it ended, and what people did by themselves (A6, A13, B4).

Each function works in the caller's transaction and locks the client, so two people never call the same one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from sqlalchemy import select

from engine.agreements.promises import promise, replace_promises
from engine.apply import promise_terms, unfrozen
from engine.calendar import at_local, local_day, zone
from engine.money import Money
from engine.plan import TaskKind
from engine.store import history
from engine.store.session import ReadSession, WriteSession, lock_clients
from engine.store.tables.casework import Task, TaskResult
from engine.store.tables.people import User
from engine.store.tables.portfolio import Account, Client
from engine.store.tasks import give_task

HELD = timedelta(hours=12)
"""The longest a console session lasts: who took a task and went home bars nobody the next day."""

LONGEST_NOTE, LONGEST_PERSON = 1000, 120
FARTHEST = timedelta(days=366)
OLDEST = timedelta(days=3660)


class LateReason(StrEnum):
    """Why the client says they are late (B4)."""

    FORGOT = "forgot"
    NO_MONEY = "no_money"
    NO_BILL = "bill_not_received"
    DISPUTES = "disputes_the_bill"
    FAULT = "service_fault"
    PAID_ALREADY = "paid_already"
    AWAY = "away_or_ill"
    OTHER = "other"


class Deed(StrEnum):
    """What people do outside the program, entered into a client's history by hand (A13)."""

    CALL_MADE = "call_made"
    VISIT = "visit_made"
    LETTER_SENT = "letter_sent"
    LETTER_DELIVERED = "letter_delivered"
    SERVICE_OFF = "service_switched_off"
    SERVICE_ON = "service_switched_on"
    EQUIPMENT_RETURNED = "equipment_returned"
    DOCUMENT_RECEIVED = "document_received"
    OTHER = "other"


class NoSuchTask(LookupError):
    """There is no such task. The work list shows those that are open."""


class Taken(Exception):
    """Somebody else works on this client: `name` took a task of theirs at `since`."""

    def __init__(self, name: str, since: datetime) -> None:
        super().__init__(f"{name} has this client's tasks since {since.isoformat()}")
        self.name, self.since = name, since


class Finished(Exception):
    """The task is finished already, by `name` at `at`; an empty name is not known."""

    def __init__(self, name: str, at: datetime) -> None:
        super().__init__(f"finished by {name or 'somebody'} at {at.isoformat()}")
        self.name, self.at = name, at


class BadReport(ValueError):
    """What was filled in cannot be: `place` is the field, the message says what it should be."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(what)
        self.place = place


@dataclass(frozen=True, slots=True)
class Worker:
    """Who works: a user of the console, and their name for the history."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Report:
    """How a task ended. `promised` by the end of `until`, and `callback_on`, are days of the client's."""

    result: TaskResult
    person: str = ""
    late_reason: LateReason | None = None
    note: str = ""
    promised: Money | None = None
    until: date | None = None
    callback_on: date | None = None


async def take(session: WriteSession, number: int, who: Worker, now: datetime) -> Task:
    """Take a task, and with it the client. Raises NoSuchTask, Finished, or Taken while somebody else has the client."""
    task = await _mine_or_free(session, number, who, now)
    if task.assigned_to != who.id:
        task.assigned_to, task.assigned_at = who.id, now
        history.note(session, task.client_id, now, "task_taken", kind=task.kind, reason=task.reason, operator=who.name)
        await session.flush()
    return task


async def give_back(session: WriteSession, number: int, who: Worker, now: datetime) -> Task:
    """Leave a task to others; one that is nobody's stays so. Raises NoSuchTask, Finished, Taken."""
    task = await _mine_or_free(session, number, who, now)
    if task.assigned_to is not None:
        task.assigned_to = task.assigned_at = None
        history.note(
            session, task.client_id, now, "task_given_back", kind=task.kind, reason=task.reason, operator=who.name
        )
        await session.flush()
    return task


async def finish(session: WriteSession, number: int, who: Worker, report: Report, now: datetime) -> Task:
    """Finish a task with its result; a promise is booked and a callback becomes a task for its day.

    The caller re-decides when something was promised. Raises NoSuchTask, Finished, Taken, BadReport.
    """
    task = await _mine_or_free(session, number, who, now)
    client = await session.get_one(Client, task.client_id)
    _check(report, local_day(now, zone(client.timezone)))
    if report.promised is not None and not await _billed_in(session, client.id, report.promised.currency):
        raise BadReport("promised", f"the client has no account in {report.promised.currency}")
    task.done_at, task.done_by, task.result = now, who.id, report.result
    task.person, task.late_reason, task.note = report.person or None, report.late_reason, report.note or None
    history.note(
        session,
        client.id,
        now,
        "task_done",
        kind=task.kind,
        reason=task.reason,
        result=report.result,
        operator=who.name,
        person=task.person,
        late_reason=task.late_reason,
        note=task.note,
    )
    if report.promised is not None:
        await _promised(session, client, report.promised, report, now)
    if report.callback_on is not None:
        await _callback(session, task, report.callback_on, who, now)
    await session.flush()
    return task


async def record(
    session: WriteSession, client: int, deed: Deed, on: date, note: str, who: Worker, now: datetime
) -> None:
    """Enter into the history what was done on a day of the client's, today or before. Raises BadReport."""
    await lock_clients(session, [client])
    where = zone((await session.get_one(Client, client)).timezone)
    today = local_day(now, where)
    if not today - OLDEST <= on <= today:
        raise BadReport("on", "choose today or a day of the last ten years")
    if len(note) > LONGEST_NOTE:
        raise BadReport("note", f"write at most {LONGEST_NOTE} characters")
    if deed is Deed.OTHER and not note:
        raise BadReport("note", "say in the note what was done")
    at = now if on == today else at_local(on, time(12), where)
    history.note(
        session,
        client,
        at,
        "deed",
        deed=deed,
        on=on.isoformat(),
        operator=who.name,
        entered=now.isoformat(),
        note=note or None,
    )
    await session.flush()


def _check(report: Report, today: date) -> None:
    promised = report.result is TaskResult.PROMISED
    if promised != (report.promised is not None) or promised != (report.until is not None):
        raise BadReport("promised", "for a promise give its sum and its day, and for nothing else")
    if report.promised is not None and report.promised.minor <= 0:
        raise BadReport("promised", "a promised sum is above zero")
    for place, day in (("until", report.until), ("callback_on", report.callback_on)):
        if day is not None and not today <= day <= today + FARTHEST:
            raise BadReport(place, "choose today or a day of the coming year")
    if len(report.note) > LONGEST_NOTE:
        raise BadReport("note", f"write at most {LONGEST_NOTE} characters")
    if len(report.person) > LONGEST_PERSON:
        raise BadReport("person", f"write at most {LONGEST_PERSON} characters")


async def _mine_or_free(session: WriteSession, number: int, who: Worker, now: datetime) -> Task:
    client = await session.scalar(select(Task.client_id).where(Task.id == number))
    if client is None:
        raise NoSuchTask
    await lock_clients(session, [client])
    task = await session.get_one(Task, number, populate_existing=True)
    if task.done_at is not None:
        name = await session.scalar(select(User.name).where(User.id == task.done_by))
        raise Finished(name or "", task.done_at)
    held = await holder(session, client, now)
    if held is not None and held.id != who.id:
        raise Taken(held.name, held.since)
    return task


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a client's tasks, and since when."""

    id: int
    name: str
    since: datetime


async def holder(session: ReadSession, client: int, now: datetime) -> Holder | None:
    """Who works on a client now: whoever took an open task of theirs first, within HELD."""
    row = (
        await session.execute(
            select(User.id, User.name, Task.assigned_at)
            .join(User, User.id == Task.assigned_to)
            .where(Task.client_id == client, Task.done_at.is_(None), Task.assigned_at > now - HELD)
            .order_by(Task.assigned_at)
            .limit(1)
        )
    ).one_or_none()
    return Holder(row[0], row[1], row[2] or now) if row else None


async def _billed_in(session: ReadSession, client: int, currency: str) -> bool:
    statement = select(Account.id).where(Account.client_id == client, Account.currency == currency)
    return await session.scalar(statement.limit(1)) is not None


async def _promised(session: WriteSession, client: Client, amount: Money, report: Report, now: datetime) -> None:
    """As by a reply: a promise of more than is free is one for another day, and takes the place of the open ones."""
    assert report.until is not None  # noqa: S101 - checked with the sum
    free = await unfrozen(session, client.id, amount.currency, now)
    terms = await promise_terms(session, client.id, amount.currency, now)
    if report.person and report.person.casefold() != client.name.casefold():
        terms = replace(terms, promiser=report.person)
    number = await promise(session, client.id, amount, report.until, now, terms)
    if free < amount:
        await replace_promises(session, number, now)


async def _callback(session: WriteSession, task: Task, on: date, who: Worker, now: datetime) -> None:
    reason = f"agreed with {who.name}"
    await give_task(session, task.client_id, TaskKind.CALLBACK, reason, f"task:{task.id}:callback", now, on)
    history.note(session, task.client_id, now, "task", kind=TaskKind.CALLBACK, reason=reason, due_on=on.isoformat())
