"""Judging a trial: what the store says is compared with what the carriers took, message by message."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from bot.delivery import NEVER_HAD
from bot.prove.kept import Journals, Kept
from bot.prove.trial import Trial
from engine.contact import ChannelKind
from engine.store.session import Database, ReadSession

OPEN = text("""
select (select count(*) from contacts where state = 'planned' and send_from <= :now) as waiting,
       (select count(*) from outbound where state = 'ready') as ready,
       (select count(*) from outbound where state = 'sending' or state = 'unknown' and settled_at is null) as in_doubt,
       (select count(*) from inbox where state = 'new') as unread,
       (select count(*) from attempts where id = any(:taken) and state not in ('delivered', 'read'))
         + (select count(*) from addresses
            where channel = 'sms' and opted_out_at is null and convert_from(sealed, 'UTF8') = any(:stopped)) as untold
""")

ATTEMPTS = text("""
select a.id, coalesce(a.code, '') as code, case when o.contact_id is null then o.id end as answer
from attempts a join outbound o on o.id = a.outbound_id
""")
ADDRESSES = text("select channel, convert_from(sealed, 'UTF8') as address, client_id as client from addresses")

UNENDED = text("""
select count(*) from clients l
where l.id <> all(:reached)
  and not exists (select from seen s where s.what = 'paid' and s.subject = l.id)
  and not exists (
    select from contacts c
    where c.client_id = l.id and c.state <> 'planned'
      and (c.state = 'unreachable' or exists (select from outbound o where o.contact_id = c.id))
      and not exists (
        select from outbound o
        where o.contact_id = c.id and not (o.state in ('failed', 'expired', 'refused') and o.reason is not null
                                           or o.state = 'unknown' and o.settled_at is not null)))
""")
"""A client no carrier took a message for, and neither a payment nor a reason says why."""

PHANTOMS = text("""
select count(*) from outbound o join addresses a on a.id = o.address_id
where o.state in ('accepted', 'sent', 'delivered', 'read')
  and not exists (select from attempts t where t.outbound_id = o.id and t.id = any(:attempts))
  and not (o.channel = 'telegram' and convert_from(a.sealed, 'UTF8') = any(:chats))
""")
"""Messages the store calls accepted that no carrier has."""

GAPS = text("select count(*) as gaps, count(*) filter (where mended_at is null) as unmended from gaps")

TALLY = text("""
select count(*) filter (where o.id in (select subject from seen where now = 'unknown')) as unknown,
       count(*) filter (where o.id in (select subject from seen where now = 'unknown')
                          and (o.state <> 'unknown' or o.settled_at is not null)
                          and o.state not in ('ready', 'sending')) as resolved,
       count(*) filter (where o.state = 'unknown') as never_known,
       count(*) filter (where o.resent) as resent,
       count(*) filter (where o.state = 'failed') as failed,
       count(*) filter (where o.state = 'refused') as refused,
       count(*) filter (where o.state = 'expired') as expired
from outbound o
""")

BREACHES = text("""
select (select count(*) from seen c join outbound o on o.id = c.subject
        join seen s on s.what = 'opted out' and s.subject = o.address_id
        where c.now = 'sending' and c.at > s.at and not o.parting) as after_stop,
       (select count(*) from seen c join outbound o on o.id = c.subject join contacts k on k.id = o.contact_id
        join seen s on s.what = 'paid' and s.subject = k.client_id
        where c.now = 'sending' and c.at > s.at) as after_payment,
       (select count(*) from seen where what = 'rewritten') as rewritten
""")


@dataclass(frozen=True, slots=True)
class Open:
    """What is still to be done: contacts to open, messages to send or to settle, events to handle.

    `untold` are SMS the carrier delivered and clients who wrote STOP of which the store does not know yet: their
    webhooks never came.
    """

    waiting: int
    ready: int
    in_doubt: int
    unread: int
    untold: int

    @property
    def over(self) -> bool:
        """Whether nothing is, of what came or was begun."""
        return not (self.waiting or self.ready or self.in_doubt or self.unread)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a trial has shown. `denied` are messages a carrier took and the store says it never had.

    `never_known` of the unknown stay so in the open, where no carrier can tell: their contacts went on to another
    channel or to a person. `gaps` are what the carrier's records showed that no webhook brought, `unmended` those the
    store can make nothing of. `fallen` processes ended by themselves.
    """

    trial: Trial
    kills: int
    seconds: float
    fallen: int
    taken: Counter[ChannelKind]
    left: Open
    lost: int
    duplicated: int
    denied: int
    after_stop: int
    after_payment: int
    rewritten: int
    unknown: int
    resolved: int
    never_known: int
    resent: int
    failed: int
    refused: int
    expired: int
    gaps: int
    unmended: int

    @property
    def holds(self) -> bool:
        """Whether everything promised was kept."""
        broken = (self.lost, self.duplicated, self.denied, self.after_stop, self.after_payment, self.rewritten)
        unmended = self.left.untold, self.unmended
        return not any((*broken, *unmended)) and self.resolved == self.unknown and self.left.over

    def as_json(self) -> dict[str, Any]:
        """The line `prove` ends with."""
        return {
            "seed": self.trial.seed,
            "kills": self.kills,
            "contacts": self.trial.contacts,
            "lost": self.lost,
            "duplicated": self.duplicated,
            "unknown": self.unknown,
            "resolved": self.resolved,
            "seconds": round(self.seconds, 1),
            "control": self.trial.control,
        }


async def still_open(database: Database, now: datetime, journals: Journals) -> Open:
    """What is still to be done."""
    taken = [one.attempt for one in journals.kept if one.channel is ChannelKind.SMS]
    async with database.read() as session:
        known = {"now": now, "taken": taken, "stopped": journals.stopped}
        row = (await session.execute(OPEN, known)).mappings().one()
        return Open(**row)


async def judge(
    database: Database, trial: Trial, journals: Journals, now: datetime, *, kills: int, fallen: int, seconds: float
) -> Verdict:
    """Compare the books. Nothing may be under way any more."""
    left, kept = await still_open(database, now, journals), journals.kept
    async with database.read() as session:
        books = await _Books.read(session)
        reached = sorted({books.client(one) for one in kept if not books.answers(one)})
        attempts = [one.attempt for one in kept if one.attempt is not None]
        chats = [one.to for one in kept if one.channel is ChannelKind.TELEGRAM]
        unended = await session.scalar(UNENDED, {"reached": reached})
        phantoms = await session.scalar(PHANTOMS, {"attempts": attempts, "chats": chats})
        tally = (await session.execute(TALLY)).mappings().one()
        breaches = (await session.execute(BREACHES)).mappings().one()
        gaps = (await session.execute(GAPS)).mappings().one()
    return Verdict(
        trial,
        kills,
        seconds,
        fallen,
        Counter(one.channel for one in kept),
        left,
        lost=int(unended or 0) + int(phantoms or 0),
        duplicated=books.duplicated(kept),
        denied=sum(books.denies(one) for one in kept),
        **breaches,
        **tally,
        **gaps,
    )


@dataclass(frozen=True, slots=True)
class _Books:
    """What the store knows of attempts and addresses."""

    attempts: dict[UUID, tuple[str, int | None]]
    clients: dict[tuple[str, str], int]

    @classmethod
    async def read(cls, session: ReadSession) -> _Books:
        attempts = {row.id: (row.code, row.answer) for row in await session.execute(ATTEMPTS)}
        addresses = await session.execute(ADDRESSES)
        return cls(attempts, {(row.channel, row.address): row.client for row in addresses})

    def client(self, one: Kept) -> int:
        """Whose contact a message was."""
        return self.clients[one.channel, one.to]

    def answers(self, one: Kept) -> int | None:
        """The answer to a client that a message was, None of what we began."""
        return self.attempts[one.attempt][1] if one.attempt in self.attempts else None

    def denies(self, one: Kept) -> bool:
        """Whether the store says of a message that was taken that it was not, or never wrote that it was tried."""
        return one.attempt is not None and self.attempts.get(one.attempt, (NEVER_HAD,))[0] == NEVER_HAD

    def duplicated(self, kept: Sequence[Kept]) -> int:
        """How many messages came once more than they should: by the same channel, or though an SMS was taken."""
        channels = defaultdict[int, Counter[ChannelKind]](Counter)
        answers = Counter(self.answers(one) for one in kept if self.answers(one) is not None)
        for one in kept:
            if self.answers(one) is None:
                channels[self.client(one)][one.channel] += 1
        again = sum(count - 1 for told in channels.values() for count in told.values())
        again += sum(count - 1 for count in answers.values())
        return again + sum(len(told) - 1 for told in channels.values() if ChannelKind.SMS in told)
