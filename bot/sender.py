"""Sending what is queued: hold a batch, turn away what the guards bar, render fresh facts, write the attempt, then call
the carrier.

Nothing here retries a send. What the carrier may or may not have taken is `unknown` until `bot.resolver` has asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

import structlog
from sqlalchemy import or_, select, text, update

from bot.application import Application
from bot.content import unpack
from bot.delivery import Progress, record
from bot.pay.links import new_link
from bot.resolver import RESENT
from bot.situation import Situations
from channels.port import Draft, Envelope, NotSent, Receipt, Rejected, Uncertain
from dialogs.render import render
from engine.contact import ChannelKind, Delivery
from engine.store.session import WriteSession, lease
from engine.store.tables.casework import Case, Contact, ContactState
from engine.store.tables.portfolio import Address, Client
from engine.store.tables.talk import Attempt, Author, Conversation, MessageRow, Outbound

IN_FLIGHT = 32
MOST_TRIES = 5
OF_THE_LEASE = 0.8
"""A call is given up within this share of its lease, so that nobody looks after a message still being offered."""

EXPIRED = text("""
with late as (
  update outbound set state = 'expired', settled_at = :now, reason = 'its hours were over'
  where id = any(:held) and send_until <= :now returning contact_id
)
update contacts set state = 'planned', tried = greatest(tried - 1, 0)
from late where late.contact_id = contacts.id and contacts.state = 'opened'
""")

BARRED = text("""
with barred as (
  update outbound o set state = 'refused', settled_at = :now, reason = bar.reason
  from (
    select o.id, o.reason is distinct from :resent as unsent,
           case when a.opted_out_at is not null and not o.parting then 'opted out'
                when a.dead_since is not null then 'the address is unusable'
                when t.owner <> 'bot' and m.author = 'bot' and not o.parting then 'a person has taken over'
                when k.closed_at is not null and k.ending <> 'worked' then 'the case is closed'
                when exists (select from moot_contacts moot where moot.id = o.contact_id)
                then 'what it was about is settled' end as reason
    from outbound o
    join addresses a on a.id = o.address_id
    join conversations t on t.id = o.conversation_id
    join messages m on m.id = o.message_id
    left join contacts c on c.id = o.contact_id
    left join cases k on k.id = c.case_id
    where o.id = any(:held) and o.state = 'ready'
  ) bar
  where bar.id = o.id and bar.reason is not null
  returning o.contact_id, o.reason, bar.unsent
)
update contacts set state = 'planned', send_from = :now,
       tried = case barred.reason when 'a person has taken over' then greatest(tried - 1, 0) else tried end
from barred where barred.contact_id = contacts.id and contacts.state = 'opened'
  and (barred.reason in ('opted out', 'the address is unusable')
    or barred.reason = 'a person has taken over' and barred.unsent)
""")
"""A contact goes on to its next channel, or waits for the bot's turn on the same one: unless a carrier may have had it,
for nobody is written to twice."""


log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Claimed:
    """One message under way: its attempt is in the store already."""

    outbound: int
    attempt: UUID
    draft: Draft


Answer = Receipt | Rejected | NotSent | Uncertain


async def send_due(app: Application, now: datetime) -> int:
    """Claim and send a batch of what may go out at `now`. How many were claimed or turned away."""
    async with app.database.write() as session:
        held = await _hold(session, app, now)
        if not held:
            return 0
        await session.execute(EXPIRED, {"held": held, "now": now})
        await session.execute(BARRED, {"held": held, "now": now, "resent": RESENT})
        claimed = await _claim(session, app, held, now)
    answers = await asyncio.gather(*(_call(app, job.draft) for job in claimed))
    for job, answer in zip(claimed, answers, strict=True):
        # One transaction each: two messages are never held at once, so nothing waits in a circle.
        async with app.database.write() as session:
            await _book(session, app, job, answer)
    return len(held)


async def _hold(session: WriteSession, app: Application, now: datetime) -> list[int]:
    """Lock the next messages for this transaction: what is over, and what a channel is there for."""
    ready = (
        select(Outbound.id)
        .join(Conversation, Conversation.id == Outbound.conversation_id)
        .where(
            Outbound.state == Delivery.READY,
            Outbound.send_from <= now,
            or_(Outbound.send_until <= now, Conversation.channel.in_(app.channels)),
        )
        .order_by(Outbound.priority, Outbound.id)
        .limit(IN_FLIGHT)
        .with_for_update(of=Outbound, skip_locked=True)
    )
    return list(await session.scalars(ready))


async def _claim(session: WriteSession, app: Application, held: Sequence[int], now: datetime) -> list[Claimed]:
    """Write an attempt for each message held that was not turned away."""
    ready = (
        select(Outbound, Conversation, MessageRow, Address, Client)
        .join(Conversation, Conversation.id == Outbound.conversation_id)
        .join(MessageRow, MessageRow.id == Outbound.message_id)
        .join(Address, Address.id == Outbound.address_id)
        .join(Client, Client.id == Conversation.client_id)
        .where(Outbound.id.in_(held), Outbound.state == Delivery.READY)
        .order_by(Outbound.priority, Outbound.id)
    )
    parcels = [Parcel(*row) for row in await session.execute(ready)]
    if not parcels:
        return []
    packing = await _Packing.read(session, app, parcels, now)
    claimed = [await packing.pack(parcel) for parcel in parcels]
    return [job for job in claimed if job is not None]


class Parcel(NamedTuple):
    """A queued message with what it belongs to."""

    row: Outbound
    talk: Conversation
    message: MessageRow
    address: Address
    client: Client


@dataclass(frozen=True, slots=True)
class _Packing:
    """Turning queued messages into drafts, with the facts of this moment."""

    session: WriteSession
    app: Application
    now: datetime
    situations: Situations
    contacts: Mapping[int, tuple[Contact, Case | None]]
    begun: frozenset[int]
    lease_until: datetime

    @classmethod
    async def read(cls, session: WriteSession, app: Application, parcels: Sequence[Parcel], now: datetime) -> _Packing:
        numbers = [parcel.row.contact_id for parcel in parcels if parcel.row.contact_id is not None]
        contacts = select(Contact, Case).outerjoin(Case, Case.id == Contact.case_id).where(Contact.id.in_(numbers))
        talks = [parcel.talk.id for parcel in parcels]
        begun = await session.scalars(
            select(Outbound.conversation_id).where(Outbound.conversation_id.in_(talks), Outbound.tries > 0).distinct()
        )
        return cls(
            session,
            app,
            now,
            await Situations.read(session, app, sorted({parcel.client.id for parcel in parcels}), now),
            {contact.id: (contact, case) for contact, case in await session.execute(contacts)},
            frozenset(begun),
            await lease(session, app.lease_seconds),
        )

    async def pack(self, parcel: Parcel) -> Claimed | None:
        """Render a message and write its attempt; None where its debt is no longer to be chased."""
        row, contact = parcel.row, parcel.row.contact_id
        if contact is not None and not self.situations.warrants(*self.contacts[contact]):
            row.state, row.settled_at, row.reason = Delivery.REFUSED, self.now, "the debt is frozen or paid"
            await self.session.execute(
                update(Contact).where(Contact.id == contact).values(state=ContactState.SUPERSEDED)
            )
            return None
        attempt = Attempt(id=uuid4(), outbound_id=row.id, no=row.tries + 1, state=Delivery.SENDING, started_at=self.now)
        try:
            draft, shown = await self._compose(parcel, attempt.id)
        except (LookupError, ValueError) as fault:
            log.exception("a message cannot be rendered", outbound=row.id)
            row.state, row.settled_at, row.reason = Delivery.FAILED, self.now, f"cannot be rendered: {fault}"[:200]
            return None
        attempt.body, attempt.digest = shown, draft.sought.digest
        self.session.add(attempt)
        if parcel.message.author != Author.OPERATOR:
            parcel.message.text = shown
        row.state, row.tries, row.lease_until = Delivery.SENDING, row.tries + 1, self.lease_until
        return Claimed(row.id, attempt.id, draft)

    async def _compose(self, parcel: Parcel, attempt: UUID) -> tuple[Draft, str]:
        """The draft, and its body as the store may show it: the token of a pay link is blotted out."""
        app, talk = self.app, parcel.talk
        script, channel = app.scripts[talk.script], ChannelKind(talk.channel)
        messages = unpack(parcel.message.content)
        notice, _ = self.contacts.get(parcel.row.contact_id or 0, (None, None))
        facts = self.situations.facts(parcel.client, talk.currency, talk.contact_id, notice)
        token = ""
        if any("pay_link" in script.texts[said.key].placeholders for said in messages):
            link = await new_link(self.session, parcel.client.id, talk.currency, talk.id, self.now, app.public_url)
            facts, token = replace(facts, pay_link=link), link.rpartition("/")[2]
        speech = render(messages, script, facts, talk.language, app.catalogs, channel)
        if parcel.message.author == Author.OPERATOR:
            speech = replace(speech, paragraphs=(parcel.message.text or "",))
        envelope = Envelope(attempt, parcel.address.sealed, talk.thread, first=talk.id not in self.begun)
        draft = app.channels[channel].compose(speech, envelope)
        return draft, draft.body.replace(token, "•••") if token else draft.body


async def _call(app: Application, draft: Draft) -> Answer:
    try:
        async with asyncio.timeout(app.lease_seconds * OF_THE_LEASE):
            return await app.channels[draft.channel].send(draft)
    except (Rejected, NotSent, Uncertain) as failed:
        return failed
    except TimeoutError:
        return Uncertain("the carrier did not answer in time")
    except Exception as fault:  # whatever it was, the carrier may have the message
        log.exception("an adapter failed in a way of its own", channel=draft.channel)
        return Uncertain(f"{type(fault).__name__}: {fault}")


async def _book(session: WriteSession, app: Application, job: Claimed, answer: Answer) -> None:
    now = app.clock()
    match answer:
        case Receipt(reference, state):
            await record(session, job.attempt, Progress(state, reference=reference), now)
        case Rejected() as refused:
            progress = Progress(
                Delivery.FAILED, code=refused.code, address_dead=refused.address_dead, opted_out=refused.opted_out
            )
            await record(session, job.attempt, progress, now)
        case NotSent() as held:
            await _again_later(session, job, held, now)
        case Uncertain() as doubt:
            await record(session, job.attempt, Progress(Delivery.UNKNOWN, code=str(doubt)[:200]), now)
            quarantined = update(Outbound).where(Outbound.id == job.outbound, Outbound.state == Delivery.UNKNOWN)
            until = await lease(session, app.quarantine_seconds)
            await session.execute(quarantined.values(lease_until=until))


async def _again_later(session: WriteSession, job: Claimed, held: NotSent, now: datetime) -> None:
    """The carrier certainly has not got it: the message is queued again, a few times at most."""
    row = await session.get_one(Outbound, job.outbound, with_for_update=True)
    if row.tries >= MOST_TRIES:
        await record(session, job.attempt, Progress(Delivery.FAILED, code=f"not sent: {held}"[:200]), now)
        return
    attempt = await session.get_one(Attempt, job.attempt)
    attempt.state, attempt.code, attempt.updated_at = Delivery.FAILED, str(held)[:200], now
    row.state, row.lease_until = Delivery.READY, None
    row.send_from = now + timedelta(seconds=held.retry_after)
