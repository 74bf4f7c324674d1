"""Carriers' reports from the inbox, a batch at a time: read, booked together, each marked as handled, in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from bot.delivery import note_statuses, with_a_person
from channels.port import StatusReport, Unreadable
from channels.signatures import form_pairs
from channels.sms import read_status
from channels.voice import OVER, read_call_status
from engine.store.session import WriteSession
from engine.store.tables.talk import InboxState

SMS_STATUS, CALL_STATUS = "twilio-status", "twilio-call-status"
STATUSES = (SMS_STATUS, CALL_STATUS)
NOT_OURS = "the report names no message of ours"
WITH_A_PERSON = "the client was passed on to a person"

NEW = text("""
select id, provider, path, raw from inbox
where state = 'new' and provider = any(:providers) order by tries, id limit :most for no key update skip locked
""")

HANDLED = text("""
update inbox i set state = h.state, error = h.note
from unnest(cast(:ids as bigint[]), cast(:states as text[]), cast(:notes as text[])) h(id, state, note)
where i.id = h.id
""")


@dataclass(slots=True)
class _Event:
    """A report in the inbox, and what becomes of it: parked where it is not ours or cannot be read."""

    id: int
    report: StatusReport | None = None
    note: str | None = None
    state: InboxState = InboxState.DONE


async def book_statuses(session: WriteSession, most: int, now: datetime, held: list[int]) -> None:
    """Book up to `most` new reports, oldest first. `held` is told which they are, also where it fails."""
    rows = (await session.execute(NEW, {"providers": list(STATUSES), "most": most})).all()
    held += [row.id for row in rows]
    if not rows:
        return
    events = [await _read(session, row) for row in rows]
    ours = [event for event in events if event.report is not None]
    known = await note_statuses(session, [event.report for event in ours if event.report], now)
    for event, found in zip(ours, known, strict=True):
        if not found:
            event.note, event.state = NOT_OURS, InboxState.PARKED
    await session.execute(HANDLED, _columns(events))


async def _read(session: WriteSession, row: Any) -> _Event:
    parts = row.path.split("/")
    try:
        if row.provider == SMS_STATUS:
            return _Event(row.id, read_status(dict(form_pairs(row.raw)), UUID(parts[-1]) if parts[-1] else None))
        attempt = UUID(parts[-2])
        report = read_call_status(dict(form_pairs(row.raw)), attempt)
    except (Unreadable, ValueError, IndexError) as fault:
        return _Event(row.id, None, f"{type(fault).__name__}: {fault}"[:500], InboxState.PARKED)
    if report.code == OVER and await with_a_person(session, attempt):
        return _Event(row.id, None, WITH_A_PERSON)
    return _Event(row.id, report)


def _columns(events: Sequence[_Event]) -> dict[str, list[Any]]:
    return {
        "ids": [event.id for event in events],
        "states": [event.state.value for event in events],
        "notes": [event.note for event in events],
    }
