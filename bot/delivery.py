"""How messages fare at their carriers. States only rise in rank, so late, doubled and disordered news changes nothing.

News comes in batches: a batch locks the messages it concerns in the order of their ids, takes its news in the order
given, and writes what has changed with one statement a table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text

from channels.port import StatusReport
from engine.contact import Delivery
from engine.store.arrays import texts, uuids
from engine.store.consents import Consent, Means, Proof, book_consent
from engine.store.session import WriteSession
from engine.store.tables.talk import Attempt, Conversation, Outbound, Owner

NOT_DELIVERED = frozenset({Delivery.FAILED, Delivery.EXPIRED})
SETTLED = NOT_DELIVERED | {Delivery.DELIVERED, Delivery.READ}
TAKEN = frozenset({Delivery.ACCEPTED, Delivery.SENT, Delivery.DELIVERED, Delivery.READ})
NEVER_HAD = "the carrier never had it"
"""Why an attempt failed of which the carrier knew nothing when it was asked: later news of it proves the contrary."""

STANDINGS = text("""
with told as (
  select * from unnest((select cast(:attempts as uuid[])), (select cast(:states as text[])),
                       (select cast(:references as text[]))) n(attempt, state, reference)
), held as materialized (
  select a.id, a.state, a.reference, a.code, a.no >= o.tries as latest,
         o.id as message, o.state as message_state, o.address_id, o.contact_id, o.resent,
         case when a.no = 1 and o.tries = 1 and a.state = 'sending' and o.state = 'sending' and a.code is null
              then told.state end as risen, coalesce(a.reference, told.reference) as named
  from told join attempts a on a.id = told.attempt join outbound o on o.id = a.outbound_id
  order by o.id, a.no for no key update of o, a
), attempts_risen as (
  update attempts a set state = held.risen, reference = held.named, updated_at = :now
  from held where a.id = held.id and held.risen is not null
), messages_risen as (
  update outbound o
  set state = held.risen, reason = null,
      settled_at = case when held.risen = any(cast(:settled as text[])) then cast(:now as timestamptz) end
  from held where o.id = held.message and held.risen is not null
)
select told.attempt, held.id, held.state, held.reference, held.code, held.latest,
       held.message, held.message_state, held.address_id, held.contact_id, held.resent
from told left join held on held.id = told.attempt where held.risen is null
""")
"""Locks attempts and messages; what is the first and only word of a first try, and a good one, is booked at once.

A message tried once has no other attempt whose news could be in the same batch. The rest comes back as it stands, and
so does what there is no attempt of. How many there are is hidden from the planner, which would read all attempts.
"""

ATTEMPTS = text("""
update attempts a
set state = n.state, reference = n.reference, code = n.code,
    updated_at = case when n.risen then :now else a.updated_at end
from unnest(cast(:ids as uuid[]), cast(:states as text[]), cast(:references as text[]), cast(:codes as text[]),
            cast(:risen as bool[])) n(id, state, reference, code, risen)
where a.id = n.id
""")

SHARED = text("""
select from addresses where lookup in (select lookup from addresses where id = any(:addresses))
order by id for no key update
""")
"""All of a batch at once, so that two batches never wait for one another in a circle."""

MESSAGES = text("""
update outbound o set state = n.state, reason = n.reason, settled_at = case when n.settled then :now end
from unnest(cast(:ids as bigint[]), cast(:states as text[]), cast(:reasons as text[]), cast(:settled as bool[]))
  n(id, state, reason, settled)
where o.id = n.id
""")

NEXT_CHANNEL = text("""
update contacts c set state = 'planned', send_from = :now
where c.id in (select id from contacts where id = any(:contacts) and state = 'opened' order by id for no key update)
""")

NAMED = text("select reference, id from attempts where reference = any(cast(:references as text[]))")


@dataclass(frozen=True, slots=True)
class Progress:
    """News of one attempt."""

    state: Delivery
    reference: str | None = None
    code: str = ""
    address_dead: bool = False
    opted_out: bool = False
    complaint: bool = False

    @property
    def good(self) -> bool:
        """Whether it says nothing but that a carrier has the message, or more."""
        return self.state in TAKEN and not (self.code or self.address_dead or self.opted_out or self.complaint)


News = tuple[UUID, Progress]
"""News with the attempt it concerns."""


async def record(session: WriteSession, attempt: UUID, news: Progress, now: datetime) -> bool:
    """Book news of one attempt. False when there is no such attempt."""
    return attempt in await record_all(session, [(attempt, news)], now)


async def record_all(session: WriteSession, news: Sequence[News], now: datetime) -> frozenset[UUID]:
    """Raise attempts and their messages to new states; a failed contact goes on to its next channel.

    The attempts that exist; news of others is dropped. Messages are locked in the order of their ids.
    """
    if not news:
        return frozenset()
    told = defaultdict[UUID, list[Progress]](list)
    for attempt, progress in news:
        told[attempt].append(progress)
    good = [heard[0] if len(heard) == 1 and heard[0].good else None for heard in told.values()]
    values = {
        "attempts": uuids(told),
        "states": texts(None if one is None else one.state.value for one in good),
        "references": texts(None if one is None else one.reference or None for one in good),
        "settled": texts(state.value for state in SETTLED),
    }
    unknown: set[UUID] = set()
    messages: dict[int, _Message] = {}
    attempts: dict[UUID, _Attempt] = {}
    for row in await session.execute(STANDINGS, values | {"now": now}):
        if row.id is None:
            unknown.add(row.attempt)
            continue
        message = messages.setdefault(
            row.message,
            _Message(row.message, Delivery(row.message_state), row.address_id, row.contact_id, row.resent),
        )
        attempts[row.id] = _Attempt(row.id, message, Delivery(row.state), row.reference, row.code, row.latest)
    for attempt, progress in news:
        if attempt in attempts:
            attempts[attempt].hear(progress)
    await _write(session, attempts.values(), messages.values(), now)
    return frozenset(told.keys() - unknown)


async def note_statuses(session: WriteSession, reports: Sequence[StatusReport], now: datetime) -> list[bool]:
    """Book carriers' reports, in the order given. For each, whether it concerns an attempt of ours."""
    by_reference = await _named(session, [report.reference for report in reports if report.attempt is None])
    news: list[News | None] = []
    for report in reports:
        attempt = report.attempt or by_reference.get(report.reference)
        told = Progress(
            report.state, report.reference, report.code, report.address_dead, report.opted_out, report.complaint
        )
        news.append((attempt, told) if attempt else None)
    known = await record_all(session, [one for one in news if one], now)
    return [one is not None and one[0] in known for one in news]


async def next_channel(session: WriteSession, contacts: Iterable[int], now: datetime) -> None:
    """These contacts' messages did not get through: plan them again for the rest of their channels."""
    if numbers := sorted(set(contacts)):
        await session.execute(NEXT_CHANNEL, {"contacts": numbers, "now": now})


async def with_a_person(session: WriteSession, attempt: UUID) -> bool:
    """Whether the talk an attempt opened has been given to a person: nobody is chased by another channel meanwhile."""
    owner = (
        select(Conversation.owner)
        .join(Outbound, Outbound.conversation_id == Conversation.id)
        .join(Attempt, Attempt.outbound_id == Outbound.id)
        .where(Attempt.id == attempt)
    )
    return await session.scalar(owner) not in (None, Owner.BOT)


async def _named(session: WriteSession, references: Sequence[str]) -> Mapping[str, UUID]:
    if not references:
        return {}
    return {row.reference: row.id for row in await session.execute(NAMED, {"references": references})}


@dataclass(slots=True)
class _Message:
    """Where a message stands while its news is taken."""

    id: int
    state: Delivery
    address: int
    contact: int | None
    resent: bool
    reason: str | None = None
    risen: bool = False
    dead: Proof | None = None
    out: Proof | None = None

    @property
    def goes_on(self) -> bool:
        """Whether its contact is for the next channel now.

        Of what was sent twice the first copy may have arrived, whatever turned the second away: then nothing follows,
        unless the carrier, asked again after both, still had neither.
        """
        return self.risen and self.state in NOT_DELIVERED and (not self.resent or self.reason == NEVER_HAD)

    def rise(self, news: Progress) -> None:
        if news.state.rank > self.state.rank:
            self.state, self.reason, self.risen = news.state, news.code or None, True


@dataclass(slots=True)
class _Attempt:
    """Where an attempt stands while its news is taken."""

    id: UUID
    message: _Message
    state: Delivery
    reference: str | None
    code: str | None
    latest: bool
    risen: bool = False
    touched: bool = False

    @property
    def rank(self) -> int:
        return (Delivery.UNKNOWN if self.code == NEVER_HAD else self.state).rank

    def hear(self, news: Progress) -> None:
        if self.reference is None and news.reference:
            self.reference, self.touched = news.reference, True
        if news.complaint:
            self.message.out = Proof(Means.COMPLAINT, f"attempt:{self.id}")
        if news.state.rank <= self.rank:
            return
        self.code = news.code or (None if self.code == NEVER_HAD else self.code)
        self.state, self.risen, self.touched = news.state, True, True
        if self.latest or news.state not in NOT_DELIVERED:
            self.message.rise(news)  # what an earlier try failed by says nothing of the one after it
        if news.state in NOT_DELIVERED:
            proof = Proof(Means.CARRIER, f"attempt:{self.id}", news.code)
            self.message.dead = proof if news.address_dead else self.message.dead
            self.message.out = proof if news.opted_out else self.message.out


async def _write(
    session: WriteSession, attempts: Iterable[_Attempt], messages: Iterable[_Message], now: datetime
) -> None:
    told = [one for one in attempts if one.touched]
    if told:
        values = {
            "ids": [one.id for one in told],
            "states": [one.state.value for one in told],
            "references": [one.reference for one in told],
            "codes": [one.code for one in told],
            "risen": [one.risen for one in told],
        }
        await session.execute(ATTEMPTS, values | {"now": now})
    risen = [one for one in messages if one.risen]
    if risen:
        values = {
            "ids": [one.id for one in risen],
            "states": [one.state.value for one in risen],
            "reasons": [one.reason for one in risen],
            "settled": [one.state in SETTLED for one in risen],
        }
        await session.execute(MESSAGES, values | {"now": now})
    await _follow(session, messages, now)


async def _follow(session: WriteSession, messages: Iterable[_Message], now: datetime) -> None:
    """What a failure means beyond its message."""
    found = [
        (one.address, what, proof)
        for one in messages
        for what, proof in ((Consent.UNUSABLE, one.dead), (Consent.OPTED_OUT, one.out))
        if proof is not None
    ]
    if found:
        await session.execute(SHARED, {"addresses": sorted({address for address, _, _ in found})})
    for address, what, proof in found:
        await book_consent(session, what, [address], proof, now)
    await next_channel(session, (one.contact for one in messages if one.contact is not None and one.goes_on), now)
