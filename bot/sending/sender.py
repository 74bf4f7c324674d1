"""Sending what is queued. Nothing here retries a send, and no carrier is called before its attempt is in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.application import Application
from bot.bell import POLL_SECONDS
from bot.sending.acknowledging import acknowledge
from bot.sending.claim import BATCH, Claim, Claimed, Lane, both, claim, expire, lanes
from bot.sending.pace import Answer, Standing, allowance, standings
from bot.sending.parking import complain
from channels.port import NotSent, Rejected, Uncertain
from engine.contact import ChannelKind

OF_THE_LEASE = 0.8
"""A call is given up within this share of its lease, so that nobody looks after a message still being offered."""

SOONEST = 0.2
"""A channel with a rate is not looked after more often: it loses nothing, its bucket holds a whole second's."""


async def send_due(app: Application, now: datetime) -> int:
    """Claim and send a batch of what may go out at `now`, to the end. How many were claimed, dropped or turned away."""
    room = lanes(dict.fromkeys(app.channels, BATCH))
    deadline = deadline_of(app)
    found = await look(app, room, now)
    if found.jobs:
        places = {lane: asyncio.Semaphore(app.pace_of(lane.channel).in_flight) for lane in room}
        answers = await asyncio.gather(*(offer(app, job, deadline, places[job.lane]) for job in found.jobs))
        await acknowledge(app, list(zip(found.jobs, answers, strict=True)), app.clock())
    return found.looked_at


async def look(app: Application, room: Mapping[Lane, int], now: datetime) -> Claim:
    """Claim what there is room for and what the carriers may be offered.

    What was not sent in its hours expires, whatever kept it: after an outage nothing goes out in a burst.
    """
    wanted = {channel: min(sum(room[lane] for lane in both(channel)), BATCH) for channel in app.channels}
    async with app.database.read() as session:
        queues = await standings(session, list(ChannelKind), now)  # also of a channel that is switched off
    waiting = [standing for standing in queues if wanted.get(ChannelKind(standing.channel), 0) > 0]
    allowed = {}
    for standing in waiting:
        channel = ChannelKind(standing.channel)
        allowed[channel] = await _allowed(app, standing, wanted[channel], now)
    found = await claim(app, room, allowed, now) if any(allowed.values()) else Claim(0, [])
    dropped = await _drop(app, now) if any(standing.late for standing in queues) else 0
    held_up = [standing for standing in waiting if not allowed[ChannelKind(standing.channel)]]
    return replace(found, looked_at=found.looked_at + dropped, wait=_wait(app, held_up, now))


async def offer(app: Application, job: Claimed, deadline: float, place: asyncio.Semaphore) -> Answer:
    """Call the carrier, once; `deadline` is on the loop's clock. Whatever goes wrong has a class."""
    async with place:
        if asyncio.get_running_loop().time() >= deadline:
            return NotSent("its turn did not come in time", retry_after=0.0)
        try:
            async with asyncio.timeout_at(deadline):
                return await app.channels[job.draft.channel].send(job.draft)
        except (Rejected, NotSent, Uncertain) as failed:
            return failed
        except TimeoutError:
            return Uncertain("the carrier did not answer in time")
        except Exception as fault:  # noqa: BLE001 whatever it was, the carrier may have the message
            complain("an adapter failed in a way of its own", fault, channel=job.draft.channel)
            return Uncertain(f"{type(fault).__name__}: {fault}")


def _wait(app: Application, held_up: Sequence[Standing], now: datetime) -> float:
    """Seconds until one of these carriers may be offered more: where its rate keeps it waiting, that is soon."""
    paused = (standing for standing in held_up if not standing.pausing(now) and not standing.open())
    rates = [app.pace_of(ChannelKind(standing.channel)).per_second for standing in paused]
    return min([POLL_SECONDS, *(max(1 / rate, SOONEST) for rate in rates if rate)])


async def _drop(app: Application, now: datetime) -> int:
    async with app.database.write() as session:
        return await expire(session, now)


def deadline_of(app: Application) -> float:
    """Until when what is claimed from now on may be offered, on the loop's clock."""
    return asyncio.get_running_loop().time() + app.lease_seconds * OF_THE_LEASE


async def _allowed(app: Application, standing: Standing, wanted: int, now: datetime) -> int:
    """A look that changes nothing takes no transaction that writes."""
    pace = app.pace_of(ChannelKind(standing.channel))
    if standing.pausing(now) or not (standing.open() or pace.per_second):
        return 0 if standing.pausing(now) else wanted
    async with app.database.write() as session:
        return await allowance(session, standing, pace, wanted, now)
