"""The sender of a deployment: it keeps every channel's places filled while what is done is being written down.

Claiming, calling and writing overlap: a slow carrier holds up only its own channel, and bulk never a reply.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

from sqlalchemy.exc import SQLAlchemyError

from bot.application import Application
from bot.bell import POLL_SECONDS, Bell
from bot.sending.acknowledging import Outcome, acknowledge
from bot.sending.claim import BATCH, Claimed, Lane, lanes
from bot.sending.parking import complain
from bot.sending.sender import deadline_of, look, offer

AHEAD = 1.25
"""So many times its places a lane may have claimed: what is next is at hand when a place is free."""
WORTHWHILE = 8
"""A full lane is not looked after for less than one in so many of its places."""
PAUSE_SECONDS = 2.0
LAST_TRIES = 3
"""So often answers are tried to be written once all calls are over: a store that is away keeps nobody from leaving."""


class Dispatcher:
    """Sends what is queued until told to stop."""

    def __init__(self, app: Application, bell: Bell) -> None:
        self._app, self._bell = app, bell
        self._most = {lane: app.pace_of(lane.channel).in_flight for lane in lanes(dict.fromkeys(app.channels, 0))}
        self._places = {lane: asyncio.Semaphore(most) for lane, most in self._most.items()}
        self._under_way = Counter[Lane]()
        self._calls: set[asyncio.Task[None]] = set()
        self._answered: list[Outcome] = []
        self._some_answered = asyncio.Event()
        self._full: set[Lane] = set()
        self._stopping = False

    async def run(self) -> None:
        """Work until `stop`; then wait for the calls under way and write what came of them."""
        writing = asyncio.create_task(self._write())
        try:
            while not self._stopping:
                if wait := await self._look():
                    await self._bell.wait(wait)
        finally:
            self._stopping = True
            if self._calls:
                await asyncio.wait(self._calls)
            self._some_answered.set()
            await writing

    def stop(self) -> None:
        """Claim nothing more."""
        self._stopping = True
        self._bell.ring()

    async def _look(self) -> float:
        """Claim what there is room for. Seconds until there may be more to do, 0 for at once."""
        room, now = self._room(), self._app.clock()
        self._full = {lane for lane, most in room.items() if not most}
        if not any(room.values()):
            return POLL_SECONDS
        deadline = deadline_of(self._app)
        try:
            found = await look(self._app, room, now)
        except Exception as fault:  # noqa: BLE001 the sender of everybody's messages goes on, whatever it met
            complain("the queue could not be looked at", fault)
            await asyncio.sleep(PAUSE_SECONDS)
            return 0
        for job in found.jobs:
            self._under_way[job.lane] += 1
            call = asyncio.create_task(self._call(job, deadline))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
        return 0 if found.looked_at else found.wait

    def _room(self) -> Mapping[Lane, int]:
        return {lane: self._free(lane) for lane in self._most}

    def _free(self, lane: Lane) -> int:
        """How many may be claimed of a lane; none while it is too few to be worth a look."""
        most = self._most[lane]
        free = int(most * AHEAD) - self._under_way[lane]
        return min(free, BATCH) if free * WORTHWHILE >= most else 0

    async def _call(self, job: Claimed, deadline: float) -> None:
        answer = await offer(self._app, job, deadline, self._places[job.lane])
        self._under_way[job.lane] -= 1
        self._answered.append((job, answer))
        self._some_answered.set()
        if job.lane in self._full and self._free(job.lane):
            self._bell.ring()

    async def _write(self) -> None:
        """Write down answers, all that have come since the last time together. What cannot be written is tried again:
        were it lost, its message would be in doubt for nothing. At the end a few times only: doubt can be settled."""
        tries = 0
        while self._answered or self._calls or not self._stopping:
            await self._some_answered.wait()
            self._some_answered.clear()
            while batch := self._answered[:BATCH]:
                try:
                    await acknowledge(self._app, batch, self._app.clock())
                except (SQLAlchemyError, OSError) as fault:
                    complain("answers could not be written yet", fault, answers=len(batch))
                    tries += self._stopping and not self._calls
                    if tries == LAST_TRIES:
                        return
                    await asyncio.sleep(PAUSE_SECONDS)
                else:
                    del self._answered[: len(batch)]
