"""The control: a sender as one writes it at first. It sends, then writes, and tries again when something went wrong.

It takes the same messages by the same locks and calls the same adapters; it does not know what it does not know.
"""

from __future__ import annotations

import asyncio

from sqlalchemy import text

from bot.application import Application
from bot.prove.trial import IN_FLIGHT
from bot.sending.claim import enlist, hold, lanes
from bot.sending.packing import Packed, Packing, parcels
from bot.situation import Situations
from channels.port import Receipt, SendFailed
from engine.contact import Delivery

TRIES = 3
PAUSE_SECONDS = 0.1

SENT = text("update outbound set state = :state, reason = :reason where id = :outbound")


async def send_naively(app: Application) -> None:
    """Send what is queued, for ever."""
    while True:
        if not await _send_some(app):
            await asyncio.sleep(PAUSE_SECONDS)


async def _send_some(app: Application) -> int:
    rooms, now = dict.fromkeys(app.channels, IN_FLIGHT), app.clock()
    async with app.database.write() as session:
        held = await hold(session, lanes(rooms), rooms, now)
        waiting = await parcels(session, [one.outbound for one in held])
        situations = await Situations.read(session, app, sorted({one.client for one in held}), now)
        packing = await Packing.read(session, app, waiting, situations)
        packed = [packing.pack(parcel) for parcel in waiting]
        await enlist(session, packed, app.lease_seconds, now)  # a kill before the commit takes it back
        receipts = await asyncio.gather(*(_insist(app, one) for one in packed))
        for one, receipt in zip(packed, receipts, strict=True):
            state, reason = (receipt.state, None) if receipt else (Delivery.FAILED, f"failed {TRIES} times")
            await session.execute(SENT, {"outbound": one.parcel.outbound, "state": state.value, "reason": reason})
    return len(packed)


async def _insist(app: Application, one: Packed) -> Receipt | None:
    for _ in range(TRIES):
        try:
            return await app.channels[one.draft.channel].send(one.draft)
        except SendFailed:
            await asyncio.sleep(PAUSE_SECONDS)
    return None
