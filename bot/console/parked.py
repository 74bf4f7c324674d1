"""What was given up by the program and waits for a person: tried once more, or put away with a reason; and gaps between
the carriers' records and ours, which a person closes.

A message a carrier may have had is never tried again from here, nor one whose contact has gone on to its next channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import literal, select, text, update

from bot.bell import INBOX, OUTBOUND
from bot.comparing import TOLD_BY
from bot.speaking import ANSWER_LIFE
from engine.store.history import note
from engine.store.session import ReadSession, WriteSession, lock_clients
from engine.store.tables.base import Sealed
from engine.store.tables.casework import Task, TaskResult
from engine.store.tables.talk import Gap, GapKind, InboxState
from engine.work.worklist import Report, Taken, Worker, finish

MOST = 50
"""So many are listed, the oldest first; the others follow as these are seen to."""
LONGEST = 300

MESSAGES = text("""
select o.id, o.parked_at as at, o.channel, o.reason, o.tries, c.ref, c.name as name,
       o.contact_id is null as again
from outbound o join conversations t on t.id = o.conversation_id join clients c on c.id = t.client_id
where o.parked_at is not null order by o.parked_at, o.id limit :most
""").columns(name=Sealed)

ALIKE = text("""
select max(id) as newest, provider, error, count(*) as many, min(received_at) as oldest
from inbox where state = 'parked' group by provider, error order by oldest limit :most
""")

COUNTED = text("""
select (select count(*) from outbound where parked_at is not null) as messages,
       (select count(*) from inbox where state = 'parked') as events
""")

CLIENT = text(
    "select t.client_id from outbound o join conversations t on t.id = o.conversation_id where o.id = :outbound"
)

AGAIN = text("""
update outbound o
set state = 'ready', parked_at = null, settled_at = null, lease_until = null, reason = null,
    send_from = :now, send_until = greatest(o.send_until, :until)
where o.id = :outbound and o.state = 'failed' and o.parked_at is not null and o.contact_id is null
  and not exists (select from attempts a where a.outbound_id = o.id and a.state <> 'failed')
returning o.channel, o.conversation_id
""")
"""Its tries are kept: if it fails once more it is parked once more."""

GIVEN_UP = text("""
update outbound o set parked_at = null,
    reason = concat_ws('; ', left(o.reason, 498 - length(cast(:said as text))), cast(:said as text))
where o.id = :outbound and o.parked_at is not null
returning o.channel, o.conversation_id
""")

SEE_TO = text("""
update inbox i set state = :state, tries = 0,
    error = concat_ws('; ', left(i.error, 498 - length(cast(:said as text))), cast(:said as text))
from inbox k
where k.id = :newest and k.state = 'parked' and i.state = 'parked' and i.provider = k.provider
  and i.error is not distinct from k.error and i.id <= k.id
returning i.id
""")

CLOSED = text("""
update gaps set mended_by = :by, mended_at = :now where id = :gap and mended_at is null returning channel, subject
""")

RING = text("select pg_notify(:bell, '')")


class SeenTo(Exception):
    """Somebody else has seen to it meanwhile, or it may not be tried again. Nothing was changed."""


class NoReason(ValueError):
    """Say in a few words why: it stands in the history. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class ParkedMessage:
    """A message nobody could send. `again`: it may be tried once more; else its contact has gone on by itself."""

    id: int
    at: datetime
    channel: str
    reason: str | None
    tries: int
    ref: str
    name: str
    again: bool


class ParkedEvents(NamedTuple):
    """What a provider told us and nobody could handle, all for the same reason; `newest` is the last of them."""

    newest: int
    provider: str
    reason: str | None
    many: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Parked:
    """All that is parked; `messages` and `events` are the oldest of `message_count` and `event_count`."""

    messages: Sequence[ParkedMessage]
    events: Sequence[ParkedEvents]
    message_count: int
    event_count: int

    @property
    def count(self) -> int:
        """Messages and events."""
        return self.message_count + self.event_count

    @property
    def hidden(self) -> int:
        """Messages that are not listed."""
        return self.message_count - len(self.messages)

    @property
    def oldest(self) -> datetime | None:
        """Since when the first of them has waited."""
        return min([*(one.at for one in self.messages), *(one.oldest for one in self.events)], default=None)


async def parked(session: ReadSession) -> Parked:
    """What is parked."""
    messages = await session.execute(MESSAGES, {"most": MOST})
    events = await session.execute(ALIKE, {"most": MOST})
    counted = (await session.execute(COUNTED)).one()
    return Parked(
        [ParkedMessage(*row) for row in messages],
        [ParkedEvents(*row) for row in events],
        *counted,
    )


async def try_again(session: WriteSession, outbound: int, who: Worker, now: datetime) -> None:
    """Queue a parked answer once more; the guards of sending have the last word. Raises SeenTo."""
    client = await _locked(session, outbound)
    row = (await session.execute(AGAIN, {"outbound": outbound, "now": now, "until": now + ANSWER_LIFE})).one_or_none()
    if row is None:
        raise SeenTo
    note(session, client, now, "tried_again", channel=row.channel, conversation=row.conversation_id, operator=who.name)
    await _done(session, outbound, who, "tried again", now)
    await session.execute(RING, {"bell": OUTBOUND})


async def give_up(session: WriteSession, outbound: int, reason: str, who: Worker, now: datetime) -> None:
    """Put a parked message away. Raises NoReason, SeenTo."""
    said = _said(reason, who)
    client = await _locked(session, outbound)
    row = (await session.execute(GIVEN_UP, {"outbound": outbound, "said": said})).one_or_none()
    if row is None:
        raise SeenTo
    told = {"channel": row.channel, "conversation": row.conversation_id, "operator": who.name, "reason": reason}
    note(session, client, now, "given_up", **told)
    await _done(session, outbound, who, reason, now)


async def try_events_again(session: WriteSession, newest: int, who: Worker) -> None:
    """Have parked events handled once more: this one, and the older ones parked for the same. Raises SeenTo."""
    await _see_to(session, InboxState.NEW, newest, f"tried again by {who.name}")
    await session.execute(RING, {"bell": INBOX})


async def give_events_up(session: WriteSession, newest: int, reason: str, who: Worker) -> None:
    """Put parked events away: this one, and the older ones parked for the same. Raises NoReason, SeenTo."""
    await _see_to(session, InboxState.DONE, newest, _said(reason, who))


async def close_gap(session: WriteSession, gap: int, reason: str, who: Worker, now: datetime) -> None:
    """Somebody has looked at a gap and it needs nothing more. Raises NoReason, SeenTo."""
    said = _said(reason, who, "closed")
    told = await session.scalar(select(Task).join(Gap, Task.source == TOLD_BY).where(Gap.id == gap))
    if told is not None:
        await lock_clients(session, [told.client_id])
    row = (await session.execute(CLOSED, {"gap": gap, "by": said, "now": now})).one_or_none()
    if row is None:
        raise SeenTo
    if told is not None:
        about = {"channel": row.channel, "subject": row.subject, "operator": who.name, "reason": reason}
        note(session, told.client_id, now, "gap_closed", **about)
        await _finish(session, told.source, who, reason, now)


async def close_gap_of(session: WriteSession, task: Task, who: Worker, now: datetime) -> None:
    """Close the gap that a task told of, if it told of one: whoever finished it has looked at it."""
    open_gap = update(Gap).where(Gap.mended_at.is_(None), Gap.kind == GapKind.STRANGER, literal(task.source) == TOLD_BY)
    by = f"closed by {who.name}: {task.note or task.result}"
    await session.execute(open_gap.values(mended_by=by, mended_at=now))


async def _see_to(session: WriteSession, state: InboxState, newest: int, said: str) -> None:
    if not (await session.scalars(SEE_TO, {"state": state.value, "newest": newest, "said": said})).all():
        raise SeenTo


async def _locked(session: WriteSession, outbound: int) -> int:
    """The client a message is for, locked first as everywhere."""
    client = await session.scalar(CLIENT, {"outbound": outbound})
    if client is None:
        raise SeenTo
    await lock_clients(session, [client])
    return int(client)


async def _done(session: WriteSession, outbound: int, who: Worker, why: str, now: datetime) -> None:
    await _finish(session, f"outbound:{outbound}:parked", who, why, now)


async def _finish(session: WriteSession, source: str, who: Worker, why: str, now: datetime) -> None:
    """Finish the task that told of it, unless somebody else works on the client: then it is theirs."""
    told = select(Task.id).where(Task.source == source, Task.done_at.is_(None))
    if (task := await session.scalar(told)) is not None:
        with suppress(Taken):
            await finish(session, task, who, Report(TaskResult.OTHER, note=why), now)


def _said(reason: str, who: Worker, deed: str = "given up") -> str:
    if not 1 <= len(reason) <= LONGEST:
        raise NoReason
    return f"{deed} by {who.name}: {reason}"
