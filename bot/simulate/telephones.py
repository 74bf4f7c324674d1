"""The telephones of a scenario's people: they answer, say who they are, and stay on the line until time moves on.

The identity step is no part of what a scenario is about, so whoever answers passes it by themselves; a scenario that
presses the digits of the account itself is left to do so.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.simulate.happening import Presses, Says
from bot.simulate.names import Names
from bot.simulate.people import Person
from bot.simulate.scenario import Scenario
from channels.sandbox.calls import CallsCarrier, NoCall
from dialogs.identity import FACTOR, tail
from dialogs.message import Keys
from engine.contact import ChannelKind


class Telephones:
    """What the people of a scenario do with their telephones."""

    def __init__(self, scenario: Scenario, calls: CallsCarrier, accounts: Names) -> None:
        self._calls = calls
        for person in scenario.people:
            tails = [tail(accounts.ref(person.client, account.account)) for account in person.accounts]
            if ChannelKind.VOICE in person.addresses and not _by_hand(scenario, person, tails):
                calls.always(person.addresses[ChannelKind.VOICE], Keys("1"), *map(Keys, [*filter(None, tails)][:1]))

    async def press(self, client: str, number: str, digits: str) -> None:
        """Keys in the call in progress. Raises NoCall where there is none."""
        try:
            await self._calls.press(number, digits)
        except NoCall:
            raise NoCall(f"{client} presses '{digits}', but no call with {client} is in progress") from None

    async def speak(self, number: str, text: str) -> None:
        """Words in the call in progress; where there is none, the client calls."""
        if not any(call.person == number for call in self._calls.waiting):
            await self._calls.call_in(number)
        await self._calls.speak(number, text)

    async def time_moves_on(self) -> bool:
        """Every question still open is left unanswered, and every telephone put down. Whether there was any."""
        return bool(await self._calls.let_go())


def _by_hand(scenario: Scenario, person: Person, tails: Sequence[str]) -> bool:
    """Whether the scenario itself presses the digits that prove who its person is."""
    pressed = {
        event.what.digits if isinstance(event.what, Presses) else event.what.text
        for event in scenario.events
        if event.client == person.client and isinstance(event.what, Presses | Says)
    }
    return any(len(digits) == FACTOR and digits in pressed for digits in tails)
