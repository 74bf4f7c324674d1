"""Asking carriers for all they have on record, and mending what webhooks lost: they are a hint, not the truth.

Every quarter of an hour a carrier that can tell (`channels.port.Recording`) is asked for what it sent and received
since a while before the last look; once a day for two days, for news that came late of messages sent long before. What
no webhook brought goes into the inbox under the very name the webhook would have had, so a late one changes nothing,
and is handled like any other; but one who asks for messages again, and is heard so late, is asked by a person. A
message of which the store knows nothing is a gap that stays open, for a person.

Telegram keeps nothing a bot could ask for, and repeats what was not acknowledged by itself; so does a mail relay.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import InterfaceError, OperationalError

from bot.application import Application
from bot.comparing import DOORS, compare
from bot.keeping import NOT_TEXT, keepable
from bot.sending.parking import complain
from channels.port import LookupFailed, Record, Recording, Unreadable
from engine.contact import ChannelKind
from engine.store.aside import worded
from engine.store.leases import Lease, LeaseLost, give_back, take_lease
from engine.store.tables.talk import Reconciliation

EVERY = timedelta(minutes=15)
OVERLAP = timedelta(minutes=45)
"""So long before the last look the next one begins."""
FAR, FAR_EVERY = timedelta(days=2), timedelta(days=1)
"""How far back the daily look goes: messages are reported on for as long as carriers try to deliver them."""
RETRY = timedelta(minutes=3)
"""A carrier that could not be asked is let alone for so long, if it does not say for how long."""
ON_ITS_WAY = timedelta(minutes=5)
"""The webhook of what changed at a carrier less than so long ago may still come, and our own sender still be told."""
LEASE_SECONDS = 60.0

HEARD = text("select event from inbox where provider = :provider and event = any(cast(:events as text[]))")


async def reconcile(app: Application, now: datetime) -> int:
    """Look through the records of every carrier whose turn has come. How many gaps were found."""
    found = 0
    for channel in app.channels.values():
        if isinstance(channel, Recording) and channel.kind in DOORS:
            found += await _turn(app, channel, now)
    return found


async def _turn(app: Application, channel: Recording, now: datetime) -> int:
    """What is near first: it is done with when what is far cannot be had. Whatever fails, other channels go on."""
    last = await _standing(app, channel.kind, now)
    if now < last.next_at <= now + EVERY:
        return 0
    lease = await take_lease(app.database, f"reconcile {channel.kind}", socket.gethostname(), LEASE_SECONDS)
    if lease is None:
        return 0
    look = _Look(app, channel, lease, now)
    try:
        await look.through(min(last.reached_at, now) - OVERLAP)
        await _note(app, channel.kind, reached_at=now)
        if not now - FAR_EVERY < last.far_at <= now:
            await look.through(min(last.far_at, now) - FAR)
            await _note(app, channel.kind, far_at=now)
        await _ended(app, channel.kind, EVERY, look.failure, now)
    except LeaseLost:
        return look.found
    except Exception as fault:  # noqa: BLE001 whatever it is, the other carriers are asked
        complain("a carrier could not be asked for its records", fault, channel=channel.kind)
        told = str(fault) if isinstance(fault, LookupFailed) else worded(fault)
        await _ended(app, channel.kind, _wait(fault), told, now)
    finally:
        await give_back(app.database, lease)
    return look.found


class _Look:
    """A look through a carrier's records: how many gaps it has `found`, and which records were passed over."""

    def __init__(self, app: Application, channel: Recording, lease: Lease, now: datetime) -> None:
        self._app, self._channel, self._lease, self._now = app, channel, lease, now
        self._passed_over: set[str] = set()
        self.found = 0

    @property
    def failure(self) -> str | None:
        """What a person should know of it."""
        return f"{len(self._passed_over)} of its records make no sense" if self._passed_over else None

    async def through(self, since: datetime) -> None:
        """Our own messages a page at a time; replies when all are there, oldest first, as they would have come.

        A look that is cut off begins anew.
        """
        unheard: list[Record] = []
        async for page in self._channel.records(since):
            settled = [one for one in self._sound(page) if one.changed <= self._now - ON_ITS_WAY]
            await self._mend([record for record in settled if record.ours])
            unheard += await self._unheard([record for record in settled if not record.ours])
        unheard.reverse()  # the carrier dates by the second, and what it lists first of one second came last
        for reply in sorted(unheard, key=lambda reply: reply.at):
            await self._mend([reply])

    def _sound(self, page: Sequence[Record | Unreadable]) -> list[Record]:
        sound = []
        for one in page:
            if isinstance(one, Unreadable):
                self._pass_over(str(one), one)
            elif not keepable(one.event + one.reference):
                self._pass_over(one.reference, Unreadable("no carrier gives a message such a name"))
            else:
                sound.append(one)
        return sound

    async def _unheard(self, records: Sequence[Record]) -> list[Record]:
        if not records:
            return []
        asked = {"provider": DOORS[self._channel.kind].replies, "events": [record.event for record in records]}
        async with self._app.database.read() as session:
            heard = set(await session.scalars(HEARD, asked))
        return [record for record in records if record.event not in heard]

    async def _mend(self, records: Sequence[Record]) -> None:
        """In one transaction; where it fails for what one of them says, each in its own, and that one is left out."""
        try:
            async with self._app.database.write() as session:
                await self._lease.keep(session)
                found = await compare(session, self._channel.kind, records, self._now)
            self.found += found
        except (LeaseLost, OperationalError, InterfaceError):
            raise
        except Exception as fault:
            if not records:
                raise
            if len(records) == 1:
                self._pass_over(records[0].reference, fault)
                return
            for one in records:
                await self._mend([one])

    def _pass_over(self, what: str, fault: Exception) -> None:
        complain("a carrier's record was passed over", fault, channel=self._channel.kind)
        self._passed_over.add(what)


async def _standing(app: Application, kind: ChannelKind, now: datetime) -> Reconciliation:
    """How far a carrier has been asked. It is written down before the first look, which must not slide if it fails."""
    async with app.database.read() as session:
        row = await session.get(Reconciliation, kind)
    if row is not None:
        return row
    begun = {"channel": kind, "reached_at": now, "far_at": now, "next_at": now}
    async with app.database.write() as session:
        await session.execute(insert(Reconciliation).values(begun).on_conflict_do_nothing())
    return await _standing(app, kind, now)


async def _note(app: Application, kind: ChannelKind, **known: object) -> None:
    async with app.database.write() as session:
        await session.execute(update(Reconciliation).where(Reconciliation.channel == kind).values(known))


async def _ended(app: Application, kind: ChannelKind, wait: timedelta, failure: str | None, now: datetime) -> None:
    """After a failure the next look goes back as far as this one would have."""
    since = func.coalesce(Reconciliation.failed_since, now) if failure else None
    told = NOT_TEXT.sub("?", failure)[:300] if failure else None
    await _note(app, kind, next_at=now + wait, failure=told, failed_since=since)


def _wait(fault: Exception) -> timedelta:
    """Until a carrier is asked again: as long as it wants, within reason."""
    if isinstance(fault, LookupFailed) and fault.retry_after is not None:
        return min(timedelta(seconds=fault.retry_after), EVERY)
    return RETRY
