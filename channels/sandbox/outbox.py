"""What a sandbox carrier still owes the application: callbacks, answers, bounces. Tried until acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from channels.sandbox.journal import Entry, Journal

Result = TypeVar("Result")
TRIES = 7
FIRST_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Parcel:
    """One thing to hand over. Parcels of one `lane` go in order, each after the one before was acknowledged.

    `to` is an address the carrier understands: a URL, a path below the application's own address, mail recipients.
    """

    id: str
    lane: str
    to: str
    body: str
    sender: str = ""


class Owing:
    """A carrier that owes the application something, and is quiet once it owes nothing."""

    _outbox: Outbox

    def quiet(self) -> bool:
        """Whether nothing is under way to the application."""
        return self._outbox.quiet()

    async def settle(self) -> None:
        """Wait until nothing is under way to the application."""
        await self._outbox.settle()

    @property
    def given_up(self) -> tuple[Parcel, ...]:
        """What the application never acknowledged."""
        return tuple(self._outbox.given_up)


class Outbox:
    """Hands parcels over in the background, each up to seven times over some three seconds.

    What is never acknowledged stays in the journal, is listed in `given_up`, and is tried anew after a restart.
    """

    def __init__(self, journal: Journal, hand_over: Callable[[Parcel], Awaitable[bool]]) -> None:
        self._journal, self._hand_over = journal, hand_over
        self._lanes: dict[str, list[Parcel]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._lane_tasks: dict[str, asyncio.Task[None]] = {}
        self.given_up: list[Parcel] = []

    def owe(self, *parcels: Parcel, record: Entry | None = None) -> None:
        """Take parcels on, journaled in one write with the `record` that caused them."""
        owed = [{"event": "owed", **asdict(parcel)} for parcel in parcels]
        self._journal.write(*([record] if record else []), *owed)
        self._line_up(parcels)

    def resume(self, entries: list[Entry]) -> None:
        """Take up what a journal says was owed and never acknowledged."""
        done = {entry["id"] for entry in entries if entry["event"] == "done"}
        owed = [entry for entry in entries if entry["event"] == "owed" and entry["id"] not in done]
        self._line_up([Parcel(**{key: value for key, value in entry.items() if key != "event"}) for entry in owed])

    def run(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Other work that must end before the carrier is quiet."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def quiet(self) -> bool:
        """Whether nothing is under way."""
        return not self._tasks

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def delivered(self, lane: str, within: float) -> None:
        """Wait until one lane is empty, at most `within` seconds."""
        if task := self._lane_tasks.get(lane):
            await asyncio.wait([task], timeout=within)

    async def stop(self) -> None:
        """Drop what is under way; the journal remembers it."""
        while self._tasks:
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.wait(self._tasks, timeout=0.1)  # a client may take a cancelling for a lost connection
        self._lanes.clear()
        self._lane_tasks.clear()

    def _line_up(self, parcels: tuple[Parcel, ...] | list[Parcel]) -> None:
        for parcel in parcels:
            if parcel.lane in self._lanes:
                self._lanes[parcel.lane].append(parcel)
            else:
                self._lanes[parcel.lane] = [parcel]
                self._lane_tasks[parcel.lane] = self.run(self._serve(parcel.lane))

    async def _serve(self, lane: str) -> None:
        waiting = self._lanes[lane]
        while waiting:
            parcel = waiting[0]
            if await self._handed_over(parcel):
                self._journal.write({"event": "done", "id": parcel.id})
            else:
                self.given_up.append(parcel)
            waiting.pop(0)
        del self._lanes[lane], self._lane_tasks[lane]

    async def _handed_over(self, parcel: Parcel) -> bool:
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(FIRST_PAUSE * 2 ** (attempt - 1))
            if await self._hand_over(parcel):
                return True
        return False
