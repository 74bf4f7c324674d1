"""The people a sandbox carrier can ring: how their next calls are answered, and what they do by themselves in them."""

from __future__ import annotations

from abc import ABC
from collections import deque
from typing import Unpack

from channels.sandbox.account import Particulars, TwilioAccount
from channels.sandbox.call import Call, Deed, Fate, Pickup


class Exchange(TwilioAccount, ABC):
    """Telephones and what was arranged with the people at them. `calls` are all calls, oldest first."""

    def __init__(self, **account: Unpack[Particulars]) -> None:
        super().__init__(**account)
        self._fates: dict[str, deque[Fate]] = {}
        self._deeds: dict[str, deque[Deed]] = {}
        self._habits: dict[str, tuple[Deed, ...]] = {}
        self.calls: list[Call] = []

    def fate(self, number: str, result: Pickup | str, error: str = "", times: int = 1) -> None:
        """Arrange how the next `times` calls to `number` ("*" for any) are answered. Queues up."""
        self._fates.setdefault(number, deque()).extend([Fate(Pickup(result), error)] * times)

    def will(self, number: str, *deeds: Deed) -> None:
        """What the person at `number` does by themselves at the next questions of their next call."""
        self._deeds.setdefault(number, deque()).extend(deeds)

    def always(self, number: str, *deeds: Deed) -> None:
        """What the person at `number` does by themselves at the first questions of every call."""
        self._habits[number] = deeds

    @property
    def waiting(self) -> list[Call]:
        """Calls in progress, at a question."""
        return [call for call in self.calls if call.asks and not call.over]

    @property
    def ringing(self) -> list[Call]:
        """Calls that nobody has picked up or turned away yet."""
        return [call for call in self.calls if call.status == "ringing"]

    def _next_fate(self, number: str) -> Fate:
        for key in (number, "*"):
            if self._fates.get(key):
                return self._fates[key].popleft()
        return Fate(Pickup.PERSON)

    def _deeds_of(self, number: str, *deeds: Deed) -> deque[Deed]:
        """What will be done in a call that begins now."""
        return deque([*self._habits.get(number, ()), *self._deeds.pop(number, ()), *deeds])
