"""Work lists as the console shows them: open tasks by kind, oldest first, and what waits about one client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Date, DateTime, ScalarSelect, cast, func, literal, or_, select
from sqlalchemy.orm import aliased

from bot.console.access import Operator
from bot.console.standings import Standing, standings
from engine.store.session import ReadSession
from engine.store.tables.casework import Task
from engine.store.tables.people import User
from engine.store.tables.portfolio import Account, Client
from engine.work.orders import OVERDUE, OpenOrder, open_orders, overdue_orders
from engine.work.worklist import HELD, Holder, holder

MOST = 100


class WorkView(StrEnum):
    """Which work is listed: tasks by kind, one's own, those for a later day, and orders nobody has answered."""

    ALL = "all"
    MINE = "mine"
    CALL = "call"
    CALLBACK = "callback"
    VISIT = "visit"
    LETTER = "letter"
    REVIEW = "review"
    LATER = "later"
    ORDERS = "orders"


@dataclass(frozen=True, slots=True)
class WorkRow:
    """One open task. `holder` has the client now; None while nobody has."""

    task: Task
    ref: str
    name: str
    holder: str | None
    mine: bool
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class WaitingOrder:
    """An open order, and whether it has waited too long."""

    order: OpenOrder
    overdue: bool


@dataclass(frozen=True, slots=True)
class ClientWork:
    """What waits about one client. `today` is their own day; `currencies` those they may promise in."""

    tasks: Sequence[Task]
    holder: Holder | None
    orders: Sequence[WaitingOrder]
    currencies: Sequence[str]
    today: date


async def work_list(session: ReadSession, view: WorkView, who: Operator, now: datetime) -> Sequence[WorkRow]:
    """The tasks of a view, at most a hundred: the oldest first, those for a later day by their day."""
    has = _holder_of(now)
    statement = (
        select(Task, Client, User.id, User.name)
        .join(Client, Client.id == Task.client_id)
        .outerjoin(User, User.id == has)
        .where(Task.done_at.is_(None), _of(view, who, now))
        .order_by(*([Task.due_on] if view is WorkView.LATER else []), Task.created_at, Task.id)
        .limit(MOST)
    )
    rows = (await session.execute(statement)).all()
    stand = await standings(session, sorted({client.id for _, client, *_ in rows}), now)
    return [
        WorkRow(task, client.ref, client.name, name, holder_id == who.id, stand.get(client.id))
        for task, client, holder_id, name in rows
    ]


async def work_counts(session: ReadSession, who: Operator, now: datetime) -> Mapping[WorkView, int]:
    """How much each view holds."""
    views = [view for view in WorkView if view is not WorkView.ORDERS]
    counted = select(*(func.count().filter(_of(view, who, now)) for view in views))
    row = (await session.execute(counted.join_from(Task, Client).where(Task.done_at.is_(None)))).one()
    return {**dict(zip(views, row, strict=True)), WorkView.ORDERS: await overdue_orders(session, now)}


async def waiting_orders(session: ReadSession, now: datetime) -> Sequence[OpenOrder]:
    """Orders that have waited too long, the oldest hundred."""
    return await open_orders(session, now, limit=MOST, before=now - OVERDUE)


async def client_work(session: ReadSession, client: Client, today: date, now: datetime) -> ClientWork:
    """The open tasks and orders of a client."""
    tasks = select(Task).where(Task.client_id == client.id, Task.done_at.is_(None))
    currencies = select(Account.currency).where(Account.client_id == client.id).distinct()
    orders = await open_orders(session, now, client=client.id)
    return ClientWork(
        tasks=(await session.scalars(tasks.order_by(Task.created_at, Task.id))).all(),
        holder=await holder(session, client.id, now),
        orders=[WaitingOrder(order, order.ordered_at < now - OVERDUE) for order in orders],
        currencies=(await session.scalars(currencies.order_by(Account.currency))).all(),
        today=today,
    )


def _holder_of(now: datetime) -> ScalarSelect[int | None]:
    """Who has the client of the task, as `engine.work.worklist.holder` says it."""
    held = aliased(Task)
    return (
        select(held.assigned_to)
        .where(held.client_id == Task.client_id, held.done_at.is_(None), held.assigned_at > now - HELD)
        .order_by(held.assigned_at)
        .limit(1)
        .correlate(Task)
        .scalar_subquery()
    )


def _of(view: WorkView, who: Operator, now: datetime) -> ColumnElement[bool]:
    today = cast(func.timezone(Client.timezone, literal(now, DateTime(timezone=True))), Date)
    due = or_(Task.due_on.is_(None), Task.due_on <= today)
    match view:
        case WorkView.ALL:
            return due
        case WorkView.LATER:
            return Task.due_on > today
        case WorkView.MINE:
            return (Task.assigned_to == who.id) & (Task.assigned_at > now - HELD)
        case _:
            return due & (Task.kind == view.value)
