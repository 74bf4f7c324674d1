"""The rest of a debt that an amnesty has a person cancel once its part has come (B10, C10).

Works in the caller's transaction and expects the client to be locked. Amounts are minor units.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, text, update

from engine.money import Money
from engine.plan import TaskKind
from engine.promise import PromiseState
from engine.store.history import note
from engine.store.session import ReadSession, WriteSession
from engine.store.tables.casework import Task, TaskResult
from engine.store.tables.ledger import Appropriation, Payment, Promise

STILL_DUE = text("""
with recursive line as (
  select p.id, p.client_id, p.currency, p.remits, p.made_at from promises p where p.id = :promise
  union all
  select p.id, p.client_id, p.currency, p.remits, p.made_at
  from promises p join line on p.client_id = line.client_id and p.replaced_by = line.id and p.remits is not null
), taken as (
  select p.client_id, p.currency, (min(p.made_at) at time zone c.timezone)::date as day
  from line p join clients c on c.id = p.client_id group by p.client_id, p.currency, c.timezone
)
select coalesce(sum(i.balance), 0)::bigint
from taken t join invoices i on i.client_id = t.client_id and i.balance > 0 and i.due <= t.day
join accounts a on a.id = i.account_id and a.currency = t.currency
""")
"""What is unpaid of the bills that were due on the client's day on which an amnesty was taken, the first of its line of
promises. Later bills are none of its."""


ENGINE = "the engine"
"""Who settles an amnesty of which nothing is to be cancelled, where no person does."""


async def to_remit(session: ReadSession, row: Promise) -> int:
    """What can be cancelled by the amnesty of a promise: what was agreed, and no more than is due of its debt."""
    return min(row.remits or 0, int(await session.scalar(STILL_DUE, {"promise": row.id}) or 0))


async def ask_to_remit(session: WriteSession, row: Promise, now: datetime) -> None:
    """The promise is kept: a person approves what its amnesty cancels, the engine credits nothing by itself.

    What was paid beyond the part is not to be cancelled any more.
    """
    left = await to_remit(session, row)
    if not left:
        settle_amnesty(session, row, 0, now, by=ENGINE, reason="nothing of its debt is left")
        return
    row.remits = left
    rest = Money(left, row.currency)
    reason = f"the part agreed by an amnesty has come: cancel the remaining {rest} by a credit memo"
    session.add(Task(client_id=row.client_id, kind=TaskKind.REVIEW, reason=reason, source=_source(row), created_at=now))
    note(session, row.client_id, now, "task", task=TaskKind.REVIEW, reason=reason)


def settle_amnesty(
    session: WriteSession,
    row: Promise,
    cancelled: int,
    now: datetime,
    *,
    by: str | None = None,
    reason: str | None = None,
) -> None:
    """It freezes nothing longer."""
    row.remitted_at = now
    note(
        session,
        row.client_id,
        now,
        "amnesty_settled",
        promise=row.id,
        amount=row.remits,
        cancelled=cancelled,
        currency=row.currency,
        by=by,
        reason=reason,
    )


async def undo_amnesties(
    session: WriteSession, payment: Payment, left: int, now: datetime, *, by: str | None = None
) -> None:
    """Only `left` of a payment has not been taken back: the rest of an amnesty which that keeps no longer is due."""
    unkept = (
        select(Promise)
        .join(Appropriation, Appropriation.promise_id == Promise.id)
        .where(
            Appropriation.payment_id == payment.id,
            Promise.state == PromiseState.KEPT,
            Promise.remits.is_not(None),
            Promise.remitted_at.is_(None),
        )
        .group_by(Promise.id)
        .having(func.sum(Appropriation.amount) > left)
    )
    reason = f"payment {payment.ref}, which kept it, was taken back"
    for row in (await session.scalars(unkept, execution_options={"populate_existing": True})).all():
        settle_amnesty(session, row, 0, now, by=by or ENGINE, reason=reason)
        asked = update(Task).where(Task.source == _source(row), Task.done_at.is_(None))
        await session.execute(asked.values(done_at=now, result=TaskResult.OTHER, note=reason))


def _source(row: Promise) -> str:
    return f"amnesty:{row.id}"
