"""News of what has happened to a client: a contact planned at once, in the transaction of the event.

None goes out unless a plan of the client asks for it (`follow_up`), and each only once: `source` is its key. It answers
something that happened, so it waits for no distance between contacts. A client is told once a day and currency on an
occasion, for one message speaks of all of a day; what comes after it is told the next day. Its hours are given to it
when it is to be opened, as those of any contact whose hours are over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Date, func, select, text
from sqlalchemy.dialects.postgresql import insert

from engine.contact import ChannelKind
from engine.decision import NO_STAGE
from engine.plan import Notice
from engine.store.days import client_day
from engine.store.facts import Plans
from engine.store.session import ReadSession, WriteSession
from engine.store.tables.casework import Contact, ContactState
from engine.store.tables.portfolio import Client

SUBJECTS: Mapping[Notice, str] = {
    Notice.SERVICE_RESTORED: "order",
    Notice.PROMISE_KEPT: "promise",
    Notice.DISPUTE_OPENED: "dispute",
    Notice.DISPUTE_ANSWERED: "dispute",
    Notice.PAYMENT_UNCLEAR: "payment",
}
"""What each is about, in the word of its `source` and of its column."""

WANTED = text("""
select v.id as plan, case when exists (
    select from contacts n
    where n.client_id = c.id and n.occasion = :occasion and n.currency = :currency
      and (n.state = 'planned' or n.state = 'opened' and (n.send_from at time zone c.timezone)::date >= day.today))
  then cast(day.today + 1 as timestamp) at time zone c.timezone else :now end as start
from clients c
cross join lateral (select (cast(:now as timestamptz) at time zone c.timezone)::date as today) day
join plans v on v.in_force and plan_applies(c.group_id, c.plans, v.group_id, v.name, v.standard)
where c.id = :client and (v.terms -> 'follow_up' ->> :occasion)::boolean and not exists (
  select from contacts n
  where n.client_id = c.id and n.occasion = :occasion and n.currency = :currency
    and n.state = 'planned' and (n.planned_at at time zone c.timezone)::date = day.today)
order by v.id limit 1
""")
"""The plan that asks for it, and from when it may go: not where one of today waits, which will speak of this too."""


async def tell(session: WriteSession, client: int, currency: str, notice: Notice, number: int, now: datetime) -> None:
    """Plan to tell a client of an event, where their plan asks for it; `number` is that of the order, promise, dispute
    or payment. The client is locked by the caller.
    """
    asked = {"client": client, "currency": currency, "occasion": notice, "now": now}
    await session.flush()
    wanted = (await session.execute(WANTED, asked)).one_or_none()
    if wanted is None:
        return
    terms = await Plans(session).terms(wanted.plan, currency)
    values = {
        "client_id": client,
        "plan_id": wanted.plan,
        "currency": currency,
        "occasion": notice,
        "source": f"{SUBJECTS[notice]}:{number}:{notice}",
        f"{SUBJECTS[notice]}_id": number,
        "script": notice,
        **of_no_stage(terms.follow_up_channels, now),
        "send_from": wanted.start,
        "send_until": wanted.start,
    }
    await session.execute(insert(Contact).values(values).on_conflict_do_nothing(index_elements=["source"]))


async def untold(session: ReadSession, client: int, currency: str, notice: Notice, now: datetime) -> Sequence[Contact]:
    """The contacts of that kind that wait to be made and are of the client's day: for whoever says it now."""
    day = func.timezone(Client.timezone, Contact.planned_at).cast(Date)
    waiting = (
        select(Contact)
        .join(Client, Client.id == Contact.client_id)
        .where(
            Contact.client_id == client,
            Contact.currency == currency,
            Contact.occasion == notice,
            Contact.state == ContactState.PLANNED,
            day == await client_day(session, client, now),
        )
    )
    return (await session.scalars(waiting)).all()


def of_no_stage(channels: Sequence[ChannelKind], now: datetime) -> dict[str, Any]:
    """The columns of a contact planned at `now` that belongs to no stage of a case."""
    return {
        "stage": NO_STAGE,
        "action": 0,
        "touch": 0,
        "channels": [channel.value for channel in channels],
        "state": ContactState.PLANNED,
        "planned_at": now,
    }
