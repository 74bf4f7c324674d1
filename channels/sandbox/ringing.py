"""Telephones in the hands of a visitor: while they are held, every call of ours rings until somebody takes it."""

from __future__ import annotations

import asyncio
from typing import Unpack

from channels.sandbox.account import Particulars
from channels.sandbox.call import Call, Fate, Pickup
from channels.sandbox.calls import CallsCarrier

RINGS_SECONDS = 45.0


class RingingCalls(CallsCarrier):
    """As the sandbox's calls; `by_hand` makes those ring, for a while, for which nothing was arranged."""

    def __init__(self, **account: Unpack[Particulars]) -> None:
        super().__init__(**account)
        self.by_hand = False
        self._bells: dict[str, asyncio.TimerHandle] = {}

    def latest(self, number: str) -> Call | None:
        """The last call with that number, over or not."""
        return next((call for call in reversed(self.calls) if call.person == number), None)

    def engaged(self, number: str) -> bool:
        """Whether a call with that number rings or is in progress."""
        return any(call.person == number and not call.over for call in self.calls)

    async def pick_up(self, number: str, by: Pickup = Pickup.PERSON) -> Call:
        """The call that rings is answered, by a person or by their answering machine. Raises NoCall."""
        call = self._ringing(number)
        call.pickup = by
        await self._outbox.run(self._conduct(call))
        return call

    async def stop(self) -> None:
        """Stop at once, as a killed process would."""
        for bell in self._bells.values():
            bell.cancel()
        self._bells.clear()
        await super().stop()

    def _next_fate(self, number: str) -> Fate:
        fate = super()._next_fate(number)
        return Fate(Pickup.RINGS) if self.by_hand and fate.pickup is Pickup.PERSON else fate

    async def _conduct(self, call: Call) -> None:
        if self.by_hand and any(one.person == call.person and not one.over for one in self.calls if one is not call):
            self._end(call, Pickup.BUSY)
            return
        await super()._conduct(call)
        if self.by_hand and call.pickup is Pickup.RINGS:
            self._bells[call.sid] = asyncio.get_running_loop().call_later(RINGS_SECONDS, self._ring_out, call)

    def _ring_out(self, call: Call) -> None:
        del self._bells[call.sid]
        if call in self.ringing:
            self._end(call, Pickup.NO_ANSWER)
