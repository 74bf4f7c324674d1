"""Claiming what may go out: the one transaction that decides whether a message is sent, and says so before it is.

It holds a batch of messages, and with each the client it is for and the talk it belongs to, so that no payment, STOP,
decision or taking over of either comes between the look and the sending: what was stored before wins, what is being
stored right now makes the message wait for the next look. Then it turns away what the guards bar, puts the rest into
words from the facts of the moment, and writes an attempt for each. Only after its commit is a carrier called.

A lease is on the database's clock. When it runs out, the message is in doubt (`bot.resolver`), never ready again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, OperationalError

from bot.application import Application
from bot.bell import POLL_SECONDS
from bot.sending.pace import give_back
from bot.sending.packing import Packed, Packing, Parcel, parcels
from bot.sending.parking import alert, complain, stumble
from bot.sending.refusals import NOTHING_TO_SHOW, UNWARRANTED, refuse
from bot.situation import Situations
from bot.speaking import BULK, REPLY
from channels.port import Draft
from dialogs.render import NothingToShow
from engine.contact import ChannelKind
from engine.store.arrays import blobs, numbers, uuids
from engine.store.session import WriteSession, at_once

BATCH = 200
"""So many messages are claimed at once."""

HOLD = text("""
select held.id, held.client_id, lane.channel
from unnest(cast(:channels as text[]), cast(:priorities as int[]), cast(:most as int[])) lane(channel, priority, most)
cross join lateral (
  select o.id, t.client_id from outbound o
  join conversations t on t.id = o.conversation_id join clients c on c.id = t.client_id
  where o.state = 'ready' and o.channel = lane.channel and o.priority = lane.priority
    and o.send_from <= :now and o.send_until > :now
    and not exists (
      select from outbound e
      where e.conversation_id = o.conversation_id and e.id < o.id and e.state in ('ready', 'sending'))
  order by o.send_from, o.id limit lane.most
  for no key update of o skip locked for key share of t skip locked for share of c skip locked
) held
order by lane.priority
""")
"""In each talk the earlier message goes first. Nobody waits here for a lock, so nobody waits in a circle."""

EXPIRED = text("""
with late as (
  update outbound set state = 'expired', settled_at = :now, reason = 'its hours were over'
  where id in (select id from outbound where state = 'ready' and send_until <= :now
               order by send_until limit :most for no key update skip locked)
  returning contact_id, resent
), planned as (
  update contacts p set state = 'planned', tried = coalesce((
    select max(way.place) from unnest(p.channels) with ordinality way(channel, place), outbound o
    where way.place < p.tried and o.contact_id = p.id and o.channel = way.channel and o.state <> 'refused'), 0)
  where id in (
    select c.id from contacts c join late on late.contact_id = c.id where c.state = 'opened' and not late.resent
    order by c.id for no key update of c)
)
select count(*) from late
""")
"""A contact comes back to the channel it was at, and to those passed over before (`bot.outreach.LAST_CALL`)."""

UNANSWERED = f"the bot's answer was not sent: {NOTHING_TO_SHOW}"
ENLIST = text("""
with packed as (
  select * from unnest(cast(:ids as uuid[]), cast(:outbound as bigint[]), cast(:messages as bigint[]),
                       cast(:numbers as int[]), cast(:bodies as bytea[]), cast(:digests as bytea[]),
                       cast(:links as bytea[]))
    n(id, outbound, message, no, body, digest, link)
), linked as (
  insert into pay_links (digest, client_id, conversation_id, currency, created_at)
  select packed.link, t.client_id, t.id, t.currency, :now
  from packed join outbound o on o.id = packed.outbound join conversations t on t.id = o.conversation_id
  where packed.link is not null
), said as (
  update messages m set text = packed.body from packed where m.id = packed.message and m.author <> 'operator'
), sending as (
  update outbound o set state = 'sending', tries = tries + 1, lease_until = now() + make_interval(secs => :lease)
  from packed where o.id = packed.outbound
)
insert into attempts (id, outbound_id, no, state, body, digest, started_at)
select id, outbound, no, 'sending', body, digest, :now from packed
""")
"""Attempts, leases, pay links, and what was really said; the words of a person stay as they wrote them."""


class Lane(NamedTuple):
    """A channel's replies, or what it sends of itself: neither takes the places of the other."""

    channel: ChannelKind
    priority: int


class Held(NamedTuple):
    """A message this transaction has locked, with the client it is for."""

    outbound: int
    client: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """One message under way: its attempt is in the store already. `tries` counts this one."""

    outbound: int
    attempt: UUID
    lane: Lane
    tries: int
    answers: bool
    draft: Draft


@dataclass(frozen=True, slots=True)
class Claim:
    """What a look at the queue came to: messages to send, how many were looked at; after none, seconds to wait."""

    looked_at: int
    jobs: Sequence[Claimed]
    wait: float = POLL_SECONDS


def both(channel: ChannelKind) -> tuple[Lane, Lane]:
    """The lanes of a channel."""
    return Lane(channel, REPLY), Lane(channel, BULK)


def lanes(rooms: Mapping[ChannelKind, int]) -> dict[Lane, int]:
    """The lanes of these channels, each with its channel's room."""
    return {lane: room for channel, room in rooms.items() for lane in both(channel)}


async def expire(session: WriteSession, now: datetime) -> int:
    """Drop what is too late; its contact waits for its next hours if no carrier may have had it. How many."""
    return int(await session.scalar(EXPIRED, {"now": now, "most": BATCH}) or 0)


async def claim(app: Application, room: Mapping[Lane, int], allowed: Mapping[ChannelKind, int], now: datetime) -> Claim:
    """Claim up to `room` of each lane and what is `allowed` of each channel, replies first.

    A message that cannot be written stops none of the others.
    """
    held: list[Held] = []
    try:
        async with app.database.write() as session:
            held += await hold(session, room, allowed, now)
            jobs = await _claim(session, app, held, now) if held else []
            made = Counter(job.lane.channel for job in jobs)
            limited = [channel for channel in allowed if app.pace_of(channel).per_second]
            await give_back(session, {channel: allowed[channel] - made[channel] for channel in limited})
            return Claim(len(held), jobs)
    except (OperationalError, InterfaceError):
        raise
    except Exception as fault:
        if not held:
            raise
        complain("a batch could not be claimed", fault, messages=len(held))
        if len(held) > 1:
            return await _one_by_one(app, held, now)
        async with app.database.write() as session:
            await stumble(session, held[0].outbound, fault, now)
        return Claim(1, [])


async def hold(
    session: WriteSession, room: Mapping[Lane, int], allowed: Mapping[ChannelKind, int], now: datetime
) -> list[Held]:
    """Lock messages of each lane, with their clients and talks, for this transaction."""
    wanted = [(lane, min(most, allowed.get(lane.channel, 0))) for lane, most in room.items()]
    values = {
        "channels": [lane.channel.value for lane, _ in wanted],
        "priorities": [lane.priority for lane, _ in wanted],
        "most": [most for _, most in wanted],
    }
    left, held = dict(allowed), []
    for number, client, name in await session.execute(HOLD, values | {"now": now}):
        channel = ChannelKind(name)
        if left[channel] > 0:
            left[channel] -= 1
            held.append(Held(number, client))
    return held


async def enlist(session: WriteSession, packed: Sequence[Packed], lease: float, now: datetime) -> list[Claimed]:
    """Write the attempts of messages held and packed, and lease the messages for `lease` seconds."""
    if not packed:
        return []
    attempts = {
        "ids": uuids(one.draft.attempt for one in packed),
        "outbound": numbers(one.parcel.outbound for one in packed),
        "messages": numbers(one.parcel.message for one in packed),
        "numbers": numbers(one.parcel.tries + 1 for one in packed),
        "bodies": blobs(one.shown.encode() for one in packed),
        "digests": blobs(one.draft.sought.digest for one in packed),
        "links": blobs(one.link for one in packed),
    }
    await session.execute(ENLIST, attempts | {"lease": lease, "now": now})
    return [
        Claimed(
            one.parcel.outbound,
            one.draft.attempt,
            Lane(one.draft.channel, one.parcel.priority),
            one.parcel.tries + 1,
            one.parcel.contact is None,
            one.draft,
        )
        for one in packed
    ]


async def _claim(session: WriteSession, app: Application, held: Sequence[Held], now: datetime) -> list[Claimed]:
    numbers, clients = [one.outbound for one in held], sorted({one.client for one in held})
    found, situations = await at_once(session, parcels(session, numbers), Situations.read(session, app, clients, now))
    await refuse(session, {parcel: parcel.barred for parcel in found if parcel.barred is not None}, now)
    waiting = [parcel for parcel in found if parcel.barred is None]
    if not waiting:
        return []
    packing = await Packing.read(session, app, waiting, situations)
    await refuse(session, {parcel: UNWARRANTED for parcel in waiting if not packing.warrants(parcel)}, now)
    warranted = [parcel for parcel in waiting if packing.warrants(parcel)]
    return await enlist(session, await _packed(session, packing, warranted, now), app.lease_seconds, now)


async def _packed(session: WriteSession, packing: Packing, waiting: Sequence[Parcel], now: datetime) -> list[Packed]:
    packed = []
    for parcel in waiting:
        try:
            packed.append(packing.pack(parcel))
        except NothingToShow:
            await refuse(session, {parcel: NOTHING_TO_SHOW}, now)
            if parcel.contact is None and not parcel.reminds:  # somebody wrote, and hears nothing
                await alert(session, parcel.client.id, parcel.outbound, UNANSWERED, now)
        except Exception as fault:  # noqa: BLE001 whatever a script does wrong, it stops no other message
            complain("a message cannot be put into words", fault, outbound=parcel.outbound)
            await stumble(session, parcel.outbound, fault, now)
    return packed


async def _one_by_one(app: Application, held: Sequence[Held], now: datetime) -> Claim:
    """Something in a batch breaks its transaction: each message gets one of its own, and the one at fault its try."""
    jobs: list[Claimed] = []
    for one in held:
        try:
            async with app.database.write() as session:
                if await _still(session, one):
                    jobs += await _claim(session, app, [one], now)
        except Exception as fault:  # noqa: BLE001 whatever is wrong with it, it stops no other message
            complain("a message cannot be claimed", fault, outbound=one.outbound)
            async with app.database.write() as session:
                await stumble(session, one.outbound, fault, now)
    return Claim(len(held), jobs)


STILL = text("""
select o.id from outbound o join conversations t on t.id = o.conversation_id join clients c on c.id = t.client_id
where o.id = :outbound and o.state = 'ready'
for no key update of o skip locked for key share of t skip locked for share of c skip locked
""")


async def _still(session: WriteSession, one: Held) -> bool:
    return await session.scalar(STILL, {"outbound": one.outbound}) is not None
