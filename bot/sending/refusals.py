"""Messages that are turned away when they come up: why, and what follows for the contacts they open."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import text

from bot.sending.packing import Parcel
from engine.store.session import WriteSession

REFUSED = text("""
update outbound o set state = 'refused', settled_at = :now, reason = n.reason
from unnest(cast(:refused as bigint[]), cast(:reasons as text[])) n(id, reason)
where o.id = n.id
""")

PUT_BACK = text("""
update contacts c
set state = case when n.reason = any(:final) then 'superseded' else 'planned' end,
    send_from = case when n.reason = any(:final) then send_from else :now end,
    tried = case n.reason when 'a person has taken over' then greatest(tried - 1, 0) else tried end
from unnest(cast(:contacts as bigint[]), cast(:reasons as text[])) n(id, reason)
where c.id = n.id and c.state = 'opened'
""")
"""A contact goes on to its next channel, or waits for the bot's turn on the same one."""

UNWARRANTED = "the debt is frozen or paid"
NOTHING_TO_SHOW = "what it would say does not stand any more"
FINAL = (UNWARRANTED, NOTHING_TO_SHOW)
"""After these nothing follows; after a closed case or a settled subject the contact stays as it is."""
PUT_OFF = ("opted out", "the address is unusable", "a person has taken over")


async def refuse(session: WriteSession, refused: Mapping[Parcel, str], now: datetime) -> None:
    """Turn these messages away, each for its reason.

    Where a carrier may have had it already, nothing follows for its contact: nobody is written to twice.
    """
    if not refused:
        return
    reasons = {"refused": [parcel.outbound for parcel in refused], "reasons": list(refused.values())}
    await session.execute(REFUSED, reasons | {"now": now})
    back = [
        (parcel.contact, reason)
        for parcel, reason in sorted(refused.items())
        if parcel.contact is not None and (reason in FINAL or (reason in PUT_OFF and not parcel.resent))
    ]
    if back:
        contacts = {"contacts": [contact for contact, _ in back], "reasons": [reason for _, reason in back]}
        await session.execute(PUT_BACK, contacts | {"final": list(FINAL), "now": now})
