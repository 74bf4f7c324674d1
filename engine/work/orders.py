"""Orders to other systems: given by decisions, read and acknowledged by the system that carries them out.

An account's status follows what was really done, never what was only ordered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text

from engine.money import Money
from engine.notices import tell
from engine.plan import Notice, TaskKind, Verb
from engine.store.history import note
from engine.store.session import ReadSession, WriteSession, lock_clients
from engine.store.tables.casework import OrderOutcome, ServiceOrder
from engine.store.tables.portfolio import Account
from engine.store.tasks import give_task

OVERDUE = timedelta(hours=4)
"""Half a working day: systems that work orders off in batches do so several times a day, so longer needs a person."""

MOST = 500
LONGEST = 500
STATUS_AFTER: Mapping[str, str] = {
    Verb.SUSPEND_SERVICE: "suspended",
    Verb.RESTORE_SERVICE: "active",
    Verb.STATUS_COLLECTIONS: "collections",
}
"""The status of an account once the order is done; other orders leave it as it is."""


class NoSuchOrder(LookupError):
    """There is no order of that number. Nothing was changed."""


class Contradicted(Exception):
    """The order is acknowledged already, with another outcome or reference; the first acknowledgement stands."""

    def __init__(self, outcome: str, reference: str | None, at: datetime) -> None:
        said = f"{outcome}, reference {reference}" if reference else outcome
        super().__init__(f"acknowledged on {at.isoformat()} as {said}; the first acknowledgement stands")
        self.outcome, self.reference, self.at = outcome, reference, at


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order nobody has acknowledged. `owed` is what is due and unpaid on its account, or of its client without one.

    Due is meant on the client's own day.
    """

    id: int
    verb: str
    client: str
    account: str | None
    service: str | None
    provider: str | None
    plan: str
    stage: str | None
    owed: Money
    ordered_at: datetime


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What the other system says of an order: its outcome, its own name for it, and a remark. `by` is a person."""

    outcome: OrderOutcome
    reference: str | None = None
    note: str | None = None
    by: str | None = None


OPEN = text("""
select o.id, o.verb, c.ref as client, a.ref as account, a.service, a.provider, k.plan_name as plan,
       case when o.stage >= 0 then p.terms->'stages'->o.stage->>'stage' end as stage, k.currency, o.ordered_at,
       coalesce((
         select sum(i.balance) from invoices i join accounts own on own.id = i.account_id
         where i.client_id = o.client_id and i.balance > 0 and own.currency = k.currency
           and (o.account_id is null or i.account_id = o.account_id)
           and i.due <= (:now at time zone c.timezone)::date
       ), 0)::bigint as owed
from service_orders o
join clients c on c.id = o.client_id join cases k on k.id = o.case_id join plans p on p.id = k.plan_id
left join accounts a on a.id = o.account_id
where o.acknowledged_at is null and o.id > :after
  and (cast(:client as bigint) is null or o.client_id = :client)
  and (cast(:before as timestamptz) is null or o.ordered_at < :before)
order by o.id limit :limit
""")


ORDERED = text("select client_id from service_orders where id = :order")
DONE = text("""
select verb from service_orders
where account_id = :account and outcome = 'done' and verb = any(:verbs) order by id desc limit 1
""")


async def open_orders(
    session: ReadSession,
    now: datetime,
    *,
    after: int = 0,
    limit: int = MOST,
    client: int | None = None,
    before: datetime | None = None,
) -> Sequence[OpenOrder]:
    """Open orders by number, from the one after `after`; of one client, or given before a moment, where asked."""
    asked = {"now": now, "after": after, "limit": limit, "client": client, "before": before}
    rows = (await session.execute(OPEN, asked)).all()
    return [
        OpenOrder(
            id=row.id,
            verb=row.verb,
            client=row.client,
            account=row.account,
            service=row.service,
            provider=row.provider,
            plan=row.plan,
            stage=row.stage,
            owed=Money(row.owed, row.currency),
            ordered_at=row.ordered_at,
        )
        for row in rows
    ]


async def overdue_orders(session: ReadSession, now: datetime) -> int:
    """How many orders have waited for longer than OVERDUE."""
    statement = select(func.count()).where(
        ServiceOrder.acknowledged_at.is_(None), ServiceOrder.ordered_at < now - OVERDUE
    )
    return await session.scalar(statement) or 0


async def acknowledge(session: WriteSession, number: int, said: Acknowledgement, now: datetime) -> ServiceOrder:
    """Book what the other system did, once: saying the same again changes nothing. Locks the client.

    A refusal makes a task to review; who has a service back is told so. Raises NoSuchOrder, or Contradicted for another
    outcome or reference.
    """
    client = await session.scalar(ORDERED, {"order": number})
    if client is None:
        raise NoSuchOrder
    await lock_clients(session, [client])
    order = await session.get_one(ServiceOrder, number, populate_existing=True)
    if order.acknowledged_at is not None:
        if (order.outcome, order.reference) == (said.outcome, said.reference):
            return order
        raise Contradicted(order.outcome or "", order.reference, order.acknowledged_at)
    order.acknowledged_at, order.outcome, order.reference, order.note = now, said.outcome, said.reference, said.note
    account = await session.get(Account, order.account_id) if order.account_id else None
    note(
        session,
        client,
        now,
        f"order_{said.outcome}",
        case=order.case_id,
        order=order.id,
        verb=order.verb,
        account=account.ref if account else None,
        reference=said.reference or None,
        note=said.note or None,
        operator=said.by or None,
    )
    await session.flush()
    if said.outcome is OrderOutcome.REFUSED:
        await _review(session, order, said, now)
    elif account is not None:
        before, account.status = account.status, await _status(session, account)
        if order.verb == Verb.RESTORE_SERVICE and before != account.status == STATUS_AFTER[Verb.RESTORE_SERVICE]:
            await tell(session, client, account.currency, Notice.SERVICE_RESTORED, order.id, now)
    await session.flush()
    return order


async def _status(session: ReadSession, account: Account) -> str:
    """By the latest order that was done: systems may answer out of order."""
    done = await session.scalar(DONE, {"account": account.id, "verbs": list(STATUS_AFTER)})
    return STATUS_AFTER[done] if done else account.status


async def _review(session: WriteSession, order: ServiceOrder, said: Acknowledgement, now: datetime) -> None:
    reason = f"order refused: {order.verb}" + (f": {said.note}" if said.note else "")
    await give_task(session, order.client_id, TaskKind.REVIEW, reason, f"order:{order.id}:refused", now)
    note(session, order.client_id, now, "task", case=order.case_id, kind=TaskKind.REVIEW, reason=reason)
