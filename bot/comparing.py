"""Comparing what a carrier has on record with the store: what is lacking goes into the inbox, and is kept as a gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert

from bot.arrivals import SMS
from bot.delivery import NEVER_HAD
from bot.keeping import Posted, keep_new
from bot.statuses import CALL_STATUS, SMS_STATUS
from channels.port import CLOCKS_APART, Record
from engine.contact import ChannelKind
from engine.plan import TaskKind
from engine.store.addresses import BadAddress, blind_index
from engine.store.session import WriteSession
from engine.store.tables.talk import Gap, GapKind
from engine.store.tasks import give_task

TOLD_BY = func.left(func.concat("gap:", Gap.channel, ":", Gap.subject), 200)
"""The source of the task that tells of a gap; the column has room for so much."""
BROUGHT, KNOWN = "put into the inbox", "known by now"


class Door(NamedTuple):
    """By which names a carrier's webhooks come into the inbox: of messages to us, and of news of ours, whose address
    carries the try. What is said in a call is no message: it was heard then or never."""

    replies: str
    reports: str
    path: str


DOORS = {
    ChannelKind.SMS: Door(SMS, SMS_STATUS, "/webhooks/twilio/status/{}"),
    ChannelKind.VOICE: Door("", CALL_STATUS, "/webhooks/twilio/voice/{}/status"),
}

KNOWN_BY_NAME = text("select reference, id from attempts where reference = any(cast(:references as text[]))")

DOUBTFUL = text("""
select n.reference, a.id
from unnest(cast(:references as text[]), cast(:lookups as bytea[]), cast(:digests as bytea[]),
            cast(:moments as timestamptz[])) n(reference, lookup, digest, at)
join addresses w on w.lookup = n.lookup and w.channel = :channel
join outbound o on o.address_id = w.id
join attempts a on a.outbound_id = o.id
where a.reference is null and n.digest in (a.digest, '') and a.started_at between n.at - :apart and n.at + :apart
  and (a.state in ('sending', 'unknown') or a.code = :never)
order by n.at, abs(extract(epoch from a.started_at - n.at))
""")
"""Tries whose answer never came, and which messages they may have become."""

CLIENTS = text("""
select distinct on (lookup) lookup, client_id from addresses where lookup = any(:lookups) order by lookup, id
""")

MEND = text("""
update gaps set mended_by = :by, mended_at = :now
where channel = :channel and kind = 'stranger' and subject = any(cast(:subjects as text[])) and mended_at is null
""")


async def compare(session: WriteSession, kind: ChannelKind, records: Sequence[Record], now: datetime) -> int:
    """Mend what the store lacks of these records, and keep what was found as gaps. How many were not found before."""
    door = DOORS[kind]
    tries = await _tries(session, kind, [record for record in records if record.ours], now)
    told = [record for record in records if record.event and (not record.ours or record.reference in tries)]
    posted = [
        Posted(door.reports, record.event, now, door.path.format(tries[record.reference]), record.raw)
        if record.ours
        else Posted(door.replies, record.event, min(record.at, now), "", record.raw)
        for record in told
    ]
    new = {event for _, event in await keep_new(session, posted)}
    strangers = [record for record in records if record.ours and record.reference not in tries]
    gaps = [_gap(kind, record, now) for record in told if record.event in new]
    gaps += [_gap(kind, record, now, stranger=True) for record in strangers]
    if not gaps:
        return 0
    new_gaps = insert(Gap).values(gaps).on_conflict_do_nothing().returning(Gap.subject, TOLD_BY.label("told_by"))
    sources = {row.subject: row.told_by for row in await session.execute(new_gaps)}
    await _ask_a_person(session, kind, [record for record in strangers if record.reference in sources], sources, now)
    return len(sources)


async def _tries(
    session: WriteSession, kind: ChannelKind, records: Sequence[Record], now: datetime
) -> Mapping[str, UUID]:
    """The tries these messages are, also those of which no answer came; messages that are none of them left out."""
    if not records:
        return {}
    named = await session.execute(KNOWN_BY_NAME, {"references": [record.reference for record in records]})
    known = {row.reference: row.id for row in named}
    if known:
        mended = {"subjects": list(known), "channel": kind.value, "by": KNOWN, "now": now}
        await session.execute(MEND, mended)
    rest = [record for record in records if record.reference not in known]
    unnamed = [(record, index) for record in rest if (index := _index(kind, record))]
    if unnamed:
        asked = {
            "references": [record.reference for record, _ in unnamed],
            "lookups": [index for _, index in unnamed],
            "digests": [record.digest for record, _ in unnamed],
            "moments": [record.at for record, _ in unnamed],
        }
        beside = {"channel": kind.value, "apart": CLOCKS_APART, "never": NEVER_HAD}
        for row in await session.execute(DOUBTFUL, asked | beside):
            if row.reference not in known and row.id not in known.values():
                known[row.reference] = row.id
    return known


def _index(kind: ChannelKind, record: Record) -> bytes | None:
    try:
        return blind_index(kind, record.person)
    except BadAddress:
        return None


def _gap(kind: ChannelKind, record: Record, now: datetime, *, stranger: bool = False) -> dict[str, object]:
    """A stranger stays open; all else was mended as it was found."""
    missed = GapKind.REPORT if record.ours else GapKind.REPLY
    return {
        "kind": (GapKind.STRANGER if stranger else missed).value,
        "channel": kind.value,
        "sender": record.sender,
        "subject": record.reference if stranger else record.event,
        "found_at": now,
        "mended_by": None if stranger else BROUGHT,
        "mended_at": None if stranger else now,
    }


async def _ask_a_person(
    session: WriteSession, kind: ChannelKind, records: Sequence[Record], sources: Mapping[str, str], now: datetime
) -> None:
    """A person looks at what was sent to a client and is not known here; to others, the gap alone tells of it."""
    found = {index: record for record in records if (index := _index(kind, record))}
    if not found:
        return
    for row in await session.execute(CLIENTS, {"lookups": list(found)}):
        reference = found[bytes(row.lookup)].reference
        reason = f"the carrier sent them a message by {kind} that we know nothing of: {reference}"[:300]
        await give_task(session, row.client_id, TaskKind.REVIEW, reason, sources[reference], now)
